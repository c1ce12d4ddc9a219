"""The machine's own datagrams, for simulators and tests."""

from collections.abc import Mapping
from datetime import datetime

from device_bridge.drivers.aeonmed.codec import NUMERICS
from device_bridge.drivers.mllp import frame
from device_bridge.profiles.table import natives_of

_IDS = natives_of("aeonmed")


def datagram(values: Mapping[str, str], at: datetime) -> bytes:
    """One message 58; `values` are printed numbers by canonical code, `at` is the machine's local time."""
    hour = at.hour % 12 or 12
    when = f"{at.month}/{at.day}/{at.year} {hour}:{at:%M:%S} {'PM' if at.hour >= 12 else 'AM'}"
    lines = [f"MSH|^~\\&|||||{when}||ORU^R01|{NUMERICS}|P|2.4|"]
    lines += [f"OBX||NM|{_IDS[code]}^{code}|2000^BDU|{text}||||||F" for code, text in values.items()]
    return frame(("\r".join(lines) + "\r").encode("ascii"))
