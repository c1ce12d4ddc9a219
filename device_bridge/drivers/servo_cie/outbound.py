"""Reads again what is about to leave towards a Servo ventilator: six known commands, byte for byte.

Other `S…` commands would set something; the definitions of the two reading lists are allowed in one form only.
"""

_ALLOWED = ("RCTY", "SDADB201200204205207206209241233", "RADAB", "SDADS300303305306307308323334", "RADAS")


def check(payload: bytes) -> str | None:
    """None for the greeting or one of the commands with the right checksum, otherwise why not."""
    if payload == b"HO\x04":
        return None
    for text in _ALLOWED:
        value = 0
        for character in text:
            value ^= ord(character)
        if payload == f"{text}{value:02X}\x04".encode("ascii"):
            return None
    return "Servo 呼吸机只允许发送读取命令"
