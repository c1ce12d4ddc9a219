"""The monitor's side: answer to the association, creation event, poll results; for simulators and tests."""

import struct
from collections.abc import Mapping, Sequence

from device_bridge.drivers.ihe_pcd01.codes import SCADA
from device_bridge.drivers.intellivue.messages import make_float
from device_bridge.profiles.store import shipped

ACCEPT = bytes.fromhex("0e0405020001")
_PRIVATE = 0xF000
_PROFILE = shipped("intellivue_rs232")
REFUSE = bytes.fromhex("0c02c100")


def identifiers() -> dict[str, int]:
    """Canonical code → the identifier that a monitor gives it."""
    found: dict[str, int] = {}
    for native, line in _PROFILE.lines.items():
        if native.isdecimal() and 0 < int(native) - SCADA < _PRIVATE:
            found.setdefault(line.code, int(native) - SCADA)
        elif native.startswith("0x"):
            found.setdefault(line.code, int(native, 16))
    return found


_IDS = identifiers()
_DIMENSIONS = {unit: int(key, 16) for key, unit in reversed(list(_PROFILE.units.items())) if key.startswith("0x")}
NOT_A_NUMBER, UNAVAILABLE, INVALID, QUESTIONABLE, DEMO = None, 0x2000, 0x8000, 0x4000, 0x0400


def attribute(number: int, data: bytes) -> bytes:
    """One attribute."""
    return struct.pack(">HH", number, len(data)) + data


def listing(items: Sequence[bytes]) -> bytes:
    """Count, length, items."""
    joined = b"".join(items)
    return struct.pack(">HH", len(items), len(joined)) + joined


def numeric(code: str, value: float | None, unit: str, *, state: int = 0, places: int = 1) -> bytes:
    """The observed value of a canonical code."""
    raw = make_float(value, places)
    return struct.pack(">HHHI", _IDS[code], state, _DIMENSIONS[unit], raw)


def creation(invoke: int, relative: int, absolute: str) -> bytes:
    """The event with which a monitor begins; `absolute` are 16 digits `YYYYMMDDhhmmssff` of its local time."""
    attributes = listing(
        [
            attribute(0x0928, struct.pack(">H", 8) + b"Philips\0" + struct.pack(">H", 6) + b"M8000\0"),
            attribute(0x0987, bytes.fromhex(absolute)),
            attribute(0x098F, struct.pack(">I", relative)),
        ]
    )
    information = struct.pack(">HHH", 0x21, 0, 0) + attributes
    body = struct.pack(">HHHIHH", 0x21, 0, 0, relative, 0x0D06, len(information)) + information
    return _operation(1, struct.pack(">HHH", invoke, 1, len(body)) + body)


def poll_result(
    objects: Sequence[tuple[int, Sequence[bytes]]],
    *,
    relative: int,
    invoke: int = 2,
    object_class: int = 6,
    linked: bytes = b"",
) -> bytes:
    """One result of an extended poll; `objects` are (handle, attributes)."""
    packed = [struct.pack(">H", handle) + listing(attributes) for handle, attributes in objects]
    context = struct.pack(">H", 0) + listing(packed)
    reply = struct.pack(">HHI", 1, 1, relative) + b"\xff" * 8 + struct.pack(">HHH", 1, object_class, 0)
    reply += listing([context])
    body = struct.pack(">HHHHH", 0x21, 0, 0, 0xF13B, len(reply)) + reply
    operation = 5 if linked else 2
    return _operation(operation, linked + struct.pack(">HHH", invoke, 7, len(body)) + body)


def numerics(values: Mapping[str, tuple[float | None, str]], *, relative: int, state: int = 0) -> bytes:
    """A poll result with one object a value; `values` are (value, unit) by canonical code."""
    objects = [
        (0x8000 + place, [attribute(0x0950, numeric(code, value, unit, state=state, places=2))])
        for place, (code, (value, unit)) in enumerate(values.items())
    ]
    return poll_result(objects, relative=relative)


def _operation(kind: int, body: bytes) -> bytes:
    return struct.pack(">HHHH", 0xE100, 2, kind, len(body)) + body
