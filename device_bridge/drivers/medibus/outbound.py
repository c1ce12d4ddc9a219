"""Reads again what is about to leave towards a Draeger machine. Shares no code with the rest on purpose.

Allowed: requests for data, limits, alarms, settings, texts, date, identity and the real-time configuration,
sign of life, start and stop of the dialogue; and the answers the machine insists on. A command never has
arguments, so nothing can be set.
"""

import re

_COMMANDS = frozenset(b"\x23\x24\x25\x26\x27\x28\x29\x2a\x2b\x2c\x2d\x2e\x30\x51\x52\x53\x55")
_BANNED_ANSWERS = frozenset(b"\x49\x4a\x54")
_IDENTITY = re.compile(rb"\x01\x52[0-9]{4}'[A-Z]{1,20}'[0-9]{2}\.[0-9]{2}:[0-9]{2}\.[0-9]{2}")
_REFUSED = "德尔格设备只允许发送读取请求和握手应答"


def check(payload: bytes) -> str | None:
    """None for one allowed telegram with the right checksum, otherwise why it must not leave."""
    if len(payload) < 5 or payload[-1] != 0x0D:
        return _REFUSED
    body, stated = payload[:-3], payload[-3:-1]
    total = 0
    for byte in body:
        total = (total + byte) % 256
    if stated != f"{total:02X}".encode("ascii"):
        return _REFUSED
    if len(body) == 2 and body[0] == 0x1B:
        return None if body[1] in _COMMANDS else _REFUSED
    if len(body) == 2 and body[0] == 0x01:
        allowed = body[1] == 0x15 or (0x20 <= body[1] <= 0x55 and body[1] not in _BANNED_ANSWERS and body[1] != 0x52)
        return None if allowed else _REFUSED
    return None if _IDENTITY.fullmatch(body) else _REFUSED
