"""Raw data in the formats of the outside: CSV, EDF (European Data Format, 1992), WFDB (PhysioNet, format 16) and .vital
(VitalDB, version 3).

Nothing here names a patient: a file carries the number of the case only. Pure functions from tracks to bytes.
"""

import csv
import gzip
import io
import re
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import numpy as np
from numpy.typing import NDArray

from app.vitals.columns import Samples
from app.vitals.waves import NO_SAMPLE, Piece, unpack

_EDF_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_PLAIN_UNITS = {"°C": "degC", "µV": "uV", "µmol/L": "umol/L", "Ω": "Ohm", "L/min/m²": "L/min/m2", "1": ""}


@dataclass(frozen=True, slots=True)
class Track:
    """One parameter or one curve of one device; either `samples` or `pieces` is filled."""

    device: str
    code: str
    unit: str
    samples: Samples | None = None
    pieces: tuple[Piece, ...] = ()


def to_csv(tracks: Sequence[Track], zone: tzinfo) -> bytes:
    """One line a value, in order of device, parameter and time; curves are not part of it. UTF-8 with a mark for Excel."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["时间", "设备", "参数", "数值", "单位", "质量标志"])
    for track in tracks:
        if track.samples is None:
            continue
        for at, value, quality in zip(
            track.samples.times_ms.tolist(),
            track.samples.values.tolist(),
            track.samples.qualities.tolist(),
            strict=True,
        ):
            moment = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)
            stamp = moment.isoformat(timespec="milliseconds")
            writer.writerow(
                [stamp, track.device, track.code, f"{value:.4f}".rstrip("0").rstrip("."), track.unit, quality]
            )
    return ("\ufeff" + text.getvalue()).encode("utf-8")


def to_edf(tracks: Sequence[Track], case_no: str, start_ms: int, end_ms: int, zone: tzinfo) -> bytes:
    """EDF with records of one second: curves at their own rate and exact counts, parameters at 1 Hz.

    Where there is no sample stands the lowest digital value. Curves whose rate is not a whole number are left out,
    because EDF cannot hold them. Raises `ValueError` when nothing can be written.
    """
    start_ms = start_ms // 1000 * 1000
    seconds = -(-(end_ms - start_ms) // 1000)
    signals = [signal for track in tracks if (signal := _edf_signal(track, start_ms, seconds)) is not None]
    if not signals or seconds <= 0:
        raise ValueError("nothing to write")
    begun = datetime.fromtimestamp(start_ms / 1000, UTC).astimezone(zone)
    recording = f"Startdate {begun.day:02d}-{_EDF_MONTHS[begun.month - 1]}-{begun.year} {_ascii(case_no)} X Mafei"
    head = [
        _pad("0", 8), _pad("X X X X", 80), _pad(recording, 80), _pad(f"{begun:%d.%m.%y}", 8), _pad(f"{begun:%H.%M.%S}", 8),
        _pad(str(256 * (len(signals) + 1)), 8), _pad("", 44), _pad(str(seconds), 8), _pad("1", 8),
        _pad(str(len(signals)), 4),
    ]  # fmt: skip
    columns = (
        [_pad(s.label, 16) for s in signals],
        [_pad("", 80) for _ in signals],
        [_pad(s.unit, 8) for s in signals],
        [_pad(_number(-32768 * s.scale + s.offset), 8) for s in signals],
        [_pad(_number(32767 * s.scale + s.offset), 8) for s in signals],
        [_pad("-32768", 8) for _ in signals],
        [_pad("32767", 8) for _ in signals],
        [_pad("", 80) for _ in signals],
        [_pad(str(s.rate), 8) for s in signals],
        [_pad("", 32) for _ in signals],
    )
    body = np.concatenate([s.counts.reshape(seconds, s.rate) for s in signals], axis=1)
    return b"".join(head) + b"".join(b"".join(column) for column in columns) + body.astype("<i2").tobytes()


@dataclass(frozen=True, slots=True)
class _EdfSignal:
    label: str
    unit: str
    rate: int
    scale: float
    offset: float
    counts: NDArray[np.int16]


def to_wfdb(tracks: Sequence[Track], case_no: str, start_ms: int, end_ms: int, zone: tzinfo) -> bytes:
    """A ZIP of a WFDB record: `.hea` and `.dat` in format 16, frames of one second with each signal at its own rate.

    The same signals as EDF; where there is no sample stands -32768, which WFDB reads as absent. Raises `ValueError`
    when nothing can be written.
    """
    start_ms = start_ms // 1000 * 1000
    seconds = -(-(end_ms - start_ms) // 1000)
    signals = [signal for track in tracks if (signal := _edf_signal(track, start_ms, seconds)) is not None]
    if not signals or seconds <= 0:
        raise ValueError("nothing to write")
    record = re.sub(r"[^A-Za-z0-9_]", "_", _ascii(case_no)) or "record"
    begun = datetime.fromtimestamp(start_ms / 1000, UTC).astimezone(zone)
    lines = [f"{record} {len(signals)} 1 {seconds} {begun:%H:%M:%S} {begun:%d/%m/%Y}"]
    for s in signals:
        rate = f"x{s.rate}" if s.rate > 1 else ""
        gain, baseline = f"{1 / s.scale:.10g}", round(-s.offset / s.scale)
        checksum = int(s.counts.astype(np.int64).sum()) & 0xFFFF
        checksum -= 0x10000 if checksum & 0x8000 else 0
        unit = s.unit.replace("/", "_per_").lstrip("_") or "NU"
        lines.append(f"{record}.dat 16{rate} {gain}({baseline})/{unit} 16 0 {s.counts[0]} {checksum} 0 {s.label}")
    body = np.concatenate([s.counts.reshape(seconds, s.rate) for s in signals], axis=1)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (
            (f"{record}.hea", "\n".join(lines) + "\n"),
            (f"{record}.dat", body.astype("<i2").tobytes()),
        ):
            archive.writestr(zipfile.ZipInfo(name, begun.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _edf_signal(track: Track, start_ms: int, seconds: int) -> _EdfSignal | None:
    label, unit = _ascii(f"{track.code} {track.device}"), _ascii(_PLAIN_UNITS.get(track.unit, track.unit))
    if track.samples is not None:
        scale = next(
            (s for s in (0.01, 0.1, 1.0) if np.max(np.abs(track.samples.values), initial=0) < 32_000 * s), None
        )
        if scale is None:
            return None
        counts = np.full(seconds, NO_SAMPLE, np.int16)
        good = (track.samples.qualities & 256) == 0
        places = (track.samples.times_ms[good] - start_ms) // 1000
        inside = (places >= 0) & (places < seconds)
        counts[places[inside]] = np.rint(track.samples.values[good][inside] / scale).astype(np.int16)
        return _EdfSignal(label, unit, 1, scale, 0.0, counts)
    first = track.pieces[0] if track.pieces else None
    if first is None or first.rate_hz != round(first.rate_hz) or first.rate_hz > 5000:
        return None
    rate = round(first.rate_hz)
    counts = np.full(seconds * rate, NO_SAMPLE, np.int16)
    for piece in track.pieces:
        if (piece.rate_hz, piece.scale, piece.offset) != (first.rate_hz, first.scale, first.offset):
            continue
        samples = unpack(piece.data, piece.count)
        at = round((piece.start_ms - start_ms) * rate / 1000)
        skipped = max(0, -at)
        room = counts[max(at, 0) : max(at, 0) + max(len(samples) - skipped, 0)]
        room[:] = samples[skipped : skipped + len(room)]
    return _EdfSignal(label, unit, rate, first.scale, first.offset, counts)


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii").replace(" ", "_") if text else ""


def _pad(text: str, size: int) -> bytes:
    return text.encode("ascii", "replace")[:size].ljust(size)


def _number(value: float) -> str:
    """At most eight characters with as many digits as fit."""
    for digits in range(8, 0, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 8 and "e" not in text:
            return text
    return f"{value:.0f}"[:8]


def to_vital(tracks: Sequence[Track], zone_minutes: int) -> bytes:
    """.vital: a device packet, a track packet each, then the records in order of time; gzip."""
    devices = list(dict.fromkeys(track.device for track in tracks))
    out = [b"VITA", struct.pack("<IHhII", 3, 10, -zone_minutes, 0, 0)]
    for number, device in enumerate(devices, 1):
        out.append(_packet(9, struct.pack("<I", number) + _text("Mafei") + _text(device) + _text("")))
    records: list[tuple[float, bytes]] = []
    for number, track in enumerate(tracks, 1):
        is_wave = track.samples is None
        first = track.pieces[0] if track.pieces else None
        rate, gain, offset = (first.rate_hz, first.scale, first.offset) if first else (0.0, 1.0, 0.0)
        out.append(
            _packet(
                0,
                struct.pack("<HBB", number, 1 if is_wave else 2, 5 if is_wave else 1)
                + _text(track.code)
                + _text(_PLAIN_UNITS.get(track.unit, track.unit))
                + struct.pack("<ffIfddBI", 0.0, 0.0, 0xFFFFFF, rate, gain, offset, 0, devices.index(track.device) + 1),
            )
        )
        records += _vital_records(number, track)
    records.sort(key=lambda record: record[0])
    return gzip.compress(b"".join([*out, *(record for _, record in records)]), 6, mtime=0)


def _vital_records(number: int, track: Track) -> list[tuple[float, bytes]]:
    found: list[tuple[float, bytes]] = []
    if track.samples is not None:
        good = (track.samples.qualities & 256) == 0
        pairs = zip(track.samples.times_ms[good].tolist(), track.samples.values[good].tolist(), strict=True)
        for at, value in pairs:
            found.append((at / 1000, _packet(1, struct.pack("<HdHf", 10, at / 1000, number, value))))
        return found
    for piece in track.pieces:
        samples = unpack(piece.data, piece.count).astype("<i2").tobytes()
        at = piece.start_ms / 1000
        found.append((at, _packet(1, struct.pack("<HdHI", 10, at, number, piece.count) + samples)))
    return found


def _packet(kind: int, body: bytes) -> bytes:
    return struct.pack("<bI", kind, len(body)) + body


def _text(text: str) -> bytes:
    raw = text.encode("utf-8")
    return struct.pack("<I", len(raw)) + raw
