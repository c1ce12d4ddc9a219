"""The end of a case: what is still open, finish, lock, reopen, rescue mode, print."""

from io import BytesIO

from flask import redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.anesthesia import queries as record_queries
from app.anesthesia import service as anesthesia
from app.anesthesia.models import RecordSnapshot
from app.anesthesia.service.records import is_in_rescue
from app.anesthesia.service.snapshots import sheet_of, stamp_of
from app.core.db import db
from app.core.errors import Conflict, NotFound
from app.core.permissions import Permission
from app.documents.queries.gates import unchecked_stages
from app.scheduling.rules import DISPOSITIONS, EventKind
from blueprints.common.access import actor, needs, settings
from blueprints.common.fragments import fragment, go
from blueprints.common.guards import load_case
from blueprints.common.paper import press
from blueprints.theatre.base import blueprint, find_record, form_text, form_time, load_record_id, written
from blueprints.theatre.view import TECHNIQUE, can_write, place_of


@blueprint.get("/cases/<int:case_id>/finish")
@needs(Permission.VIEW_CASE)
def finish_panel(case_id: int) -> ResponseReturnValue:
    """What is still open, the disposition, finish and lock."""
    case, record = load_case(case_id), find_record(case_id)
    points = record_queries.open_points(record.id) if record and record.state == "open" else ()
    return fragment(
        "theatre/_finish.html",
        case=case,
        record=record,
        points=[(point, place_of(case_id, point)) for point in points],
        unchecked=unchecked_stages(case),
        in_rescue=record is not None and is_in_rescue(record),
        dispositions=(EventKind.PACU_IN, *DISPOSITIONS),
        went=[kind for kind in (EventKind.PACU_IN, *DISPOSITIONS) if kind in case.times],
    )


@blueprint.get("/cases/<int:case_id>/technique")
@needs(Permission.VIEW_CASE)
def technique_panel(case_id: int) -> ResponseReturnValue:
    """Texts of the technique and of the state in which the patient leaves."""
    record = find_record(case_id)
    return fragment(
        "theatre/_technique.html",
        case_id=case_id,
        blocks=TECHNIQUE,
        technique=record.technique if record else {},
        version=record.version if record else 0,
        writable=can_write(actor(), record),
    )


@blueprint.post("/cases/<int:case_id>/technique")
@needs(Permission.CHART)
def technique(case_id: int) -> ResponseReturnValue:
    """Write the texts; refused when somebody else has changed them since the form was drawn."""
    changes: dict[str, object] = {
        name: form_text(name, 1000) for _title, fields in TECHNIQUE for name, _label, _choices in fields
    }
    changes["leaves_intubated"] = bool(form_text("leaves_intubated"))
    version = request.form.get("version", type=int)
    anesthesia.set_technique(actor(), load_record_id(case_id), changes, version=version)
    return written("麻醉技术与离室情况已保存")


@blueprint.post("/cases/<int:case_id>/infusions/stop-all")
@needs(Permission.CHART)
def stop_all(case_id: int) -> ResponseReturnValue:
    """Stop everything that still runs."""
    stopped = anesthesia.stop_all_infusions(actor(), load_record_id(case_id), at=form_time(case_id))
    return written("已停止：" + ("、".join(row.name for row in stopped) or "没有在泵注的药物"))


@blueprint.post("/cases/<int:case_id>/record/finish")
@needs(Permission.CHART)
def finish(case_id: int) -> ResponseReturnValue:
    """Finish the record; what blocks is told and nothing is changed."""
    anesthesia.finish_record(actor(), load_record_id(case_id))
    return go(url_for("theatre.case_page", case_id=case_id))


@blueprint.post("/cases/<int:case_id>/record/lock")
@needs(Permission.CHART, Permission.LOCK_RECORD)
def lock(case_id: int) -> ResponseReturnValue:
    """Lock the record: from now on it can only be read."""
    anesthesia.lock_record(actor(), load_record_id(case_id))
    return go(url_for("theatre.case_page", case_id=case_id))


@blueprint.post("/cases/<int:case_id>/record/reopen")
@needs(Permission.LOCK_RECORD)
def reopen(case_id: int) -> ResponseReturnValue:
    """Open a finished or locked record again, with a reason."""
    anesthesia.reopen_record(actor(), load_record_id(case_id), form_text("reason"))
    return go(url_for("theatre.case_page", case_id=case_id))


@blueprint.post("/cases/<int:case_id>/rescue")
@needs(Permission.CHART)
def rescue(case_id: int) -> ResponseReturnValue:
    """Enter or leave rescue mode: charted every minute while it lasts."""
    record_id = load_record_id(case_id)
    if request.form.get("leave"):
        anesthesia.leave_rescue_mode(actor(), record_id, form_time(case_id))
        return written("已退出抢救模式，恢复常规记录间隔")
    anesthesia.enter_rescue_mode(actor(), record_id, form_time(case_id))
    return written("已进入抢救模式：每分钟记录一次")


@blueprint.post("/cases/<int:case_id>/record/print")
@needs(Permission.PRINT_RECORD)
def print_record(case_id: int) -> ResponseReturnValue:
    """Freeze the record for paper (each print is counted and audited), then show the sheet."""
    record = find_record(case_id)
    if record is None:
        raise Conflict("这台手术还没有麻醉记录，没有可以打印的内容。")
    snapshot = anesthesia.freeze_record(actor(), record.id, settings().hospital_name)
    return redirect(url_for("theatre.record_sheet", case_id=case_id, number=snapshot.number), 303)


@blueprint.get("/cases/<int:case_id>/record/prints/<int:number>")
@needs(Permission.PRINT_RECORD)
def record_sheet(case_id: int, number: int) -> ResponseReturnValue:
    """The anesthesia record on A4, drawn from a frozen snapshot and never from live data."""
    case, record = load_case(case_id), find_record(case_id)
    snapshot = db.session.scalar(
        select(RecordSnapshot).where(
            RecordSnapshot.record_id == (record.id if record else None), RecordSnapshot.number == number
        )
    )
    if record is None or snapshot is None:
        raise NotFound("没有这次打印。")
    pdf = press().record(sheet_of(snapshot), stamp_of(snapshot, record.amendments, actor().display_name))
    name = f"anesthesia-record-{case.case_no}-{number}.pdf"
    return send_file(BytesIO(pdf), mimetype="application/pdf", download_name=name)
