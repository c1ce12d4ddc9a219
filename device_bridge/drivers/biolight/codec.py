"""Decoder of A8 frames."""

from collections.abc import Callable, Mapping

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output, Send, Unmapped
from device_bridge.drivers.biolight.frames import Block, low_first, split
from device_bridge.drivers.cuff import CuffWatch
from device_bridge.profiles.table import Table, table_of
from device_bridge.wire import Quality

REQUEST = bytes.fromhex("FFDA7FF1000F000602080102646F")
_ASK_AGAIN_AFTER_S = 5.0
_NO_RATE = 511  # nine bits set
_NO_BYTE = 127  # SpO2
_NO_RESPIRATION = 255
_NO_TEMPERATURE = 8191  # thirteen bits set
_PRESSURE_INVALID, _PRESSURE_KNOWN_BITS = 0x01, 0x09


class BiolightCodec:
    """One monitor. Option `pressures`: {"P1": "ART", …} names the invasive channels; default P1, P2."""

    def __init__(self, options: CodecOptions) -> None:
        names = options.values.get("pressures", {})
        self._names = {str(k): str(v) for k, v in names.items()} if isinstance(names, Mapping) else {}
        self._table = table_of("biolight", options)
        self._cuff = CuffWatch()
        self._next_request: float | None = None

    def opened(self, now: Clocks) -> list[Output]:
        """Ask for the data."""
        return self._request(now)

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode one datagram."""
        frames, faults = split(data)
        out: list[Output] = [Fault(kind) for kind in faults]
        for blocks in frames:
            out += self._frame(blocks, received)
        if frames and self._next_request is not None:
            self._next_request = received.mono_s + _ASK_AGAIN_AFTER_S
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """Ask again when nothing comes."""
        if self._next_request is not None and now.mono_s >= self._next_request:
            return self._request(now)
        return []

    def closed(self, now: Clocks) -> list[Output]:
        """Nothing is held back."""
        return []

    def _request(self, now: Clocks) -> list[Output]:
        self._next_request = now.mono_s + _ASK_AGAIN_AFTER_S
        return [Send(REQUEST, "data request")]

    def _frame(self, blocks: list[Block], received: Clocks) -> list[Output]:
        out: list[Output] = []
        pressures = 0
        for block in blocks:
            if block.kind == 0xE6:
                pressures += 1
                out += self._pressure(block.data, pressures)
                continue
            reader = _READERS.get(block.kind)
            if reader is None:
                out.append(Unmapped(f"block {block.kind:02X}", "", str(len(block.data))))
            else:
                out += reader(self._table, block)
        return self._cuff.date(out, received.wall_ms)

    def _pressure(self, data: bytes, number: int) -> list[Output]:
        """Status, then systolic, mean and diastolic with an offset of 100 mmHg."""
        if len(data) < 7 or number > 8:
            return [Fault("block_length")]
        name = self._names.get(f"P{number}", f"P{number}")
        status = data[0]
        # a channel can count in hundredths; which bit says so is not known, so such a channel is flagged
        quality = Quality.UNIT_SUSPECT if status & ~_PRESSURE_KNOWN_BITS else Quality.GOOD
        out: list[Output] = []
        for item, at in (("sys", 1), ("mean", 3), ("dia", 5)):
            entry = self._table.get(f"ibp.{name}.{item}")
            if entry is not None:  # of a venous pressure only the mean is told
                value = None if status & _PRESSURE_INVALID else low_first(data, at)
                out.append(entry.observe(value, quality=quality))
        return out


def _electrocardiogram(table: Table, block: Block) -> list[Output]:
    if len(block.data) < 5:
        return [Fault("block_length")]
    rate = ((block.data[3] & 0x03) << 7) | (block.data[4] & 0x7F)
    return table.tell("ecg.hr", None if rate == _NO_RATE else rate)


def _saturation(table: Table, block: Block) -> list[Output]:
    if len(block.data) < 2:
        return [Fault("block_length")]
    value = block.data[1] & 0x7F
    return table.tell("spo2", None if value == _NO_BYTE else value)


def _pulse(table: Table, block: Block) -> list[Output]:
    if len(block.data) < 2:
        return [Fault("block_length")]
    rate = low_first(block.data, 0) & 0x1FF
    return table.tell("pr", None if rate == _NO_RATE else rate)


def _respiration(table: Table, block: Block) -> list[Output]:
    if not block.data:
        return [Fault("block_length")]
    return table.tell("resp", None if block.data[0] == _NO_RESPIRATION else block.data[0])


def _temperature(table: Table, block: Block) -> list[Output]:
    if len(block.data) < 3:
        return [Fault("block_length")]
    raw = low_first(block.data, 1)
    return table.tell(f"temp.{block.channel:02X}", None if raw & _NO_TEMPERATURE == _NO_TEMPERATURE else raw)


def _cuff(table: Table, block: Block) -> list[Output]:
    if len(block.data) < 10:
        return [Fault("block_length")]
    invalid = bool(block.data[0] & 0x10)
    places = (("nibp.sys", 4), ("nibp.mean", 6), ("nibp.dia", 8))
    told = [table.tell(item, None if invalid else low_first(block.data, at)) for item, at in places]
    return [one for outputs in told for one in outputs]


_READERS: dict[int, Callable[[Table, Block], list[Output]]] = {
    0xE0: _electrocardiogram,
    0xE1: _saturation,
    0xE2: _pulse,
    0xE3: _respiration,
    0xE4: _temperature,
    0xE5: _cuff,
}
