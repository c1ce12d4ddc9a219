"""The page of printers: queues, stations, jobs, retry, and the queues' settings."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from app.core.errors import InvalidInput
from app.core.permissions import Permission
from app.printjobs import queries, service
from app.printjobs.models import PrintQueue
from app.printjobs.rules import KINDS
from blueprints.common.access import actor, needs
from blueprints.common.fragments import fragment, go, toast
from blueprints.common.fragments import page as render
from blueprints.printers.base import blueprint

CHIPS = {"queued": "planned", "printing": "active", "done": "done", "failed": "danger", "cancelled": "off"}


@blueprint.get("/printers")
@needs(Permission.PRINT_RECORD, Permission.MANAGE_SYSTEM)
def page() -> ResponseReturnValue:
    """Queues, stations and the latest jobs."""
    return render("printers/page.html", **_overview())


@blueprint.get("/printers/list")
@needs(Permission.PRINT_RECORD, Permission.MANAGE_SYSTEM)
def overview() -> ResponseReturnValue:
    """The tables alone."""
    return fragment("printers/_overview.html", **_overview())


@blueprint.post("/printers/jobs/<int:job_id>/retry")
@needs(Permission.PRINT_RECORD, Permission.MANAGE_SYSTEM)
def retry(job_id: int) -> ResponseReturnValue:
    """Print a failed job again."""
    service.retry(actor(), service.load_job(job_id))
    return toast(fragment("printers/_overview.html", **_overview()), "已重新加入打印队列")


@blueprint.post("/printers/jobs/<int:job_id>/cancel")
@needs(Permission.PRINT_RECORD, Permission.MANAGE_SYSTEM)
def cancel(job_id: int) -> ResponseReturnValue:
    """Take a job out of the queue."""
    service.cancel(actor(), service.load_job(job_id))
    return toast(fragment("printers/_overview.html", **_overview()), "已取消打印")


@blueprint.get("/printers/queues/new")
@needs(Permission.MANAGE_SYSTEM)
def new_queue() -> ResponseReturnValue:
    """The form of a new queue."""
    return _form(None, {"kind": "cups", "enabled": True}, {})


@blueprint.post("/printers/queues")
@needs(Permission.MANAGE_SYSTEM)
def add_queue() -> ResponseReturnValue:
    """Add a queue."""
    return _save(None)


@blueprint.get("/printers/queues/<int:queue_id>")
@needs(Permission.MANAGE_SYSTEM)
def queue_page(queue_id: int) -> ResponseReturnValue:
    """The form of a queue."""
    queue = service.load_queue(queue_id)
    return _form(
        queue, {key: getattr(queue, key) for key in ("name", "place", "kind", "target", "station", "enabled")}, {}
    )


@blueprint.post("/printers/queues/<int:queue_id>")
@needs(Permission.MANAGE_SYSTEM)
def change_queue(queue_id: int) -> ResponseReturnValue:
    """Change a queue."""
    return _save(service.load_queue(queue_id))


def _overview() -> dict[str, Any]:
    return {
        "queues": queries.queue_rows(),
        "jobs": queries.recent_jobs(),
        "stations": queries.station_rows(),
        "chips": CHIPS,
    }


def _save(queue: PrintQueue | None) -> ResponseReturnValue:
    facts: dict[str, Any] = {key: request.form.get(key, "").strip() for key in ("place", "kind", "target", "station")}
    facts["enabled"] = bool(request.form.get("enabled"))
    name = request.form.get("name", "")
    try:
        service.save_queue(actor(), name, queue_id=queue.id if queue else None, **facts)
    except InvalidInput as error:
        return _form(queue, {"name": name, **facts}, error.fields), 422
    return go(url_for("printers.page"))


def _form(queue: PrintQueue | None, values: dict[str, Any], faults: dict[str, str]) -> str:
    return render("printers/queue.html", queue=queue, values=values, faults=faults, kinds=list(KINDS.items()))
