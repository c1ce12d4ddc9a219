"""Backup of raw device data on a schedule of its own, because it is a hundred times the size of the record.

Each backup is a SQLite file with the rows that came since the one before; together they are everything. It works the
same for SQLite and PostgreSQL. A restore puts back the rows that are missing and touches no other.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Table, create_engine, func, insert, inspect, select

from app.core import clock
from app.core.db import Base, db
from app.vitals import service, wave_service
from app.vitals.columns import unpack_column
from app.vitals.models import DeviceAlarmEvent, DeviceGap, VitalChunk, VitalRevision, VitalRevisionChunk, WaveChunk
from app.vitals.waves import unpack

MODELS: tuple[type[Base], ...] = (
    VitalChunk, WaveChunk, DeviceAlarmEvent, DeviceGap, VitalRevision, VitalRevisionChunk,
)  # fmt: skip
_ROWS = 500


@dataclass(frozen=True, slots=True)
class BackupFile:
    """A file that was written, and the rows of each table in it."""

    path: Path
    rows: dict[str, int]


def _table(model: type[Base]) -> Table:
    return Base.metadata.tables[model.__tablename__]


def _open(path: Path) -> Engine:
    return create_engine(f"sqlite:///{path}")


def _held(engine: Engine) -> list[type[Base]]:
    """The tables in a file: one of an earlier version has fewer."""
    names = set(inspect(engine).get_table_names())
    return [model for model in MODELS if model.__tablename__ in names]


def files(folder: Path) -> list[Path]:
    """The backups of a folder, the oldest first."""
    return sorted(folder.glob("devices-*.sqlite"))


def _marks(folder: Path) -> dict[str, int]:
    """The highest number of each table in all backups so far."""
    marks = {model.__tablename__: 0 for model in MODELS}
    for path in files(folder):
        engine = _open(path)
        with engine.connect() as source:
            for model in _held(engine):
                last = source.execute(select(func.max(_table(model).c.id))).scalar() or 0
                marks[model.__tablename__] = max(marks[model.__tablename__], int(last))
        engine.dispose()
    return marks


def compact_all() -> None:
    """Young segments become chunks, so that a backup holds every value once."""
    for device_id in service.segment_counts():
        service.compact(device_id)
    for device_id in wave_service.wave_segment_counts():
        wave_service.compact_waves(device_id)


def write(folder: Path) -> BackupFile | None:
    """Write what came since the last backup; None when nothing did. The file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    marks = _marks(folder)
    path = folder / f"devices-{clock.now():%Y%m%dT%H%M%S%f}.sqlite"
    unfinished = path.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    engine = _open(unfinished)
    rows: dict[str, int] = {}
    try:
        Base.metadata.create_all(engine, tables=[_table(model) for model in MODELS])
        with engine.begin() as target:
            for model in MODELS:
                rows[model.__tablename__] = _copy(model, marks[model.__tablename__], target)
    finally:
        engine.dispose()
    if not any(rows.values()):
        unfinished.unlink()
        return None
    unfinished.replace(path)
    return BackupFile(path, rows)


def _copy(model: type[Base], after: int, target: Any) -> int:
    table, copied = _table(model), 0
    while True:
        found = db.session.execute(select(table).where(table.c.id > after).order_by(table.c.id).limit(_ROWS))
        rows = [dict(row._mapping) for row in found]
        if not rows:
            return copied
        target.execute(insert(table), rows)
        after, copied = rows[-1]["id"], copied + len(rows)


def verify(path: Path) -> int:
    """Read a backup as a restore would, and decode every chunk. Number of values and samples; raises `ValueError`."""
    engine, total = _open(path), 0
    try:
        with engine.connect() as source:
            for row in source.execute(select(_table(VitalChunk))).mappings():
                total += _same(len(unpack_column(row["payload"], row["unit"])), row["count"])
            for row in source.execute(select(_table(WaveChunk))).mappings():
                total += _same(len(unpack(row["payload"], row["count"])), row["count"])
    finally:
        engine.dispose()
    return total


def _same(found: int, stated: int) -> int:
    if found != stated:
        raise ValueError(f"a chunk holds {found} values and says {stated}")
    return found


def restore(folder: Path) -> dict[str, int]:
    """Put back the rows that are missing here. Table → number of rows."""
    restored = {model.__tablename__: 0 for model in MODELS}
    for path in files(folder):
        engine = _open(path)
        with engine.connect() as source:
            for model in _held(engine):
                table = _table(model)
                here = set(db.session.scalars(select(table.c.id)))
                missing = [dict(r._mapping) for r in source.execute(select(table)) if r.id not in here]
                for begin in range(0, len(missing), _ROWS):
                    db.session.execute(insert(table), missing[begin : begin + _ROWS])
                restored[model.__tablename__] += len(missing)
        engine.dispose()
    return restored
