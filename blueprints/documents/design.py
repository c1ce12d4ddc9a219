"""Routes of the hospital's own fields: form, preview on screen, versions, withdrawal."""

from datetime import date
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.core import clock, unit_of_work
from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.core.permissions import Permission
from app.documents.definition import FieldType
from app.documents.kinds import active_overlays, all_kinds
from app.documents.models import DocumentOverlay
from app.documents.service.design import add_hospital_field, preview_overlay, withdraw_overlay
from blueprints.common.access import actor, needs
from blueprints.common.fragments import go
from blueprints.common.fragments import page as render
from blueprints.documents.drafts import paper
from blueprints.documents.routes import blueprint

P = Permission
TYPES = (
    ("text", "文字"), ("long_text", "长文字"), ("number", "数值"), ("datetime", "日期时间"), ("choice", "单选"),
    ("multi_choice", "多选"), ("yes_no_unknown", "是／否／不详"),
)  # fmt: skip
STAGES = (("", "不必填"), ("sign", "签名前必填"), ("archive", "归档前必填"))


@blueprint.get("/documents/design")
@needs(P.DESIGN_DOCUMENTS)
def design_page() -> ResponseReturnValue:
    """The kinds with what the hospital has changed."""
    versions = list(db.session.scalars(select(DocumentOverlay).order_by(DocumentOverlay.id.desc()).limit(200)))
    return render("documents/design.html", kinds=all_kinds(), versions=versions, active=active_overlays(),
                  today=clock.today())  # fmt: skip


@blueprint.get("/documents/design/<kind>")
@needs(P.DESIGN_DOCUMENTS)
def design_kind(kind: str) -> ResponseReturnValue:
    """The form of a new field of a kind."""
    return _page(kind, request.args)


def _page(kind: str, values: Any, message: str = "", preview: Any = None) -> str:
    made = all_kinds().get(kind)
    if made is None:
        raise NotFound("没有这种文书。")
    return render("documents/design_field.html", kind=made, values=values, types=TYPES, stages=STAGES,
                  message=message, preview=preview, today=clock.today())  # fmt: skip


@blueprint.post("/documents/design/<kind>")
@needs(P.DESIGN_DOCUMENTS)
def design_field(kind: str) -> ResponseReturnValue:
    """Preview a field, or publish it as a new version."""
    form = request.form
    try:
        field, day = _field(), date.fromisoformat(form.get("effective_on", ""))
        if form.get("action") == "paper":
            return paper(_preview(kind, form.get("section", ""), field, day))
        if form.get("action") != "publish":
            return _page(kind, form, preview=_preview(kind, form.get("section", ""), field, day))
        add_hospital_field(actor(), kind, form.get("section", ""), field, day, form.get("note", ""))
    except InvalidInput as error:
        unit_of_work.rollback()
        return _page(kind, form, error.message), 422
    except ValueError:
        return _page(kind, form, "生效日期应为 年-月-日。"), 422
    return go(url_for("documents.design_page"))


def _field() -> dict[str, Any]:
    form = request.form
    made: dict[str, Any] = {key: form.get(key, "").strip() for key in ("key", "label", "type")}
    if made["type"] not in {code for code, _ in TYPES}:
        raise InvalidInput(fields={"type": "请选择字段类型"})
    for name in ("unit", "hint"):
        if text := form.get(name, "").strip():
            made[name] = text
    if made["type"] == FieldType.NUMBER.value:
        made |= {name: text for name in ("low", "high") if (text := form.get(name, "").strip())}
    if made["type"] in (FieldType.CHOICE.value, FieldType.MULTI_CHOICE.value):
        made["options"] = [line.strip() for line in form.get("options", "").splitlines() if line.strip()]
    if form.get("required"):
        made["required"] = form["required"]
    return made


def _preview(kind: str, section: str, field: dict[str, Any], day: date) -> Any:
    before = active_overlays(day).get(kind)
    content = dict(before.content) if before else {}
    content["fields"] = [*content.get("fields", []), {**field, "section": section, "hospital": True}]
    return preview_overlay(kind, content)


@blueprint.post("/documents/design/versions/<int:overlay_id>/withdraw")
@needs(P.DESIGN_DOCUMENTS)
def withdraw_version(overlay_id: int) -> ResponseReturnValue:
    """Take a version out of force."""
    row = db.session.get(DocumentOverlay, overlay_id)
    if row is None:
        raise NotFound("没有这一版。")
    withdraw_overlay(actor(), row, request.form.get("reason", ""))
    return go(url_for("documents.design_page"))
