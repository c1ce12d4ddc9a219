"""Builds Mindray 2.3.1 messages: the two the bridge may send, and the device's own for simulators and tests."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from device_bridge.drivers.mindray_pds import codes
from device_bridge.drivers.mindray_pds.waves import SEGMENT
from device_bridge.drivers.mllp import frame

_MSH = "MSH|^~\\&|||||||{kind}|{number}|P|2.3.1|"


def message(kind: str, number: str, segments: Iterable[str] = ()) -> bytes:
    """One message between MLLP marks; `kind` is MSH-9, `number` MSH-10 (the family's message id)."""
    lines = [_MSH.format(kind=kind, number=number), *segments]
    return frame(("\r".join(lines) + "\r").encode("utf-8"))


def heartbeat() -> bytes:
    """The sign of life that both sides send once a second."""
    return message("ORU^R01", codes.HEARTBEAT)


def query(at: datetime, query_id: int, wanted: str = "0&0^1^1^1^") -> bytes:
    """The request that starts the stream. `at` is written in the hospital's local time as it stands."""
    return message(
        "QRY^R02",
        codes.QUERY,
        [f"QRD|{at:%Y%m%d%H%M%S}|R|I|Q{query_id}|||||RES", f"QRF|MON||||{wanted}"],
    )


@dataclass(frozen=True, slots=True)
class Numeric:
    """One NM observation: parameter id, label, module and the text of the value."""

    parameter: str
    label: str
    module: str
    value: str


def periodic(values: Sequence[Numeric]) -> bytes:
    """Message 204: current numbers, without unit and without time."""
    rows = [f"OBX||NM|{v.parameter}^{v.label}|{v.module}|{v.value}||||||F" for v in values]
    return message("ORU^R01", codes.PERIODIC, rows)


def states(valid: Sequence[tuple[str, bool]]) -> bytes:
    """Message 205: which of the parameters just sent mean something."""
    rows = [
        f"OBX||CE|{codes.STATE_ID}^|{parameter}|{codes.STATE_VALID if good else codes.STATE_INVALID}^||||||F"
        for parameter, good in valid
    ]
    return message("ORU^R01", codes.STATES, rows)


def aperiodic(values: Sequence[Numeric], at: datetime) -> bytes:
    """Message 503: a NIBP measurement with the device's local time of measurement."""
    rows = [f"OBX||NM|{v.parameter}^{v.label}|{v.module}|{v.value}||||||F||APERIODIC|{at:%Y%m%d%H%M%S}" for v in values]
    return message("ORU^R01", codes.APERIODIC, rows)


def alarms(entries: Sequence[tuple[int, str, str]], at: datetime) -> bytes:
    """Message 54: physiological alarms as (level, code, text)."""
    rows = [f"OBX||CE|2|{level}|{code}^{text}||||||F|||{at:%Y%m%d%H%M%S}|" for level, code, text in entries]
    return message("ORU^R01", codes.PHYSIOLOGICAL_ALARMS, rows)


def technical_alarms(entries: Sequence[tuple[str, str]]) -> bytes:
    """Message 56: technical alarms as (code, text)."""
    rows = [f"OBX||CE|4||{code}^{text}||||||F|" for code, text in entries]
    return message("ORU^R01", codes.TECHNICAL_ALARMS, rows)


def curves(entries: Sequence[tuple[int, int, Sequence[int]]]) -> bytes:
    """Message 157: one second of curves as (id, bytes a sample, counts without sign)."""
    head = _MSH.format(kind="ORU^R01", number=codes.WAVEFORMS).encode()
    segments = [head, *(SEGMENT + pack(_curve(*entry)) for entry in entries)]
    return frame(b"\r".join(segments) + b"\r")


def pack(plain: bytes) -> bytes:
    """Seven bytes with their highest bit set, then their highest bits: no byte is below 128."""
    filled = plain + bytes(-len(plain) % 7)
    packed = bytearray()
    for start in range(0, len(filled), 7):
        seven = filled[start : start + 7]
        highest = sum((byte >> 7) << place for place, byte in enumerate(seven))
        packed += bytes(byte | 0x80 for byte in (*seven, highest))
    return bytes(packed)


def _curve(number: int, size: int, counts: Sequence[int]) -> bytes:
    header = bytes(2) + number.to_bytes(2, "big") + bytes((size,)) + len(counts).to_bytes(2, "big") + b"\0"
    return header + b"".join(count.to_bytes(size, "big") for count in counts)


def connected(bed: str, name: str) -> bytes:
    """Message 101: what a monitor says first; no patient data."""
    return message(
        "ADT^A01",
        codes.CONNECTED,
        [
            "EVN||00000000|",
            f"PV1||I|^^{bed}&{bed}&&4601&&1|||||||||||||||U|",
            f"OBX||ST|2304^MonitorName||{name}||||||F",
            "OBX||NM|4524^||0||||||F",
            f"OBX||ST|2308^BedNoStr||{bed}||||||F",
        ],
    )
