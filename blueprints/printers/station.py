"""What a print station asks and tells. A token stands in for a session, so there is no CSRF token to ask for."""

import base64
import hmac

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.core.errors import InvalidInput, NotAllowed, NotFound
from app.core.extensions import csrf
from app.printjobs import service
from app.printjobs.models import PrintJob
from blueprints.common.access import public, settings, workstation

station_blueprint = Blueprint("print_station", __name__)
csrf.exempt(station_blueprint)


@station_blueprint.post("/print-station/next")
@public
def next_job() -> ResponseReturnValue:
    """Lease the next job of the station named in the body; 204 when there is none."""
    name = _name(_require_station())
    service.note_station(name, workstation())
    job = service.take_next(name)
    if job is None:
        return "", 204
    return _wire(job)


@station_blueprint.post("/print-station/jobs/<int:job_id>/report")
@public
def report_job(job_id: int) -> ResponseReturnValue:
    """Note how a job went; the answer tells the state that follows."""
    told = _require_station()
    ok, attempt = told.get("ok"), told.get("attempt")
    if not isinstance(ok, bool) or not isinstance(attempt, int):
        raise InvalidInput("打印结果缺少 ok 或 attempt。")
    job = service.load_job(job_id)
    if told.get("digest") != job.digest:  # a report of another database's job of this number
        raise NotFound("没有这个打印任务。")
    error = str(told.get("error", ""))
    return {"state": service.report(job, ok, error, attempt=attempt, is_final=told.get("final") is True)}


def _require_station() -> dict[str, object]:
    """The body of a request that shows the station token. Raises `NotAllowed`."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not hmac.compare_digest(token.encode(), settings().station_token.encode()):
        raise NotAllowed
    told = request.get_json(silent=True)
    return told if isinstance(told, dict) else {}


def _name(told: dict[str, object]) -> str:
    name = str(told.get("station", "")).strip()
    if not name or len(name) > 48:
        raise InvalidInput("打印站名称应为 1–48 字。")
    return name


def _wire(job: PrintJob) -> dict[str, object]:
    return {
        "job": job.id,
        "attempt": job.attempts,
        "document_kind": job.document_kind,
        "copies": job.copies,
        "kind": job.queue.kind,
        "target": job.queue.target,
        "digest": job.digest,
        "pdf": base64.b64encode(job.pdf or b"").decode("ascii"),
    }
