"""A GE monitor behind a TCP serial server: silent until it gets a transmission request."""

import asyncio
import struct
import time
from collections.abc import Mapping

from device_bridge.drivers.ge_dri import layout
from device_bridge.drivers.ge_dri.encoder import Physiological, physiological_frame, wave_frame
from device_bridge.drivers.ge_dri.framing import DriFramer, parse_header
from device_bridge.profiles.store import shipped
from device_bridge.simulators.base import SimulatedDevice, SimulatorSettings
from device_bridge.simulators.curves import CurveSource

_AMBIENT_MMHG = 759.8
_LINES = shipped("ge_dri").lines
_FIELDS = {
    _LINES[field.native].code: (group.header, field.offset, _LINES[field.native].divisor)
    for group in layout.BASIC
    for field in group.fields
}
_CO2 = {"EtCO2": 142, "FiCO2": 144}
_AGENT_SEV = 6
_OLD_AFTER_S = 60


class GeMonitor(SimulatedDevice):
    """TCP server with the DRI stream."""

    def __init__(self, settings: SimulatorSettings) -> None:
        super().__init__(settings)
        self._number = 0
        self._cuff: dict[str, float] = {}
        self._cuff_at = 0
        self._cuff_told = True
        self._last_s = 0
        self._curves = CurveSource(self.patient.values)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = DriFramer()
        interval = 0.0
        next_data = 0.0
        reading = asyncio.create_task(reader.read(4096))
        try:
            while True:
                done, _ = await asyncio.wait({reading}, timeout=0.05)
                if done:
                    data = reading.result()
                    if not data:
                        return
                    reading = asyncio.create_task(reader.read(4096))
                    for body in framer.feed(data):
                        asked = requested_interval(body)
                        if asked is not None:
                            interval, next_data = float(asked), time.monotonic()
                        curves = requested_waves(body)
                        if curves is not None:
                            self._curves.ask(curves)
                # a monitor never gives two records the same second
                if interval > 0 and time.monotonic() >= next_data and self.device_ms() // 1000 != self._last_s:
                    next_data = max(next_data + interval, time.monotonic() - interval)
                    await self._record(writer)
                if (piece := self._curves.due(self.clock.second)) is not None:
                    number, self._number = self._number, (self._number + 1) & 0xFF
                    await self.send(writer, wave_frame(piece, number=number, time=self.device_ms() // 1000))
        finally:
            reading.cancel()

    async def _record(self, writer: asyncio.StreamWriter) -> None:
        second = self.clock.second()
        now_s = self._last_s = self.device_ms() // 1000
        if self.clock.cuff_due(second):
            self._measure(second, now_s)
        values = self.patient.values(second)
        if self.settings.arterial:
            values |= self.patient.arterial(second)
        record = Physiological(now_s)
        sent = fill(record, values)
        old = now_s - self._cuff_at > _OLD_AFTER_S
        fill_cuff(record, self._cuff, old=old)
        if not self._cuff_told:
            sent |= self._cuff
        data = physiological_frame([record], number=self._number, time=now_s, plug_id=self.settings.seed & 0xFFFF)
        self._number = (self._number + 1) & 0xFF
        await self.send(writer, data, now_s * 1000, sent)
        self._cuff_told = True

    def _measure(self, second: int, now_s: int) -> None:
        """A repeated reading within a minute cannot be told apart on this protocol, so it is none."""
        fresh = self.patient.cuff(second)
        if fresh != self._cuff or now_s - self._cuff_at > _OLD_AFTER_S:
            self._cuff, self._cuff_at, self._cuff_told = fresh, now_s, False


def requested_interval(body: bytes) -> int | None:
    """Seconds between records that a transmission request asks for; None for anything else."""
    header = parse_header(body)
    if header is None or header.maintype != layout.PHDB or header.length != 49:
        return None
    return int(struct.unpack_from("<h", body, 41)[0])


def requested_waves(body: bytes) -> list[int] | None:
    """Curves that a request asks for, empty when it stops them; None for anything else."""
    header = parse_header(body)
    if header is None or header.maintype != layout.WAVE or header.length != 72:
        return None
    (stops,) = struct.unpack_from("<h", body, 40)
    return [] if stops else [kind for kind in body[44:52] if kind in layout.WAVES]


def fill(record: Physiological, values: Mapping[str, float]) -> dict[str, float]:
    """Put canonical values into a basic record; gives back what a decoder must find, exactly."""
    groups: dict[int, dict[int, int]] = {}
    sent: dict[str, float] = {}
    for code, value in values.items():
        known = _FIELDS.get("ST_1" if code == "ST_II" else code)
        if known is None:
            continue
        header, offset, divisor = known
        raw = round(value * divisor)
        groups.setdefault(header, {})[offset] = raw
        sent["ST_1" if code == "ST_II" else code] = round(raw / divisor, 4)
    for header, numbers in groups.items():
        record.group(header, numbers)
    sent |= _fill_gases(record, values)
    if "ART_S" in values:
        raws = {26: values["ART_S"], 28: values["ART_D"], 30: values["ART_M"]}
        record.group(20, {offset: round(value * 100) for offset, value in raws.items()}, label=1)
        sent |= {code: round(values[code], 2) for code in ("ART_S", "ART_D", "ART_M")}
    return sent


def _fill_gases(record: Physiological, values: Mapping[str, float]) -> dict[str, float]:
    sent: dict[str, float] = {}
    if "EtCO2" in values:
        numbers = {148: round(_AMBIENT_MMHG * 10), 146: round(values["awRR"])}
        for code, offset in _CO2.items():
            raw = round(values[code] / _AMBIENT_MMHG * 10_000)
            numbers[offset] = raw
            sent[f"{code}_pct"] = raw / 100
            sent[code] = round(raw / 100 * _AMBIENT_MMHG / 100, 2)
        record.group(layout.CO2_HEADER, numbers, label=1)
        sent["awRR"] = float(round(values["awRR"]))
    if "EtSEV" in values:
        raws = {"EtSEV": 176, "FiSEV": 178, "MAC": 180}
        record.group(
            layout.AGENT_HEADER,
            {offset: round(values[code] * 100) for code, offset in raws.items()},
            label=_AGENT_SEV,
        )
        sent |= {code: round(values[code], 2) for code in raws}
    return sent


def fill_cuff(record: Physiological, cuff: Mapping[str, float], *, old: bool) -> None:
    """The last cuff measurement, which the monitor repeats until the next one."""
    if not cuff:
        return
    offsets = {82: "NIBP_S", 84: "NIBP_D", 86: "NIBP_M"}
    numbers = {offset: round(cuff[code] * 100) for offset, code in offsets.items()}
    record.group(layout.NIBP_HEADER, numbers, label=3 | (layout.NIBP_OLD if old else 0))
