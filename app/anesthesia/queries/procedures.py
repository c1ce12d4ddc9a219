"""Airways, accesses and blocks of a record in words, for the panel and the printed sheet."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from app.anesthesia.models import AirwayProcedure, BlockProcedure, LineProcedure
from app.anesthesia.rules.procedures import AIRWAY_DEVICES, AIRWAY_PATHS, BLOCK_KINDS, LINE_KINDS
from app.clinical.dosing import plain
from app.core.db import db

Procedure = AirwayProcedure | LineProcedure | BlockProcedure
MODELS: dict[str, type[Procedure]] = {"airway": AirwayProcedure, "line": LineProcedure, "block": BlockProcedure}


@dataclass(frozen=True, slots=True)
class ProcedureRow:
    """One entry: `kind` airway, line or block, and what was done in one line."""

    kind: str
    id: int
    at: datetime
    text: str
    by_name: str
    is_corrected: bool
    is_voided: bool


def procedure_rows(record_id: int) -> tuple[ProcedureRow, ...]:
    """All entries of a record, withdrawn ones too: airways, then lines, then blocks, each in the order of time."""
    return tuple(_row(kind, entry) for kind, model in MODELS.items() for entry in _entries(model, record_id))


def _entries(model: type[Procedure], record_id: int) -> Iterable[Procedure]:
    return db.session.scalars(select(model).where(model.record_id == record_id).order_by(model.at, model.id))


def _row(kind: str, entry: Procedure) -> ProcedureRow:
    return ProcedureRow(
        kind=kind,
        id=entry.id,
        at=entry.at,
        text=procedure_words(entry),
        by_name=entry.by_name,
        is_corrected=bool(entry.history),
        is_voided=entry.voided_at is not None,
    )


def procedure_words(entry: Procedure) -> str:
    """What was done: 「气管导管 经口 7.0 深 22 cm 可视喉镜」."""
    match entry:
        case AirwayProcedure():
            words = _airway(entry)
        case LineProcedure():
            words = _line(entry)
        case BlockProcedure():
            words = _block(entry)
    return " ".join(filter(None, (*words, f"{entry.attempts} 次" if entry.attempts > 1 else "", entry.note)))


def _depth(value: Decimal | None, label: str) -> str:
    return f"{label} {plain(value)} cm" if value else ""


def _airway(entry: AirwayProcedure) -> tuple[str, ...]:
    grade = f"C-L {entry.cormack}" if entry.cormack else ""
    return (
        AIRWAY_DEVICES.get(entry.device, entry.device),
        AIRWAY_PATHS.get(entry.path, entry.path),
        entry.size,
        _depth(entry.depth_cm, "深"),
        entry.technique,
        grade,
        "困难气道" if entry.is_difficult else "",
    )


def _line(entry: LineProcedure) -> tuple[str, ...]:
    guided = "超声引导" if entry.with_ultrasound else ""
    kind = LINE_KINDS.get(entry.kind, entry.kind)
    return kind, entry.site, entry.gauge, _depth(entry.depth_cm, "深"), guided, entry.complication


def _block(entry: BlockProcedure) -> tuple[str, ...]:
    kind = BLOCK_KINDS.get(entry.kind, entry.kind)
    tube = _depth(entry.catheter_cm, "置管")
    where = (kind, entry.site, entry.needle, tube, entry.guidance)
    return *where, entry.drug, entry.level, entry.effect, entry.complication
