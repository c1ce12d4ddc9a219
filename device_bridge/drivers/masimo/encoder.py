"""The oximeter's own line, for simulators and tests."""

from collections.abc import Mapping
from datetime import datetime


def line(values: Mapping[str, str], at: datetime) -> bytes:
    """One line; `values` are printed values by field name, `at` is the oximeter's local time."""

    def shown(name: str) -> str:
        return values.get(name, "---")

    text = (
        f"{at:%m/%d/%y %H:%M:%S} SN=0000070986 SPO2={shown('SPO2')}% BPM={shown('BPM')} PI={shown('PI')}% "
        f"SPCO={shown('SPCO')}% SPMET={shown('SPMET')}% DESAT=-- PIDELTA=+-- PVI={shown('PVI')} "
        "ALARM=000000 EXC=000000\r\n"
    )
    return text.encode("ascii")
