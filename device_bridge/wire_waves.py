"""The shape in which curves travel: pieces of signed 16-bit counts with rate, scale and the time of the first one.

Standard library only; beside `wire` the other module of the bridge that the web side may import.

Event `waves` (bridge → web, `WaveBatch.to_json()`) is answered like `samples`. Curves have their own stream of
numbers, `<stream>-w`, so that they never hold up a numeric.

Bytes of a piece: differences of neighbouring counts modulo 65536, zigzag coded (small steps in either direction
become small numbers), all high bytes before all low bytes, zlib.
"""

import base64
import binascii
import sys
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from device_bridge.wire import WIRE_VERSION

MAX_COUNT = 1_000_000


@dataclass(frozen=True, slots=True)
class WavePiece:
    """A run of samples without a break: physical value = count * scale + offset; -32768 means "no sample"."""

    code: str
    unit: str
    start_ms: int
    rate_hz: float
    scale: float
    offset: float
    count: int
    data: bytes  # `pack_samples`


@dataclass(frozen=True, slots=True)
class WaveBlock:
    """All curves of one device in a batch."""

    device: str
    pieces: tuple[WavePiece, ...]


@dataclass(frozen=True, slots=True)
class WaveBatch:
    """One unit of delivery of curves, frozen like a `Batch`."""

    bridge: str
    stream: str
    seq: int
    floor: int
    sent_at_ms: int
    blocks: tuple[WaveBlock, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain dict for the wire."""
        return {
            "v": WIRE_VERSION,
            "bridge": self.bridge,
            "stream": self.stream,
            "seq": self.seq,
            "floor": self.floor,
            "sent_at_ms": self.sent_at_ms,
            "blocks": [{"device": b.device, "waves": [piece_to_row(p) for p in b.pieces]} for b in self.blocks],
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> "WaveBatch":
        """Inverse of `to_json`. Raises `ValueError` on a shape that is not a batch of curves of this version."""
        try:
            if data["v"] != WIRE_VERSION:
                raise ValueError(f"wire version {data['v']!r} is not {WIRE_VERSION}")
            return WaveBatch(
                bridge=str(data["bridge"]),
                stream=str(data["stream"]),
                seq=int(data["seq"]),
                floor=int(data["floor"]),
                sent_at_ms=int(data["sent_at_ms"]),
                blocks=tuple(
                    WaveBlock(str(block["device"]), tuple(row_to_piece(row) for row in block["waves"]))
                    for block in data["blocks"]
                ),
            )
        except (KeyError, TypeError, IndexError, binascii.Error) as error:
            raise ValueError(f"not a batch of curves: {error!r}") from error


def piece_to_row(piece: WavePiece) -> list[Any]:
    """A piece as a JSON row."""
    data = base64.b64encode(piece.data).decode("ascii")
    return [
        piece.code, piece.unit, piece.start_ms, piece.rate_hz, piece.scale, piece.offset, piece.count, data,
    ]  # fmt: skip


def row_to_piece(row: Sequence[Any]) -> WavePiece:
    """Inverse of `piece_to_row`. Raises `ValueError`."""
    code, unit, start_ms, rate_hz, scale, offset, count, data = row
    if not 0 < float(rate_hz) <= 100_000 or not 0 < int(count) <= MAX_COUNT:
        raise ValueError(f"rate {rate_hz!r} or count {count!r} of {code!r} is not possible")
    return WavePiece(
        str(code), str(unit), int(start_ms), float(rate_hz), float(scale), float(offset), int(count),
        base64.b64decode(data, validate=True),
    )  # fmt: skip


def pack_samples(samples: Sequence[int]) -> bytes:
    """Signed 16-bit counts as the bytes of a piece."""
    steps = [(after - before) & 0xFFFF for before, after in zip((0, *samples), samples, strict=False)]
    words = array("H", [((step << 1) & 0xFFFF) ^ (0xFFFF if step & 0x8000 else 0) for step in steps])
    if sys.byteorder == "big":
        words.byteswap()
    raw = words.tobytes()
    return zlib.compress(raw[1::2] + raw[::2], 6)


def unpack_samples(data: bytes, count: int) -> list[int]:
    """Inverse of `pack_samples`. Raises `ValueError`."""
    try:
        raw = zlib.decompress(data)
    except zlib.error as error:
        raise ValueError("not a piece of a curve") from error
    if len(raw) != 2 * count:
        raise ValueError(f"{len(raw)} bytes are not {count} samples")
    value, samples = 0, []
    for high, low in zip(raw[:count], raw[count:], strict=True):
        step = high << 8 | low
        value = (value + ((step >> 1) ^ -(step & 1))) & 0xFFFF
        samples.append(value - 0x10000 if value & 0x8000 else value)
    return samples
