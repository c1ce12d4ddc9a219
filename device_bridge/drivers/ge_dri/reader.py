"""Takes the measurement groups out of one physiological sub-record."""

import struct
from collections.abc import Sequence

from device_bridge.drivers.base import GOOD, INVALID, Observation, Output, Unmapped, observe
from device_bridge.drivers.ge_dri import layout
from device_bridge.parameters import PARAMETERS, judge
from device_bridge.wire import Quality

# Every field lies at an even offset, so the sub-record is read as 139 words at once.
_WORDS = struct.Struct(f"<{layout.PHDB_SIZE // 2}h")
_Field = tuple[int, str, str, float, float, float]  # word, code, unit, divisor, low, high


def _plan(group: layout.Group) -> tuple[int, int, int, tuple[_Field, ...]]:
    fields = tuple(
        (f.offset >> 1, f.code, PARAMETERS[f.code].unit, f.divisor, PARAMETERS[f.code].low, PARAMETERS[f.code].high)
        for f in group.fields
    )
    return group.header >> 1, group.off, group.calibrating, fields


_PLANS = {subclass: tuple(_plan(group) for group in groups) for subclass, groups in layout.GROUPS.items()}


class Reader:
    """Takes the groups out of one sub-record."""

    def __init__(self, sub: bytes, time_ms: int) -> None:
        self._words = _WORDS.unpack(sub)
        self.time_ms = time_ms

    def header(self, at: int) -> tuple[int, int]:
        """Status (its low 16 bits, which hold every flag that is known) and label of the group."""
        return self._words[at >> 1], self._words[(at >> 1) + 2] & 0xFFFF

    def raw(self, at: int) -> int | None:
        """The 16-bit number, None for the special values."""
        value: int = self._words[at >> 1]
        return value if value > layout.LAST_SPECIAL else None

    def value(self, at: int, divisor: float) -> float | None:
        """The number in its unit."""
        raw = self.raw(at)
        return None if raw is None else raw / divisor

    def one(self, code: str, value: float | None, quality: Quality = Quality.GOOD) -> Output:
        """An observation at the time of this record."""
        return observe(code, value, time_ms=self.time_ms, quality=quality)

    def groups(self, subclass: int) -> list[Output]:
        """All plain groups that are measuring. The hottest loop of the bridge: no calls inside but the dataclass.

        A division by a power of ten gives the nearest number to the decimal, so nothing needs to be rounded.
        """
        out: list[Output] = []
        words, time_ms = self._words, self.time_ms
        for header, off, calibrating, fields in _PLANS[subclass]:
            status = words[header]
            if not status & layout.STATUS_ACTIVE or status & off:
                continue
            quality = Quality.CALIBRATION if status & calibrating else GOOD
            for place, code, unit, divisor, low, high in fields:
                raw = words[place]
                if raw <= layout.LAST_SPECIAL:
                    invalid = INVALID if quality is GOOD else quality | INVALID
                    out.append(Observation(code, None, unit, invalid, time_ms))
                    continue
                value = raw / divisor
                if low <= value <= high:
                    out.append(Observation(code, value, unit, quality, time_ms))
                else:
                    out.append(Observation(code, value, unit, quality | judge(code, value), time_ms))
        return out

    def pressures(self, channels: Sequence[tuple[int, int]]) -> list[Output]:
        """Invasive pressures, named by the label the user gave the channel on the monitor."""
        out: list[Output] = []
        used: set[str] = set()
        for channel, at in channels:
            status, label = self.header(at)
            if not status & layout.STATUS_ACTIVE:
                continue
            site = layout.PRESSURE_LABELS.get(label, f"P{channel}")
            if site in used:
                site = f"P{channel}"
            used.add(site)
            quality = Quality.CALIBRATION if status & layout.PRESSURE_ZEROING else Quality.GOOD
            if site in layout.MEAN_ONLY:
                out.append(self.one(site, self.value(at + 10, 100), quality))
                continue
            for suffix, offset in (("S", 6), ("D", 8), ("M", 10)):
                out.append(self.one(f"{site}_{suffix}", self.value(at + offset, 100), quality))
        return out

    def carbon_dioxide(self) -> list[Output]:
        """CO2 as concentration and, with the ambient pressure the monitor measured, as mmHg.

        The airway rate comes from CO2; only when CO2 is not measured does the flow sensor's rate stand in.
        """
        out: list[Output] = []
        flow_status, _ = self.header(layout.FLOW_HEADER)
        status, _ = self.header(layout.CO2_HEADER)
        if not status & layout.STATUS_ACTIVE:
            if flow_status & layout.STATUS_ACTIVE:
                out.append(self.one("awRR", self.value(layout.FLOW_RR, 1)))
            return out
        quality = Quality.CALIBRATION if status & layout.CO2_CALIBRATING else Quality.GOOD
        ambient = self.value(148, 10)
        for code, at in (("EtCO2", 142), ("FiCO2", 144)):
            percent = self.value(at, 100)
            out.append(self.one(f"{code}_pct", percent, quality))
            partial = None
            if percent is not None and ambient is not None and 300 <= ambient <= 900:
                partial = round(percent * ambient / 100, 2)
            out.append(self.one(code, partial, quality))
        rate = self.value(146, 1)
        if rate is None and flow_status & layout.STATUS_ACTIVE:
            rate = self.value(layout.FLOW_RR, 1)
        out.append(self.one("awRR", rate))
        return out

    def agent(self) -> list[Output]:
        """The volatile agent under its own name."""
        status, label = self.header(layout.AGENT_HEADER)
        if not status & layout.STATUS_ACTIVE or status & (1 << 3):
            return []
        quality = Quality.CALIBRATION if status & (1 << 2) else Quality.GOOD
        out = [self.one("MAC", self.value(180, 100), quality)]
        name = layout.AGENT_LABELS.get(label)
        if name is not None:
            out.append(self.one(f"Et{name}", self.value(176, 100), quality))
            out.append(self.one(f"Fi{name}", self.value(178, 100), quality))
        elif label != 1:
            out.append(Unmapped(f"aa label {label}", "agent", str(self.raw(176))))
        return out

    def relaxation(self) -> list[Output]:
        """Neuromuscular transmission; the counts share one word of bit fields."""
        status, _ = self.header(layout.NMT_HEADER)
        if not status & layout.STATUS_ACTIVE:
            return []
        train_of_four = (status >> 2) & 3 == 0
        out = [self.one("NMT_T1", self.value(224, 10))]
        if train_of_four:
            out.append(self.one("TOF", self.value(226, 10)))
        bits = self.raw(228)
        if bits is None:
            return out
        post_tetanic, train = bits & 0x1F, (bits >> 5) & 0x0F
        if post_tetanic <= 21:
            out.append(self.one("PTC", post_tetanic))
        if train_of_four and train <= 4:
            out.append(self.one("TOFcnt", train))
        return out
