"""The oximeter's own lines, for simulators and tests."""

from datetime import datetime

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
HEADING = b"N-595    VERSION 1.00.00    SpO2 Limit: 85-100%   PR Limit: 40-170BPM\r\nTIME  %SpO2  BPM  PA  Status\r\n"


def line(saturation: str, rate: str, at: datetime, *, amplitude: str = "120", status: str = "") -> bytes:
    """One line; `at` is the oximeter's local time, values as printed (`98`, `98*`, `---`)."""
    day = f"{at.day:02d}-{_MONTHS[at.month - 1]}-{at:%y %H:%M:%S}"
    return f"{day}   {saturation:<4} {rate:<4} {amplitude:<4} {status}\r\n".encode("ascii")
