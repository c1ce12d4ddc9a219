"""Decoder of the DRI stream."""

import struct
from typing import Any

from device_bridge.drivers.base import (
    NO_SAMPLE,
    Clocks,
    CodecOptions,
    DeviceInfo,
    Fault,
    Output,
    Send,
    Unmapped,
    Wave,
)
from device_bridge.drivers.ge_dri import encoder, layout
from device_bridge.drivers.ge_dri.framing import DriFramer, Header, parse_header
from device_bridge.drivers.ge_dri.reader import Plans, Reader
from device_bridge.profiles.table import Table, table_of
from device_bridge.wire import Quality

_ASK_AGAIN_AFTER_S = 10.0
_TWO_DAYS_S = 2 * 86_400


class GeDriCodec:
    """One connection to one monitor. Options: `interval_s` (default 5) and `waves` (list of curve codes)."""

    def __init__(self, options: CodecOptions) -> None:
        self._framer = DriFramer()
        self._interval_s = max(1, min(int(options.values.get("interval_s", 5)), 3600))
        self._waves = _wave_kinds(options.values)
        self._numbers: dict[int, int] = {}
        self._last: dict[int, bytes] = {}
        self._plug_id: int | None = None
        self._plans = Plans(table_of("ge_dri", options))
        self._nibp = _NibpEpisode(self._plans.table)
        self._next_request: float | None = None

    def opened(self, now: Clocks) -> list[Output]:
        """Ask for the transmission."""
        return self._requests(now)

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode what arrived."""
        out: list[Output] = []
        for body in self._framer.feed(data):
            header = parse_header(body)
            if header is None:
                out.append(Fault("length"))
                continue
            out += self._record(body, header)
            if self._next_request is not None:
                self._next_request = received.mono_s + self._patience()
        out += [Fault(kind) for kind in self._framer.faults]
        self._framer.faults.clear()
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """Ask again when nothing has come for a while: the monitor may have been restarted."""
        if self._next_request is not None and now.mono_s >= self._next_request:
            return self._requests(now)
        return []

    def closed(self, now: Clocks) -> list[Output]:
        """Nothing is held back."""
        return []

    def _patience(self) -> float:
        return max(_ASK_AGAIN_AFTER_S, 3.0 * self._interval_s)

    def _requests(self, now: Clocks) -> list[Output]:
        self._next_request = now.mono_s + self._patience()
        out: list[Output] = [Send(encoder.request_numbers(self._interval_s), "transmission request")]
        if self._waves:
            out.append(Send(encoder.request_waves(self._waves), "wave request"))
        return out

    # -- records -------------------------------------------------------------------------------------

    def _record(self, body: bytes, header: Header) -> list[Output]:
        out: list[Output] = []
        expected = self._numbers.get(header.maintype)
        self._numbers[header.maintype & 0xFF] = (header.number + 1) & 0xFF
        if expected is not None and expected != header.number:
            out.append(Fault("sequence_gap", str((header.number - expected) & 0xFF)))
        if header.plug_id != self._plug_id:
            self._plug_id = header.plug_id
            out.append(DeviceInfo({"plug_id": str(header.plug_id)}))
        if header.maintype == layout.PHDB:
            for sub in header.subrecords:
                if sub.kind == layout.DISPLAYED:
                    out += self._physiological(body[sub.start : sub.start + layout.PHDB_SIZE], header)
        elif header.maintype == layout.WAVE:
            for sub in header.subrecords:
                out += _wave(sub.kind, body[sub.start :], header)
        return out

    def _physiological(self, sub: bytes, header: Header) -> list[Output]:
        if len(sub) < layout.PHDB_SIZE:
            return [Fault("subrecord_size")]
        (time,) = struct.unpack_from("<I", sub, 0)
        (kind,) = struct.unpack_from("<H", sub, 276)
        subclass = (kind >> 8) & 0x0F
        if kind & 0x0F != layout.DISPLAYED or subclass not in layout.GROUPS:
            return [Fault("subrecord_kind", hex(kind))]
        if abs(time - header.time) > _TWO_DAYS_S:
            return [Fault("subrecord_time")]
        if self._last.get(subclass) == sub:
            return []  # the same record once more
        self._last[subclass] = sub
        reader = Reader(self._plans, sub, time * 1000)
        out = reader.groups(subclass)
        if subclass == 0:
            out += reader.pressures(layout.PRESSURES)
            out += reader.carbon_dioxide() + reader.agent() + reader.relaxation()
            out += self._nibp.observe(reader)
        elif subclass == 1:
            out += reader.pressures(layout.PRESSURES_EXT1)
        return out


class _NibpEpisode:
    """DRI repeats the last cuff reading in every record; this finds the moment at which each one appeared.

    A reading that was already older than a minute when first seen has no known moment.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._triple: tuple[int | None, ...] | None = None
        self._was_old = False
        self._episode_ms: int | None = None

    def observe(self, reader: Reader) -> list[Output]:
        status, label = reader.header(layout.NIBP_HEADER)
        if not status & layout.STATUS_ACTIVE:
            return []
        values = [reader.raw(f.offset) for f in layout.NIBP_FIELDS]
        triple = tuple(values[:3])
        old = bool(label & layout.NIBP_OLD)
        if any(value is not None for value in triple):
            if triple != self._triple:
                self._episode_ms = None if old else reader.time_ms
            elif self._was_old and not old:
                self._episode_ms = reader.time_ms
            self._triple, self._was_old = triple, old
        quality = Quality.CALIBRATION if label & layout.NIBP_CALIBRATING else Quality.GOOD
        if old and self._episode_ms is None:
            quality |= Quality.LATE
        out: list[Output] = []
        for one, value in zip(layout.NIBP_FIELDS, values, strict=True):
            entry = self._table.get(one.native)
            if entry is not None:
                out.append(
                    entry.observe(
                        value,
                        time_ms=reader.time_ms,
                        episode_ms=self._episode_ms,
                        episode_inferred=True,
                        quality=quality,
                    )
                )
        return out


def _wave(kind: int, sub: bytes, header: Header) -> list[Output]:
    known = layout.WAVES.get(kind)
    if len(sub) < 6:
        return [Fault("subrecord_size")]
    count, _, _ = struct.unpack_from("<hHH", sub, 0)
    if count < 0 or 6 + 2 * count > len(sub):
        return [Fault("subrecord_size")]
    if known is None:
        return [Unmapped(f"wave {kind}", "wave", str(count))]
    raw = struct.unpack_from(f"<{count}h", sub, 6)
    samples = tuple(one if one > layout.LAST_SPECIAL else NO_SAMPLE for one in raw)
    return [
        Wave(
            known.code,
            known.unit,
            known.rate_hz,
            known.scale,
            samples,
            time_ms=header.time * 1000,
        )
    ]


def _wave_kinds(options: Any) -> list[int]:
    wanted = options.get("waves", ())
    chosen: list[int] = []
    budget = 600.0
    for kind, known in layout.WAVES.items():
        if known.code in wanted and known.rate_hz <= budget and len(chosen) < 8:
            chosen.append(kind)
            budget -= known.rate_hz
    return chosen
