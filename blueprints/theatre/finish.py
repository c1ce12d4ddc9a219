"""The end of a case: what is still open, finish, lock, reopen, rescue mode, print."""

from io import BytesIO

from flask import request, send_file, url_for
from flask.typing import ResponseReturnValue

from app.anesthesia import queries as record_queries
from app.anesthesia import service as anesthesia
from app.core import clock, unit_of_work
from app.core.errors import Conflict
from app.core.permissions import Permission
from blueprints.common.access import actor, needs
from blueprints.common.fragments import fragment, go
from blueprints.common.guards import load_case
from blueprints.theatre.base import blueprint, find_record, form_text, form_time, load_record_id, written
from printing.anesthesia_record import render_record_pdf


@blueprint.get("/cases/<int:case_id>/finish")
@needs(Permission.VIEW_CASE)
def finish_panel(case_id: int) -> ResponseReturnValue:
    """What is still open, the disposition, finish and lock."""
    case, record = load_case(case_id), find_record(case_id)
    open_points = record_queries.open_points(record.id) if record else ()
    return fragment("theatre/_finish.html", case=case, record=record, open_points=open_points)


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


@blueprint.get("/cases/<int:case_id>/record.pdf")
@needs(Permission.PRINT_RECORD)
def record_pdf(case_id: int) -> ResponseReturnValue:
    """The anesthesia record on A4, drawn from a frozen snapshot; each print is counted and audited."""
    case = load_case(case_id)
    record = find_record(case_id)
    if record is None:
        raise Conflict("这台手术还没有麻醉记录，没有可以打印的内容。")
    with unit_of_work.writing():
        sheet, stamp = record_queries.print_snapshot(actor(), record.id, clock.now())
    name = f"anesthesia-record-{case.case_no}.pdf"
    return send_file(BytesIO(render_record_pdf(sheet, stamp)), mimetype="application/pdf", download_name=name)
