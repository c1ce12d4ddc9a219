"""Reads again what is about to leave towards a Biolight monitor: the one data request, nothing else."""

_REQUEST = b"\xff\xda\x7f\xf1\x00\x0f\x00\x06\x02\x08\x01\x02\x64\x6f"


def check(payload: bytes) -> str | None:
    """None for the data request, otherwise why not. The time synchronisation is of the same shape: refused."""
    return None if payload == _REQUEST else "宝莱特监护仪只允许发送数据请求"
