"""Reads again what is about to leave towards a PB840: the request for a report."""


def check(payload: bytes) -> str | None:
    """None for `SNDA` or `SNDF`, otherwise why it must not leave."""
    return None if payload in (b"SNDA\r", b"SNDF\r") else "PB840 呼吸机只允许发送 SNDA/SNDF 读取请求"
