"""Kept bytes decoded again with the drivers, options and mappings of now. Nothing is sent, nothing is stored here.

The bytes are fed in the pieces and at the moments in which they came; a quarter of an hour before the span lets clocks
and repeated measurements settle as they had when the values were first taken.
"""

import base64
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from device_bridge.drivers.base import Clocks, Codec, Fault, Observation, Output, Routed, Unmapped
from device_bridge.drivers.registry import get_driver
from device_bridge.normaliser import Normaliser
from device_bridge.parameters import PARAMETERS
from device_bridge.profiles.store import ProfileStore
from device_bridge.spool_raw import RawPiece
from device_bridge.wire import DeviceConfig

WARM_UP_MS = 15 * 60_000
AFTERWARDS_MS = 5 * 60_000
PART_VALUES = 20_000
_POLL_MS = 100
_POLLS_AT_MOST = 50
_SILENCE_MS = 30_000  # a longer pause of the raw bytes is a hole about which they say nothing
_MOST_UNMAPPED = 200
_LINES_AT_MOST = 64
_Line = tuple[str, int]  # device and number of its connection


@dataclass
class Column:
    """Values of one parameter as they were decoded, in order of arrival."""

    times: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))
    qualities: "array[int]" = field(default_factory=lambda: array("H"))

    def parts(self, code: str) -> Iterator[dict[str, Any]]:
        """The column in pieces for the wire: zlib of int64 times, float64 values, uint16 qualities, in base64."""
        for at in range(0, len(self.times), PART_VALUES):
            cut = slice(at, at + PART_VALUES)
            body = self.times[cut].tobytes() + self.values[cut].tobytes() + self.qualities[cut].tobytes()
            packed = base64.b64encode(zlib.compress(body, 6)).decode("ascii")
            count = len(self.times[cut])
            yield {"code": code, "unit": PARAMETERS[code].unit, "count": count, "data": packed}


@dataclass
class _Open:
    """A connection that is being decoded again."""

    codec: Codec
    last_ms: int


@dataclass
class Redecoded:
    """What the bytes of a span say now."""

    columns: dict[str, Column] = field(default_factory=dict)
    covered: list[list[int]] = field(default_factory=list)  # spans in ms for which there are bytes
    bytes: int = 0
    values: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[str] = field(default_factory=Counter)

    def summary(self) -> dict[str, Any]:
        """Plain dict for the wire, without the values."""
        return {
            "covered": self.covered,
            "bytes": self.bytes,
            "values": self.values,
            "codes": len(self.columns),
            "faults": dict(self.faults.most_common(20)),
            "unmapped": dict(self.unmapped.most_common(50)),
        }


class Redecoder:
    """Decodes for one device: from its own bytes, or from those of the gateways that speak for it."""

    def __init__(
        self,
        target: DeviceConfig,
        sources: Iterable[DeviceConfig],
        from_ms: int,
        to_ms: int,
        profiles: ProfileStore | None = None,
    ) -> None:
        self._target, self._from_ms, self._to_ms = target, from_ms, to_ms
        self._profiles = profiles or ProfileStore()
        self._sources = {source.device_id: source for source in sources}
        self._open: dict[_Line, _Open] = {}
        self._normaliser = Normaliser()
        self.result = Redecoded()

    def run(self, pieces: Iterable[RawPiece]) -> Redecoded:
        """Decode all pieces; raises `UnknownDriver` and `ProfileError`."""
        for piece in pieces:
            one_message = get_driver(self._sources[piece.device].driver).one_message
            line = (piece.device, 0 if one_message else piece.line)
            if piece.opened or line not in self._open:
                self._reopen(line, piece.received_ms)
            if piece.data:
                self._feed(line, piece)
        for line in list(self._open):
            self._close(line, self._open[line].last_ms)
        return self.result

    def _reopen(self, line: _Line, moment: int) -> None:
        source = self._sources[line[0]]
        driver = get_driver(source.driver)
        kept = self._close(line, moment) if line in self._open else None
        while len(self._open) >= _LINES_AT_MOST:  # a connection that ended leaves no mark
            oldest = next(iter(self._open))
            self._close(oldest, self._open[oldest].last_ms)
        if kept is None or not driver.one_message:
            kept = driver.codec(self._profiles.options(source))
        self._open[line] = _Open(kept, moment)
        self._keep(line, kept.opened(_at(moment)), moment)

    def _close(self, line: _Line, moment: int) -> Codec:
        codec = self._open.pop(line).codec
        self._keep(line, codec.closed(_at(moment)), moment)
        return codec

    def _feed(self, line: _Line, piece: RawPiece) -> None:
        one = self._open[line]
        until = min(piece.received_ms, one.last_ms + _POLLS_AT_MOST * _POLL_MS)
        for moment in range(one.last_ms + _POLL_MS, until, _POLL_MS):
            self._keep(line, one.codec.poll(_at(moment)), moment)
        one.last_ms = piece.received_ms
        self._cover(piece.received_ms)
        self.result.bytes += len(piece.data)
        self._keep(line, one.codec.feed(piece.data, _at(piece.received_ms)), piece.received_ms)

    def _cover(self, moment: int) -> None:
        if not self._from_ms <= moment < self._to_ms:
            return
        covered = self.result.covered
        if covered and moment - covered[-1][1] <= _SILENCE_MS:
            covered[-1][1] = max(covered[-1][1], moment)
        else:
            covered.append([moment, moment])

    def _keep(self, line: _Line, outputs: list[Output], moment: int) -> None:
        if not outputs:
            return
        own = self._normaliser.without_repeats(self._own(line[0], outputs))
        for one in own:
            if isinstance(one, Fault):
                self.result.faults[one.kind] += 1
            elif isinstance(one, Unmapped) and (
                one.source_code in self.result.unmapped or len(self.result.unmapped) < _MOST_UNMAPPED
            ):
                self.result.unmapped[one.source_code] += 1
        observations = [one for one in own if isinstance(one, Observation)]
        for reading in self._normaliser.readings(observations, _at(moment)):
            if self._from_ms <= reading.time_ms < self._to_ms:
                column = self.result.columns.setdefault(reading.code, Column())
                column.times.append(reading.time_ms)
                column.values.append(reading.value)
                column.qualities.append(reading.quality)
                self.result.values += 1

    def _own(self, device: str, outputs: list[Output]) -> list[Output]:
        """What was said about the target: by itself, or by a gateway on its behalf."""
        own: list[Output] = []
        for one in outputs:
            if isinstance(one, Routed):
                if one.device == self._target.device_id:
                    own += one.outputs
            elif device == self._target.device_id:
                own.append(one)
        return own


def _at(moment: int) -> Clocks:
    return Clocks(moment, moment / 1000)
