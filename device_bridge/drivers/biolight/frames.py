"""The A8 frame: `FF D1 .. .. .. F1 00`, length in two 7-bit bytes, one byte, then blocks.

A block is an identifier, a channel, its length in two 7-bit bytes (high first) and the data. Numbers inside
blocks are 7 bits a byte as well, low byte first, except the heart rate.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

START = b"\xff\xd1"
HEAD = 9  # bytes up to and including the length
MAX_FRAME = HEAD + 0x3FFF


@dataclass(frozen=True, slots=True)
class Block:
    """One block: `kind` E0 … E6, `channel`, data."""

    kind: int
    channel: int
    data: bytes


def low_first(data: bytes, at: int) -> int:
    """A 14-bit number, low seven bits first."""
    return ((data[at + 1] & 0x7F) << 7) | (data[at] & 0x7F)


def split(datagram: bytes) -> tuple[list[list[Block]], list[str]]:
    """The frames of a datagram as lists of blocks, and words for what could not be used."""
    frames: list[list[Block]] = []
    faults: list[str] = []
    position = 0
    while position < len(datagram):
        start = datagram.find(START, position)
        if datagram[position : len(datagram) if start < 0 else start].strip(b"\0"):
            faults.append("garbage")
        if start < 0:
            break
        if len(datagram) < start + HEAD or datagram[start + 5] != 0xF1:
            faults.append("header")
            position = start + len(START)
            continue
        length = ((datagram[start + 7] & 0x7F) << 7) | (datagram[start + 8] & 0x7F)
        end = start + HEAD + length
        if end > len(datagram):
            faults.append("truncated")
            break
        blocks = list(_blocks(datagram[start + HEAD + 1 : end]))
        if None in blocks:
            faults.append("block_length")  # nothing of a frame whose parts do not fit is believed
        else:
            frames.append([one for one in blocks if one is not None])
        position = end
    return frames, faults


def _blocks(body: bytes) -> Iterator[Block | None]:
    position = 0
    while position < len(body):
        if len(body) < position + 4 or not 0xE0 <= body[position] <= 0xEF:
            yield None
            return
        length = ((body[position + 2] & 0x7F) << 7) | (body[position + 3] & 0x7F)
        end = position + 4 + length
        if end > len(body):
            yield None
            return
        yield Block(body[position], body[position + 1], body[position + 4 : end])
        position = end


def build(blocks: Iterable[Block], counter: int = 0) -> bytes:
    """The monitor's own frame."""
    body = bytes((counter & 0x7F,))
    for one in blocks:
        body += bytes((one.kind, one.channel, len(one.data) >> 7, len(one.data) & 0x7F)) + one.data
    return START + b"\0\0\0\xf1\0" + bytes((len(body) >> 7, len(body) & 0x7F)) + body


def pack(value: int) -> bytes:
    """A 14-bit number, low seven bits first."""
    return bytes((value & 0x7F, (value >> 7) & 0x7F))
