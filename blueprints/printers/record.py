"""Send the anesthesia record of a case to a printer."""

from flask import request, url_for
from flask.typing import ResponseReturnValue

from app.anesthesia import service as anesthesia
from app.anesthesia.models import AnesthesiaRecord, RecordSnapshot
from app.anesthesia.queries import record_of_case
from app.anesthesia.service.snapshots import sheet_of, stamp_of
from app.core.errors import Conflict, InvalidInput
from app.core.permissions import Permission
from app.printjobs import queries, service
from blueprints.common.access import actor, needs, settings
from blueprints.common.fragments import go
from blueprints.common.fragments import page as render
from blueprints.common.guards import load_case
from blueprints.common.paper import press
from blueprints.printers.base import blueprint


@blueprint.get("/printers/cases/<int:case_id>/record")
@needs(Permission.PRINT_RECORD)
def record_page(case_id: int) -> ResponseReturnValue:
    """Choose printer and copies for the record of a case."""
    case = load_case(case_id)
    _record(case_id)
    queues = queries.enabled_queues()
    options = [(queue.id, f"{queue.name}（{queue.place}）" if queue.place else queue.name) for queue in queues]
    return render("printers/send.html", case=case, queues=queues, queue_options=options)


@blueprint.post("/printers/cases/<int:case_id>/record")
@needs(Permission.PRINT_RECORD)
def send_record(case_id: int) -> ResponseReturnValue:
    """Freeze the record, draw it, and put it into the chosen queue."""
    case, record = load_case(case_id), _record(case_id)
    queue = service.load_queue(_number("queue", "请选择打印机"))
    snapshot = anesthesia.freeze_record(actor(), record.id, settings().hospital_name)
    pdf = _paper(record, snapshot)
    title = f"麻醉记录单 {case.case_no} 快照 {snapshot.number}"
    again = snapshot.copies > 1
    copies = _number("copies", "请填写份数")
    service.enqueue_print(
        actor(), queue, title, pdf, copies, case_id, document_kind="anesthesia-record", is_reprint=again
    )
    return go(url_for("printers.page"))


def _record(case_id: int) -> AnesthesiaRecord:
    record = record_of_case(case_id)
    if record is None:
        raise Conflict("这台手术还没有麻醉记录，没有可以打印的内容。")
    return record


def _paper(record: AnesthesiaRecord, snapshot: RecordSnapshot) -> bytes:
    return press().record(sheet_of(snapshot), stamp_of(snapshot, record.amendments, actor().display_name))


def _number(name: str, sentence: str) -> int:
    number = request.form.get(name, type=int)
    if number is None:
        raise InvalidInput(fields={name: sentence})
    return number
