"""Routes of the interface pages. Lists show numbers and reasons; content only on demand, and audited."""

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.permissions import Permission
from app.interfaces import queries, service
from app.interfaces.models import InboundMessage, OutboxMessage
from app.interfaces.queries import MessageFilter
from blueprints.common.access import actor, needs
from blueprints.common.fragments import fragment, toast
from blueprints.common.fragments import page as render

blueprint = Blueprint("interfaces", __name__)

# what a link to another page of the same list carries on; `peer` because `endpoint` is a word of url_for
_KEPT = ("first_day", "last_day", "peer", "state", "text")
# state → kind of chip
CHIPS = {
    "done": "done", "refused": "due", "failed": "danger", "waiting": "planned", "ignored": "off",
    "due": "planned", "sent": "done", "superseded": "off", "dead": "danger",
    "up": "done", "down": "danger", "unknown": "idle",
}  # fmt: skip


def load_inbound(message_id: int) -> InboundMessage:
    """A message of the journal, or `NotFound`."""
    message = db.session.get(InboundMessage, message_id)
    if message is None:
        raise NotFound("没有这条消息。")
    return message


def load_outbox(message_id: int) -> OutboxMessage:
    """A message of the outbox, or `NotFound`."""
    message = db.session.get(OutboxMessage, message_id)
    if message is None:
        raise NotFound("没有这条消息。")
    return message


@blueprint.get("/interfaces")
@needs(Permission.VIEW_INTERFACES)
def page() -> ResponseReturnValue:
    """The inbound journal."""
    return render("interfaces/inbound.html", **_inbound())


@blueprint.get("/interfaces/inbound/list")
@needs(Permission.VIEW_INTERFACES)
def inbound_list() -> ResponseReturnValue:
    """The journal's table alone."""
    return fragment("interfaces/_inbound.html", **_inbound())


@blueprint.get("/interfaces/inbound/<int:message_id>")
@needs(Permission.VIEW_INTERFACES)
def inbound_panel(message_id: int) -> ResponseReturnValue:
    """What became of a message, without its content."""
    return fragment("interfaces/_inbound_panel.html", message=load_inbound(message_id), raw=None, **_words())


@blueprint.post("/interfaces/inbound/<int:message_id>/raw")
@needs(Permission.MANAGE_INTERFACES)
def inbound_raw(message_id: int) -> ResponseReturnValue:
    """The content of a message; the reading is written into the audit trail."""
    message = load_inbound(message_id)
    raw = service.read_raw(actor(), message)
    return fragment("interfaces/_inbound_panel.html", message=message, raw=raw, **_words())


@blueprint.get("/interfaces/outbox")
@needs(Permission.VIEW_INTERFACES)
def outbox_page() -> ResponseReturnValue:
    """The outbox."""
    return render("interfaces/outbox.html", **_outbox())


@blueprint.get("/interfaces/outbox/list")
@needs(Permission.VIEW_INTERFACES)
def outbox_list() -> ResponseReturnValue:
    """The outbox's table alone."""
    return fragment("interfaces/_outbox.html", **_outbox())


@blueprint.get("/interfaces/outbox/<int:message_id>")
@needs(Permission.VIEW_INTERFACES)
def outbox_panel(message_id: int) -> ResponseReturnValue:
    """How the delivery of a message went, without its content."""
    return _outbox_panel(load_outbox(message_id))


@blueprint.post("/interfaces/outbox/<int:message_id>/raw")
@needs(Permission.MANAGE_INTERFACES)
def outbox_raw(message_id: int) -> ResponseReturnValue:
    """The content as last sent; the reading is written into the audit trail."""
    message = load_outbox(message_id)
    return _outbox_panel(message, service.read_raw(actor(), message))


@blueprint.post("/interfaces/outbox/<int:message_id>/resend")
@needs(Permission.MANAGE_INTERFACES)
def resend(message_id: int) -> ResponseReturnValue:
    """Try a message again that was given up."""
    message = load_outbox(message_id)
    service.resend(actor(), message)
    answer = toast(_outbox_panel(message), "已重新排队，将很快发送")
    answer.headers["HX-Trigger-After-Settle"] = "messages-changed"
    return answer


@blueprint.get("/interfaces/endpoints")
@needs(Permission.VIEW_INTERFACES)
def endpoints_page() -> ResponseReturnValue:
    """How the peers are doing."""
    return render("interfaces/endpoints.html", endpoints=queries.endpoint_rows(), **_words(), **_tabs("endpoints"))


@blueprint.get("/interfaces/endpoints/list")
@needs(Permission.VIEW_INTERFACES)
def endpoints_list() -> ResponseReturnValue:
    """The peers' table alone."""
    return fragment("interfaces/_endpoints.html", endpoints=queries.endpoint_rows(), **_words())


def _outbox_panel(message: OutboxMessage, raw: tuple[str, str] | None = None) -> str:
    row = queries.outbox_row(message)
    return fragment("interfaces/_outbox_panel.html", message=message, row=row, raw=raw, **_words())


def _inbound() -> dict[str, Any]:
    wanted = _filter()
    found = queries.inbound_page(wanted, request.args.get("page", 1, int))
    return _listing(wanted, found, "interfaces.page") | {"states": queries.INBOUND_STATES} | _tabs("inbound")


def _outbox() -> dict[str, Any]:
    wanted = _filter()
    found = queries.outbox_page(wanted, request.args.get("page", 1, int))
    return _listing(wanted, found, "interfaces.outbox_page") | {"states": queries.OUTBOX_STATES} | _tabs("outbox")


def _listing(wanted: MessageFilter, found: queries.MessagePage, endpoint: str) -> dict[str, Any]:
    kept: dict[str, Any] = {key: request.args[key] for key in _KEPT if request.args.get(key)}
    return _words() | {
        "wanted": wanted,
        "found": found,
        "kept": kept,
        "page_url": url_for(endpoint, **kept),
        "endpoint_names": sorted(row.name for row in queries.endpoint_rows()),
    }


def _words() -> dict[str, Any]:
    return {
        "chips": CHIPS,
        "flag_words": flag_words,
        "inbound_states": queries.INBOUND_STATES,
        "outbox_states": queries.OUTBOX_STATES,
    }


def flag_words(flags: list[str]) -> list[str]:
    """What was odd about a message, in Chinese; `note:` carries a sentence of its own."""
    known = {"reused_control_id": "消息编号被重复使用", "partly": "只处理了一部分"}
    return [flag.removeprefix("note:") if flag.startswith("note:") else known.get(flag, flag) for flag in flags]


def _tabs(active: str) -> dict[str, Any]:
    places = (
        ("inbound", "收到的消息", "interfaces.page"),
        ("outbox", "发出的消息", "interfaces.outbox_page"),
        ("endpoints", "对接系统", "interfaces.endpoints_page"),
    )
    return {
        "places": [
            {"label": label, "url": url_for(endpoint), "active": name == active} for name, label, endpoint in places
        ]
    }


def _filter() -> MessageFilter:
    today = clock.today()
    return MessageFilter(
        first_day=_day("first_day", today - timedelta(days=6)),
        last_day=_day("last_day", today),
        endpoint=request.args.get("peer", ""),
        state=request.args.get("state", ""),
        text=request.args.get("text", "").strip(),
    )


def _day(name: str, default: date) -> date:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return default
