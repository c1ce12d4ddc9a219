"""Takes the measurement groups out of one physiological sub-record."""

import struct
from collections.abc import Sequence

from device_bridge.drivers.base import GOOD, INVALID, Observation, Output, Unmapped
from device_bridge.drivers.ge_dri import layout
from device_bridge.parameters import judge
from device_bridge.profiles.table import Entry, Table
from device_bridge.wire import Quality

# Every field lies at an even offset, so the sub-record is read as 139 words at once.
_WORDS = struct.Struct(f"<{layout.PHDB_SIZE // 2}h")
_Field = tuple[int, str, str, float, float, float]  # word, code, unit, divisor, low, high
_Group = tuple[int, int, int, tuple[_Field, ...], tuple[tuple[int, Entry], ...]]


class Plans:
    """What is to be taken out of each class of sub-record, worked out once for a device."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.groups: dict[int, tuple[_Group, ...]] = {
            subclass: tuple(self._group(group) for group in groups) for subclass, groups in layout.GROUPS.items()
        }

    def _group(self, group: layout.Group) -> _Group:
        entries = [(field.offset >> 1, self.table.get(field.native)) for field in group.fields]
        known = [(word, entry) for word, entry in entries if entry is not None]
        plain = tuple((w, e.code, e.unit, e.divisor, e.low, e.high) for w, e in known if e.exact)
        others = tuple((word, entry) for word, entry in known if not entry.exact)
        return group.header >> 1, group.off, group.calibrating, plain, others


class Reader:
    """Takes the groups out of one sub-record."""

    def __init__(self, plans: Plans, sub: bytes, time_ms: int) -> None:
        self._plans, self._table = plans, plans.table
        self._words = _WORDS.unpack(sub)
        self.time_ms = time_ms

    def header(self, at: int) -> tuple[int, int]:
        """Status (its low 16 bits, which hold every flag that is known) and label of the group."""
        return self._words[at >> 1], self._words[(at >> 1) + 2] & 0xFFFF

    def raw(self, at: int) -> int | None:
        """The 16-bit number, None for the special values."""
        value: int = self._words[at >> 1]
        return value if value > layout.LAST_SPECIAL else None

    def tell(self, native: str, raw: float | None, quality: Quality = GOOD) -> list[Output]:
        """What an item says at the time of this record."""
        return self._table.tell(native, raw, time_ms=self.time_ms, quality=quality)

    def groups(self, subclass: int) -> list[Output]:
        """All plain groups that are measuring. The hottest loop of the bridge: no calls inside but the dataclass.

        A division by a power of ten gives the nearest number to the decimal, so nothing needs to be rounded.
        """
        out: list[Output] = []
        words, time_ms = self._words, self.time_ms
        for header, off, calibrating, fields, others in self._plans.groups[subclass]:
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
            for place, entry in others:
                raw = words[place]
                known = raw if raw > layout.LAST_SPECIAL else None
                out.append(entry.observe(known, time_ms=time_ms, quality=quality))
        return out

    def pressures(self, channels: Sequence[tuple[int, int]]) -> list[Output]:
        """Invasive pressures, named by the label the user gave the channel on the monitor."""
        out: list[Output] = []
        used: set[str] = set()
        for channel, at in channels:
            status, label = self.header(at)
            if not status & layout.STATUS_ACTIVE:
                continue
            site = layout.PRESSURE_LABELS.get(label, f"p{channel}")
            if site in used:
                site = f"p{channel}"
            used.add(site)
            quality = Quality.CALIBRATION if status & layout.PRESSURE_ZEROING else Quality.GOOD
            for item, offset in (("sys", 6), ("dia", 8), ("mean", 10)):
                entry = self._table.get(f"{site}.{item}")
                if entry is not None:  # of a venous pressure only the mean is told
                    out.append(entry.observe(self.raw(at + offset), time_ms=self.time_ms, quality=quality))
        return out

    def carbon_dioxide(self) -> list[Output]:
        """CO2 as concentration and, with the ambient pressure the monitor measured, as mmHg.

        The airway rate comes from CO2; only when CO2 is not measured does the flow sensor's rate stand in.
        """
        flow_status, _ = self.header(layout.FLOW_HEADER)
        flow_rate = self.raw(layout.FLOW_RR) if flow_status & layout.STATUS_ACTIVE else None
        status, _ = self.header(layout.CO2_HEADER)
        if not status & layout.STATUS_ACTIVE:
            return self.tell("flow_vol.rr", flow_rate) if flow_status & layout.STATUS_ACTIVE else []
        out: list[Output] = []
        quality = Quality.CALIBRATION if status & layout.CO2_CALIBRATING else Quality.GOOD
        ambient = self.raw(148)
        for item, at in (("co2.et", 142), ("co2.fi", 144)):
            raw = self.raw(at)
            out += self.tell(item, raw, quality)
            partial = None
            if raw is not None and ambient is not None and 3000 <= ambient <= 9000:
                partial = round(raw / 100 * (ambient / 10) / 100, 2)
            out += self.tell(f"{item}*amb", partial, quality)
        rate = self.raw(146)
        if rate is None and flow_rate is not None:
            return out + self.tell("flow_vol.rr", flow_rate)
        return out + self.tell("co2.rr", rate)

    def agent(self) -> list[Output]:
        """The volatile agent under its own name."""
        status, label = self.header(layout.AGENT_HEADER)
        if not status & layout.STATUS_ACTIVE or status & (1 << 3):
            return []
        quality = Quality.CALIBRATION if status & (1 << 2) else Quality.GOOD
        out = self.tell("aa.mac_sum", self.raw(180), quality)
        name = layout.AGENT_LABELS.get(label)
        if name is not None:
            out += self.tell(f"aa.{name}.et", self.raw(176), quality)
            out += self.tell(f"aa.{name}.fi", self.raw(178), quality)
        elif label != 1:
            out.append(Unmapped(f"aa label {label}", "agent", str(self.raw(176))))
        return out

    def relaxation(self) -> list[Output]:
        """Neuromuscular transmission; the counts share one word of bit fields."""
        status, _ = self.header(layout.NMT_HEADER)
        if not status & layout.STATUS_ACTIVE:
            return []
        train_of_four = (status >> 2) & 3 == 0
        out = self.tell("nmt.t1", self.raw(224))
        if train_of_four:
            out += self.tell("nmt.ratio", self.raw(226))
        bits = self.raw(228)
        if bits is None:
            return out
        post_tetanic, train = bits & 0x1F, (bits >> 5) & 0x0F
        if post_tetanic <= 21:
            out += self.tell("nmt.ptc", post_tetanic)
        if train_of_four and train <= 4:
            out += self.tell("nmt.count", train)
        return out
