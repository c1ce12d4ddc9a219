"""Reads again what is about to leave towards a Fresenius pump. Shares no code with the rest on purpose.

Allowed: the two line bytes ACK and DC4, opening the dialogue, and the reading of the listed variables. Every other
command of the protocol - mode, reset, off, silence, drug, name, rate, pause, bolus, limits - is refused, as are the
commands that make the pump report by itself: they would change what it does.
"""

import re

_READS = re.compile(rb"[0-6]?(?:DC|LE;[abdemr]{1,8})")
_REFUSED = "费森尤斯注射泵只允许建立会话和读取变量"


def check(payload: bytes) -> str | None:
    """None for a line byte or one read command with the right check digits, otherwise why it must not leave."""
    if payload in (b"\x06", b"\x14"):
        return None
    if len(payload) < 6 or payload[0] != 2 or payload[-1] != 3:
        return _REFUSED
    text, stated = payload[1:-3], payload[-3:-1]
    total = 0
    for byte in text:
        total = (total + byte) % 256
    if stated != f"{255 - total:02X}".encode("ascii"):
        return _REFUSED
    return None if _READS.fullmatch(text) else _REFUSED
