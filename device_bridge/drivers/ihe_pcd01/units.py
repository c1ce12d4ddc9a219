"""Units and sentinels of values that are named by ISO/IEEE 11073 codes: shared by HL7 gateways and by SDC.

A unit is a number (262144 + dimension), its REFID, or plain text as some senders write it; the spellings are in the
profile. A known unit that cannot become the canonical one makes the value suspect; an unknown one is taken for the
canonical.
"""

import re

from device_bridge.drivers.ihe_pcd01 import codes
from device_bridge.parameters import PARAMETERS, Linear, linear
from device_bridge.profiles.table import Entry, Table

AS_IS: Linear = (0.0, 1.0, 1.0)
_MDIL_UNIT = re.compile(r"0004-([0-9a-fA-F]{4})")
_UNIT_PARTITION = 262_144
_NO_DIMENSION = frozenset({"1", "dB", "1:x"})


def is_sentinel(code: str, value: float) -> bool:
    """Does the number only say that there is none? A pressure, an ST segment or a base excess of -1 can be real."""
    return value in codes.SENTINELS and not (value == -1.0 and PARAMETERS[code].low <= -1.0)


def way_from(table: Table, entry: Entry, number: str, name: str = "") -> Linear | None:
    """From the unit a message states (its number, its name) to the canonical one; None when there is no way.

    A unit that the profile decides is not asked for in the message.
    """
    if entry.stated or not (number or name):
        return AS_IS
    match = _MDIL_UNIT.fullmatch(number)
    if match is not None:
        number = str(_UNIT_PARTITION + int(match.group(1), 16))
    spellings = (table.unit(key) for key in (number, name, number.lower(), name.lower()))
    stated = next((one for one in spellings if one), None)
    if stated is None or entry.unit in _NO_DIMENSION:
        return AS_IS
    return linear(entry.code, stated, table.ambient)
