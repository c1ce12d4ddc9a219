"""Reads again what is about to leave towards an analyser: one byte, ACK or NAK."""


def check(payload: bytes) -> str | None:
    """None for a single ACK or NAK, otherwise why the bytes must not leave."""
    return None if payload in (b"\x06", b"\x15") else "血气分析仪只允许回复 ACK/NAK 一个字节"
