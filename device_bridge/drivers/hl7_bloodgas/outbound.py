"""Reads again what is about to leave towards an analyser: one positive acknowledgement, nothing else."""

import re

_ACK = re.compile(
    rb"\x0bMSH\|\^~\\&\|MAFEI\|BRIDGE\|\|\|[0-9]{14}\+0000\|\|ACK\^R01\^ACK\|[0-9]{1,12}\|P\|[0-9.]{1,8}\r"
    rb"MSA\|A[AE]\|[^|\r\n\x0b\x1c]{1,800}\r\x1c\r"
)


def check(payload: bytes) -> str | None:
    """None when the bytes are exactly one acknowledgement, otherwise why they must not leave."""
    return None if _ACK.fullmatch(payload) else "血气分析仪只允许回复确认(ACK)"
