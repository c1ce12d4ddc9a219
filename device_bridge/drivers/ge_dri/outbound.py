"""Reads again what is about to leave towards a DRI device. Shares no code with the encoder on purpose.

Only a transmission request may leave: displayed numbers (record type 1) or curves. Network management,
trend download and everything that has not been verified is refused.
"""

_REFUSED = "GE 设备只允许发送数据传输请求"
_NUMBERS = 49
_WAVES = 72


def check(payload: bytes) -> str | None:
    """None when the bytes are exactly one framed transmission request, otherwise why they must not leave."""
    body = _body(payload)
    if body is None:
        return _REFUSED + "（帧格式不符）"
    length = int.from_bytes(body[0:2], "little")
    kind = int.from_bytes(body[14:16], "little")
    if length != len(body) or any(body[2:14]) or any(body[16:40]):
        return _REFUSED + "（头部不符）"
    if kind == 0 and length == _NUMBERS:
        return None if _numbers(body[40:]) else _REFUSED + "（数值请求内容不符）"
    if kind == 1 and length == _WAVES:
        return None if _waves(body[40:]) else _REFUSED + "（波形请求内容不符）"
    return _REFUSED + "（记录类型不符）"


def _body(payload: bytes) -> bytes | None:
    if len(payload) < 4 or payload[0] != 0x7E or payload[-1] != 0x7E:
        return None
    plain = bytearray()
    escaped = False
    for byte in payload[1:-1]:
        if byte == 0x7E:
            return None
        if escaped:
            if byte not in (0x5E, 0x5D):
                return None
            plain.append(byte ^ 0x20)
            escaped = False
        elif byte == 0x7D:
            escaped = True
        else:
            plain.append(byte)
    if escaped or len(plain) < 42 or sum(plain[:-1]) % 256 != plain[-1]:
        return None
    return bytes(plain[:-1])


def _numbers(request: bytes) -> bool:
    interval = int.from_bytes(request[1:3], "little", signed=True)
    classes = int.from_bytes(request[3:7], "little")
    return request[0] == 1 and -1 <= interval <= 3600 and classes <= 0x0F and not any(request[7:9])


def _waves(request: bytes) -> bool:
    start_or_stop = int.from_bytes(request[0:2], "little")
    return start_or_stop in (0, 1) and not any(request[2:4]) and not any(request[12:32])
