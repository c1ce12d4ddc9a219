"""Fluids, blood and outputs with the running balance; events."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.anesthesia import queries as record_queries
from app.anesthesia import service as anesthesia
from app.anesthesia.models import Intake, Output
from app.core import clock
from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.core.permissions import Permission
from app.terminology import queries as terminology
from blueprints.common.access import actor, needs
from blueprints.common.filters import dose as dose_text
from blueprints.common.fragments import fragment
from blueprints.theatre.base import (
    blueprint,
    find_record,
    form_decimal,
    form_text,
    form_time,
    load_record_id,
    panel_time,
    written,
)
from blueprints.theatre.view import can_write

Row = TypeVar("Row", Intake, Output)


@blueprint.get("/cases/<int:case_id>/fluids")
@needs(Permission.VIEW_CASE)
def fluids_panel(case_id: int) -> ResponseReturnValue:
    """Give a fluid, write an output, see the balance."""
    record = find_record(case_id)
    return fragment(
        "theatre/_fluids.html",
        case_id=case_id,
        fluids=terminology.terms("fluid"),
        output_options=[(term.code, term.name) for term in terminology.terms("output")],
        balance=record_queries.balance(record.id) if record else None,
        running=_running_bags(record.id) if record else (),
        at=panel_time(),
        writable=can_write(actor(), record),
    )


def _running_bags(record_id: int) -> Sequence[Intake]:
    statement = select(Intake).where(Intake.record_id == record_id, Intake.end_at.is_(None), Intake.voided_at.is_(None))
    return db.session.scalars(statement.order_by(Intake.start_at)).all()


@blueprint.post("/cases/<int:case_id>/intakes")
@needs(Permission.CHART)
def intake(case_id: int) -> ResponseReturnValue:
    """Write a bag."""
    row = anesthesia.add_intake(
        actor(),
        load_record_id(case_id),
        volume_ml=form_decimal("volume", "容量"),
        term_code=form_text("code", 32),
        bag_no=form_text("bag_no", 32),
        checked_by=form_text("checked_by", 64),
        start_at=form_time(case_id),
        idempotency_key=form_text("idempotency_key", 64),
    )
    undo = url_for("theatre.withdraw_intake", case_id=case_id, intake_id=row.id)
    return written(f"{row.name} {dose_text(row.volume_ml)} ml {clock.to_hospital(row.start_at):%H:%M}", undo)


@blueprint.post("/cases/<int:case_id>/intakes/<int:intake_id>/end")
@needs(Permission.CHART)
def end_intake(case_id: int, intake_id: int) -> ResponseReturnValue:
    """The bag is empty or was taken off."""
    _load(Intake, case_id, intake_id)
    volume: Decimal | None = form_decimal("volume", "容量") if form_text("volume") else None
    row = anesthesia.end_intake(actor(), intake_id, at=form_time(case_id), volume_ml=volume)
    return written(f"{row.name} 已结束")


@blueprint.post("/cases/<int:case_id>/intakes/<int:intake_id>/withdraw")
@needs(Permission.CHART)
def withdraw_intake(case_id: int, intake_id: int) -> ResponseReturnValue:
    """Withdraw a bag."""
    _load(Intake, case_id, intake_id)
    row = anesthesia.void_intake(actor(), intake_id, form_text("reason") or "撤销误记")
    return written(f"已撤销 {row.name}")


@blueprint.post("/cases/<int:case_id>/outputs")
@needs(Permission.CHART)
def output(case_id: int) -> ResponseReturnValue:
    """Write an output."""
    term = terminology.find("output", form_text("code", 32))
    if term is None:
        raise InvalidInput(fields={"code": "请选择出量的种类"})
    row = anesthesia.add_output(
        actor(),
        load_record_id(case_id),
        kind=term.text("output_kind"),
        name=term.name,
        volume_ml=form_decimal("volume", "出量"),
        at=form_time(case_id),
        idempotency_key=form_text("idempotency_key", 64),
    )
    undo = url_for("theatre.withdraw_output", case_id=case_id, output_id=row.id)
    return written(f"{row.name} {dose_text(row.volume_ml)} ml {clock.to_hospital(row.at):%H:%M}", undo)


@blueprint.post("/cases/<int:case_id>/outputs/<int:output_id>/withdraw")
@needs(Permission.CHART)
def withdraw_output(case_id: int, output_id: int) -> ResponseReturnValue:
    """Withdraw an output."""
    _load(Output, case_id, output_id)
    row = anesthesia.void_output(actor(), output_id, form_text("reason") or "撤销误记")
    return written(f"已撤销 {row.name}")


@blueprint.get("/cases/<int:case_id>/<any(intakes, outputs):kind>/<int:row_id>")
@needs(Permission.VIEW_CASE)
def volume_panel(case_id: int, kind: str, row_id: int) -> ResponseReturnValue:
    """One bag or output with its history."""
    row = _load_volume(kind, case_id, row_id)
    writable = can_write(actor(), find_record(case_id))
    return fragment("theatre/_volume.html", case_id=case_id, row=row, kind=kind, writable=writable)


@blueprint.post("/cases/<int:case_id>/<any(intakes, outputs):kind>/<int:row_id>/correct")
@needs(Permission.CORRECT_CHART)
def correct_volume(case_id: int, kind: str, row_id: int) -> ResponseReturnValue:
    """Correct the volume of a bag or output with a reason."""
    row = _load_volume(kind, case_id, row_id)
    correct = anesthesia.correct_intake if kind == "intakes" else anesthesia.correct_output
    correct(actor(), row_id, {"volume_ml": form_decimal("volume", "容量")}, form_text("reason"))
    return written(f"{row.name} 已更正")


def _load_volume(kind: str, case_id: int, row_id: int) -> Intake | Output:
    return _load(Intake, case_id, row_id) if kind == "intakes" else _load(Output, case_id, row_id)


def _load(model: type[Row], case_id: int, row_id: int) -> Row:
    row = db.session.get(model, row_id)
    if row is None or row.record_id != load_record_id(case_id):
        raise NotFound("没有这条记录。")
    return row


@blueprint.get("/cases/<int:case_id>/notes")
@needs(Permission.CHART)
def notes_panel(case_id: int) -> ResponseReturnValue:
    """Numbered events: favourites, search, remark."""
    terms = terminology.terms("event")
    return fragment(
        "theatre/_notes.html",
        case_id=case_id,
        usual=[term for term in terms if term.is_favourite],
        rare=[term for term in terms if not term.is_favourite],
        at=panel_time(),
    )


@blueprint.post("/cases/<int:case_id>/notes")
@needs(Permission.CHART)
def note(case_id: int) -> ResponseReturnValue:
    """Write an event of the record."""
    event = anesthesia.note_event(
        actor(),
        load_record_id(case_id),
        label=form_text("label", 64),
        remark=form_text("remark", 1000),
        at=form_time(case_id),
        idempotency_key=form_text("idempotency_key", 64),
    )
    undo = url_for("theatre.withdraw", case_id=case_id, event_id=event.id)
    return written(f"{event.label} {clock.to_hospital(event.at):%H:%M}", undo)
