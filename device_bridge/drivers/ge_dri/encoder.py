"""Builds DRI records: the two requests of the bridge, and the monitor's own records for simulators and tests."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from device_bridge.drivers.ge_dri import layout
from device_bridge.drivers.ge_dri.framing import enframe

_ALL_CLASSES = 0x0E  # basic is always included; 2 = ext1, 4 = ext2, 8 = ext3


def record(
    maintype: int,
    subrecords: Sequence[tuple[int, bytes]],
    *,
    number: int = 0,
    level: int = 0,
    plug_id: int = 0,
    time: int = 0,
) -> bytes:
    """A whole record body; `subrecords` are (type, data) in order."""
    length = layout.HEADER_SIZE + sum(len(data) for _, data in subrecords)
    entries = bytearray()
    offset = 0
    for kind, data in subrecords:
        entries += struct.pack("<hB", offset, kind)
        offset += len(data)
    if len(subrecords) < 8:
        entries += struct.pack("<hB", 0, layout.END_OF_LIST)
    head = layout.HEAD_FIELDS.pack(length, number & 0xFF, level, plug_id, time, 0)
    head += struct.pack("<h", maintype)
    return head + bytes(entries).ljust(24, b"\0") + b"".join(data for _, data in subrecords)


def request_numbers(interval_s: int, classes: int = _ALL_CLASSES) -> bytes:
    """Ask for displayed values every `interval_s` seconds; 0 stops, -1 asks once. 49 bytes before framing."""
    body = bytearray(record(layout.PHDB, [(0, struct.pack("<BhIh", 1, interval_s, classes, 0))]))
    return enframe(_request_list(body))


def request_waves(kinds: Sequence[int], *, stop: bool = False) -> bytes:
    """Ask for curves (at most 8 kinds and 600 samples a second in total), or stop them."""
    chosen = bytes(kinds).ljust(8, b"\xff")
    body = bytearray(record(layout.WAVE, [(0, struct.pack("<hh8s", int(stop), 0, chosen) + bytes(20))]))
    return enframe(_request_list(body))


def _request_list(body: bytearray) -> bytes:
    """In a request the list of sub-records holds one entry of type 0 and the rest is zero."""
    body[layout.SUBRECORDS_AT : layout.HEADER_SIZE] = bytes(24)
    return bytes(body)


@dataclass
class Physiological:
    """One 278-byte sub-record under construction; every number starts as "no data", every group as absent."""

    time: int
    subclass: int = 0
    level: int = 10
    marker: int = 0
    data: bytearray = field(default_factory=lambda: bytearray(layout.PHDB_SIZE))

    def __post_init__(self) -> None:
        for at in range(10, 274, 2):
            struct.pack_into("<h", self.data, at, layout.NO_DATA)
        for header in _headers(self.subclass):
            struct.pack_into("<IH", self.data, header, 0, 0)

    def group(self, header: int, values: Mapping[int, int], *, status: int = 3, label: int = 0) -> None:
        """Set a group's header (present and active by default) and its raw numbers by offset."""
        struct.pack_into("<IH", self.data, header, status, label)
        for offset, raw in values.items():
            struct.pack_into("<h", self.data, offset, raw)

    def pack(self) -> bytes:
        """The sub-record's bytes."""
        struct.pack_into("<I", self.data, 0, self.time)
        kind = layout.DISPLAYED | (self.level << 4) | (self.subclass << 8)
        struct.pack_into("<BBH", self.data, 274, self.marker, 0, kind)
        return bytes(self.data)


def _headers(subclass: int) -> list[int]:
    headers = [group.header for group in layout.GROUPS.get(subclass, ())]
    if subclass == 0:
        headers += [header for _, header in layout.PRESSURES]
        headers += [layout.NIBP_HEADER, layout.CO2_HEADER, layout.AGENT_HEADER, layout.NMT_HEADER]
    if subclass == 1:
        headers += [header for _, header in layout.PRESSURES_EXT1]
    return headers


def physiological_frame(
    records: Sequence[Physiological], *, number: int, time: int, plug_id: int = 0, level: int = 10
) -> bytes:
    """The framed record a monitor sends in answer to `request_numbers`."""
    subrecords = [(layout.DISPLAYED, one.pack()) for one in records]
    return enframe(record(layout.PHDB, subrecords, number=number, level=level, plug_id=plug_id, time=time))


def wave_frame(
    waves: Sequence[tuple[int, Sequence[int]]], *, number: int, time: int, plug_id: int = 0, level: int = 10
) -> bytes:
    """A framed record of curves: (kind, raw samples)."""
    subrecords = [(kind, struct.pack(f"<hHH{len(samples)}h", len(samples), 0, 0, *samples)) for kind, samples in waves]
    return enframe(record(layout.WAVE, subrecords, number=number, level=level, plug_id=plug_id, time=time))
