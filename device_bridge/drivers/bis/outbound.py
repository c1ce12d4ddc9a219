"""Reads again what is about to leave towards a BIS monitor: start or stop of the stream, nothing else."""

_BODIES = (
    "00000d00010004000000730000000000010000",
    "00000d00010004000000730000000000010001",
    "00000c0001000400000074000000000000",
)


def check(payload: bytes) -> str | None:
    """None for one of the known requests with the right sum, otherwise why it must not leave."""
    for text in _BODIES:
        body = bytes.fromhex(text)
        total = 0
        for byte in body:
            total += byte
        if payload == b"\xba\xab" + body + bytes((total & 0xFF, total >> 8)):
            return None
    return "BIS 监护仪只允许发送数据流的开始和停止请求"
