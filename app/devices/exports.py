"""Raw device data of a case, as files: what every device sent while it belonged to the case."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from app.core import audit, clock
from app.core.audit import Actor
from app.core.errors import InvalidInput
from app.devices import queries as devices
from app.scheduling.models import SurgicalCase
from app.vitals import queries as vitals
from app.vitals import wave_queries
from app.vitals.formats import Track, to_csv, to_edf, to_vital, to_wfdb
from app.vitals.waves import Piece

MIME = {
    "csv": "text/csv; charset=utf-8",
    "edf": "application/octet-stream",
    "vital": "application/octet-stream",
    "wfdb": "application/zip",
}
_ENDINGS = {"wfdb": "wfdb.zip"}


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file to hand out."""

    name: str
    mime: str
    content: bytes


def tracks_of(case: SurgicalCase) -> tuple[list[Track], int, int]:
    """Parameters and curves of all bindings of a case, and the span from the first to the last sample in ms."""
    tracks: list[Track] = []
    edges: list[int] = []
    for binding in devices.bindings_of_case(case.id):
        start_ms = clock.to_ms(binding.bound_at)
        end_ms = clock.to_ms(binding.released_at or clock.now())
        key, device_id = binding.device.key, binding.device_id
        for code, samples in sorted(vitals.samples(device_id, (), start_ms, end_ms).items()):
            tracks.append(Track(key, code, samples.unit, samples))
            edges += [int(samples.times_ms[0]), int(samples.times_ms[-1]) + 1000]
        for code, unit in wave_queries.channels(device_id, start_ms, end_ms).items():
            pieces = wave_queries.pieces(device_id, code, start_ms, end_ms)
            tracks += _by_scale(key, code, unit, pieces)
            edges += [pieces[0].start_ms, pieces[-1].end_ms]
    return tracks, min(edges, default=0), max(edges, default=0)


def _by_scale(key: str, code: str, unit: str, pieces: Sequence[Piece]) -> list[Track]:
    """A curve whose rate or scale changed on the way becomes several tracks: no format holds both in one."""
    shapes: dict[tuple[float, float, float], list[Piece]] = {}
    for piece in pieces:
        shapes.setdefault((piece.rate_hz, piece.scale, piece.offset), []).append(piece)
    return [
        Track(key, code if n == 1 else f"{code}_{n}", unit, None, tuple(found))
        for n, found in enumerate(shapes.values(), 1)
    ]


def export_case(actor: Actor, case: SurgicalCase, kind: str, zone: ZoneInfo) -> ExportFile:
    """Raw data of a case as `csv`, `edf`, `wfdb` or `vital`; written into the audit. Raises `InvalidInput`: nothing there."""
    if kind not in MIME:
        raise InvalidInput("请选择导出格式：CSV、EDF、WFDB 或 .vital。")
    tracks, start_ms, end_ms = tracks_of(case)
    if not tracks:
        raise InvalidInput("这台手术没有设备原始数据。")
    if kind == "csv":
        content = to_csv(tracks, zone)
    elif kind == "edf":
        content = to_edf(tracks, case.case_no, start_ms, end_ms, zone)
    elif kind == "wfdb":
        content = to_wfdb(tracks, case.case_no, start_ms, end_ms, zone)
    else:
        offset = zone.utcoffset(clock.from_ms(start_ms).replace(tzinfo=None))
        content = to_vital(tracks, round(offset.total_seconds() / 60) if offset else 0)
    audit.record(
        actor, "devices.export", f"case:{case.id}", patient_id=case.patient_id,
        after={"format": kind, "tracks": len(tracks), "bytes": len(content)},
    )  # fmt: skip
    return ExportFile(f"{case.case_no}.{_ENDINGS.get(kind, kind)}", MIME[kind], content)
