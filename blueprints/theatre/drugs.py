"""Drugs: the sheet of one drug, bolus, infusion, rate, stop, correct, withdraw."""

from collections.abc import Sequence
from decimal import Decimal

from flask import request, url_for
from flask.typing import ResponseReturnValue

from app.anesthesia import service as anesthesia
from app.anesthesia.models import Administration
from app.anesthesia.queries import running as running_queries
from app.clinical.dosing import unit_text
from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.permissions import Permission
from app.terminology import queries as terminology
from app.terminology.queries import TermRow
from blueprints.common.access import actor, needs
from blueprints.common.filters import dose as dose_text
from blueprints.common.filters import hm
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

# What two columns of a panel hold without scrolling at 1366 × 768.
_OFFERED = 22


@blueprint.get("/cases/<int:case_id>/drugs")
@needs(Permission.CHART)
def drugs_panel(case_id: int) -> ResponseReturnValue:
    """Search of the drug dictionary and the department's favourites."""
    return fragment("theatre/_drugs.html", case_id=case_id, terms=terminology.favourites("drug", _OFFERED), text="")


@blueprint.get("/cases/<int:case_id>/drugs/found")
@needs(Permission.CHART)
def found_drugs(case_id: int) -> ResponseReturnValue:
    """Drugs that match what is typed."""
    text = request.args.get("q", "")
    terms = terminology.search("drug", text, _OFFERED) if text.strip() else terminology.favourites("drug", _OFFERED)
    return fragment("theatre/_drug_list.html", case_id=case_id, terms=terms, text=text)


@blueprint.get("/cases/<int:case_id>/drugs/<code>")
@needs(Permission.CHART)
def drug_panel(case_id: int, code: str) -> ResponseReturnValue:
    """The sheet of one drug: dose prefilled, recent doses, infusion with its rates."""
    term = _load_term(code)
    record = find_record(case_id)
    recent = running_queries.recent_doses(record.id, code) if record else ()
    running = running_queries.running_infusion(record.id, code, clock.now()) if record else None
    return fragment(
        "theatre/_drug.html",
        case_id=case_id,
        term=term,
        recent=recent,
        running=running,
        at=panel_time(),
        chips=_chips(term, recent),
        wants_infusion=running is not None or term.text("mode") == "infusion",
        unit_options=_units(term, "units", "unit"),
        rate_options=_units(term, "rate_units", "rate_unit"),
        route_options=[(route, route) for route in term.words("routes") or ("iv",)],
        # A drug that mostly runs by pump is still pushed by hand when it is given as a single dose.
        bolus_route=term.text("route").removesuffix("泵注"),
    )


def _units(term: TermRow, several: str, one: str) -> list[tuple[str, str]]:
    return [(unit, unit_text(unit)) for unit in term.words(several) or (term.text(one),)]


def _chips(term: TermRow, recent: Sequence[running_queries.RecentDose]) -> list[tuple[str, str]]:
    """Doses to tap, as (figure, words): those of this case first, then half, usual and one and a half."""
    found = {dose_text(one.dose): f"{hm(one.at)} 用过" for one in recent if one.unit == term.text("unit")}
    usual = term.text("default_dose")
    if usual:
        base = Decimal(usual)
        found.setdefault(dose_text(base), "常用")
        for factor in (Decimal("0.5"), Decimal("1.5")):
            found.setdefault(dose_text((base * factor).normalize()), "")
    return list(found.items())[:4]


def _load_term(code: str) -> TermRow:
    term = terminology.find("drug", code)
    if term is None:
        raise NotFound("字典中没有这个药品。")
    return term


@blueprint.post("/cases/<int:case_id>/boluses")
@needs(Permission.CHART)
@asks
def bolus(case_id: int) -> ResponseReturnValue:
    """Write a single dose."""
    row = anesthesia.give_bolus(
        actor(),
        load_record_id(case_id),
        dose=form_decimal("dose", "剂量"),
        unit=form_text("unit", 16),
        term_code=form_text("code", 32),
        name=form_text("name", 128),
        route=form_text("route", 16),
        at=form_time(case_id),
        note=form_text("note"),
        confirm=is_confirmed(),
        idempotency_key=form_text("idempotency_key", 64),
    )
    return _told(case_id, row, f"{dose_text(row.dose)} {unit_text(row.unit)} {row.route}")


@blueprint.post("/cases/<int:case_id>/infusions")
@needs(Permission.CHART)
@asks
def infusion(case_id: int) -> ResponseReturnValue:
    """Start an infusion or a gas."""
    row = anesthesia.start_infusion(
        actor(),
        load_record_id(case_id),
        rate=form_decimal("rate", "速率"),
        rate_unit=form_text("rate_unit", 16),
        term_code=form_text("code", 32),
        name=form_text("name", 128),
        route=form_text("route", 16),
        concentration=form_text("concentration", 24),
        at=form_time(case_id),
        confirm=is_confirmed(),
        idempotency_key=form_text("idempotency_key", 64),
    )
    first = row.rates[0]
    return _told(case_id, row, f"开始 {dose_text(first.rate)} {unit_text(first.unit)}")


@blueprint.post("/cases/<int:case_id>/infusions/<int:administration_id>/rate")
@needs(Permission.CHART)
@asks
def rate(case_id: int, administration_id: int) -> ResponseReturnValue:
    """Change the rate."""
    row = _load_administration(case_id, administration_id)
    change = anesthesia.change_rate(
        actor(),
        administration_id,
        rate=form_decimal("rate", "速率"),
        unit=form_text("rate_unit", 16),
        at=form_time(case_id),
        confirm=is_confirmed(),
        idempotency_key=form_text("idempotency_key", 64),
    )
    when = clock.to_hospital(change.at)
    return written(f"{row.name} 改为 {dose_text(change.rate)} {unit_text(change.unit)} {when:%H:%M}")


@blueprint.post("/cases/<int:case_id>/infusions/<int:administration_id>/stop")
@needs(Permission.CHART)
def stop(case_id: int, administration_id: int) -> ResponseReturnValue:
    """Stop an infusion."""
    _load_administration(case_id, administration_id)
    row = anesthesia.stop_infusion(actor(), administration_id, at=form_time(case_id))
    return written(f"{row.name} 已停止 {clock.to_hospital(row.end_at or clock.now()):%H:%M}")


@blueprint.get("/cases/<int:case_id>/infusions")
@needs(Permission.VIEW_CASE)
def infusions_panel(case_id: int) -> ResponseReturnValue:
    """What runs now: rate, total, change and stop."""
    record = find_record(case_id)
    running = running_queries.running_infusions(record.id, clock.now()) if record else ()
    busy = {row.term_code for row in running}
    candidates = [term for term in terminology.terms("drug") if term.text("rate_unit") and term.code not in busy]
    return fragment(
        "theatre/_infusions.html",
        case_id=case_id,
        running=running,
        usual=[term for term in candidates if term.is_favourite],
        rare=[term for term in candidates if not term.is_favourite],
        writable=can_write(actor(), record),
    )


@blueprint.get("/cases/<int:case_id>/administrations/<int:administration_id>")
@needs(Permission.VIEW_CASE)
def administration_panel(case_id: int, administration_id: int) -> ResponseReturnValue:
    """One dose or infusion with its history; correct or withdraw it."""
    row = _load_administration(case_id, administration_id)
    writable = can_write(actor(), find_record(case_id))
    return fragment("theatre/_administration.html", case_id=case_id, row=row, writable=writable)


@blueprint.post("/cases/<int:case_id>/administrations/<int:administration_id>")
@needs(Permission.CORRECT_CHART)
@asks
def correct_administration(case_id: int, administration_id: int) -> ResponseReturnValue:
    """Correct dose, route or time with a reason."""
    row = _load_administration(case_id, administration_id)
    changes: dict[str, object] = {"route": form_text("route", 16)}
    if row.mode == "bolus":
        changes["dose"] = form_decimal("dose", "剂量")
    at = form_time(case_id)
    if at is not None:
        changes["start_at"] = at
    row = anesthesia.correct_administration(
        actor(), administration_id, changes, form_text("reason"), confirm=is_confirmed()
    )
    return written(f"{row.name} 已更正")


@blueprint.post("/cases/<int:case_id>/administrations/<int:administration_id>/withdraw")
@needs(Permission.CHART)
def withdraw_administration(case_id: int, administration_id: int) -> ResponseReturnValue:
    """Withdraw a dose; it stays readable as withdrawn."""
    _load_administration(case_id, administration_id)
    row = anesthesia.void_administration(actor(), administration_id, form_text("reason") or "撤销误记")
    return written(f"已撤销 {row.name}")


def _load_administration(case_id: int, administration_id: int) -> Administration:
    row = db.session.get(Administration, administration_id)
    if row is None or row.record_id != load_record_id(case_id):
        raise NotFound("没有这条用药记录。")
    return row


def _told(case_id: int, row: Administration, what: str) -> ResponseReturnValue:
    undo = url_for("theatre.withdraw_administration", case_id=case_id, administration_id=row.id)
    return written(f"{row.name} {what} {clock.to_hospital(row.start_at):%H:%M}", undo)
