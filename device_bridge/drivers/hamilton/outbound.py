"""Reads again what is about to leave towards a Hamilton ventilator: a request for one known value."""

_READABLE = frozenset(
    (40, 41, 42, 43, 48, 49, 50, 53, 54, 61, 62, 63, 66, 67, 69, 71, 73, 74, 75, 87, 105, 106, 111, 113)
)


def check(payload: bytes) -> str | None:
    """None for `STX code ETX CR` with a readable code, otherwise why it must not leave."""
    if len(payload) == 4 and payload[0] == 2 and payload[2:] == b"\x03\r" and payload[1] in _READABLE:
        return None
    return "哈美顿呼吸机只允许发送读取单个参数的请求"
