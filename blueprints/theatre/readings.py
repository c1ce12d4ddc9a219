"""Charted values: enter by hand, look behind one, correct it with a reason."""

from datetime import datetime
from decimal import Decimal, InvalidOperation

from flask import request
from flask.typing import ResponseReturnValue

from app.anesthesia import queries as record_queries
from app.anesthesia import service as anesthesia
from app.anesthesia.models import ChartReading
from app.anesthesia.rules import CHARTED
from app.core import clock
from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.core.permissions import Permission
from blueprints.common.access import actor, needs
from blueprints.common.filters import dose as dose_text
from blueprints.common.fragments import fragment
from blueprints.theatre.base import (
    asks,
    blueprint,
    find_record,
    form_decimal,
    form_text,
    form_time,
    is_confirmed,
    load_record_id,
    panel_time,
    written,
)
from blueprints.theatre.view import can_write

# What is typed most, in the order of the hand.
KEYPAD = ("NIBP_S", "NIBP_D", "HR", "RR", "SpO2", "EtCO2", "TEMP")


@blueprint.get("/cases/<int:case_id>/readings")
@needs(Permission.CHART)
def entry_panel(case_id: int) -> ResponseReturnValue:
    """Form for the values of one slot."""
    rows = [CHARTED[code] for code in KEYPAD]
    others = [row for code, row in CHARTED.items() if code not in KEYPAD]
    return fragment("theatre/_entry.html", case_id=case_id, rows=rows, others=others, at=panel_time() or _slot_now())


def _slot_now() -> str:
    moment = clock.to_hospital(clock.now())
    return f"{moment.replace(minute=moment.minute - moment.minute % 5):%H:%M}"


@blueprint.post("/cases/<int:case_id>/readings")
@needs(Permission.CHART)
@asks
def enter(case_id: int) -> ResponseReturnValue:
    """Write the values of one slot; blank ones are left alone."""
    record_id, at = load_record_id(case_id), _slot(case_id)
    key = form_text("idempotency_key", 48)
    values = _typed_values()
    if len(values) == 1:
        code, value = next(iter(values.items()))
        anesthesia.record_reading(actor(), record_id, code, at, value, confirm=is_confirmed(), idempotency_key=key)
    else:
        anesthesia.record_readings(actor(), record_id, at, values, confirm=is_confirmed(), idempotency_key=key)
    told = "　".join(f"{CHARTED[code].label} {dose_text(value)}" for code, value in values.items())
    return written(f"{clock.to_hospital(at):%H:%M}　{told}")


def _slot(case_id: int) -> datetime:
    at = form_time(case_id)
    if at is None:
        raise InvalidInput(fields={"at": "请填写时间"})
    return at


def _typed_values() -> dict[str, Decimal]:
    values: dict[str, Decimal] = {}
    for code, row in CHARTED.items():
        text = request.form[code].strip()[:16] if code in request.form else ""
        if not text:
            continue
        try:
            value = Decimal(text.replace("，", ".").replace(",", "."))
        except InvalidOperation:
            raise InvalidInput(fields={code: f"{row.label}应为数字"}) from None
        if not value.is_finite():
            raise InvalidInput(fields={code: f"{row.label}应为数字"})
        values[code] = value
    if not values:
        raise InvalidInput("请至少填写一个数值。")
    return values


@blueprint.get("/cases/<int:case_id>/readings/<int:reading_id>")
@needs(Permission.VIEW_CASE)
def reading_panel(case_id: int, reading_id: int) -> ResponseReturnValue:
    """A charted value: source, raw values around it, history, the form to correct it."""
    _load(case_id, reading_id)
    detail = record_queries.reading_detail(reading_id)
    writable = can_write(actor(), find_record(case_id))
    return fragment("theatre/_reading.html", case_id=case_id, detail=detail, writable=writable)


@blueprint.post("/cases/<int:case_id>/readings/<int:reading_id>")
@needs(Permission.CORRECT_CHART)
@asks
def correct(case_id: int, reading_id: int) -> ResponseReturnValue:
    """Correct the value (or strike it as an artefact) with a reason; the original stays."""
    reading = _load(case_id, reading_id)
    value = None if form_text("strike") else form_decimal("value", "正确的数值")
    reading = anesthesia.correct_reading(
        actor(),
        reading_id,
        value,
        form_text("reason"),
        confirm=is_confirmed(),
        idempotency_key=form_text("idempotency_key", 64),
    )
    label = CHARTED[reading.code].label if reading.code in CHARTED else reading.code
    return written(f"{label} 已{'划去（伪差）' if value is None else '更正为 ' + dose_text(reading.value)}")


def _load(case_id: int, reading_id: int) -> ChartReading:
    reading = db.session.get(ChartReading, reading_id)
    if reading is None or reading.record_id != load_record_id(case_id):
        raise NotFound("没有这个数值。")
    return reading
