"""Routes of the hospital's own forms: a whole kind from lines, with preview on screen and on paper."""

from datetime import date
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from app.core import clock, unit_of_work
from app.core.errors import InvalidInput
from app.core.permissions import Permission
from app.documents import ports
from app.documents.definition import Kind
from app.documents.kinds import active_overlays
from app.documents.outline import STAGES, TYPES, read_outline, write_outline
from app.documents.queries.drafts import blank_sheet
from app.documents.reader import DefinitionError, Fault
from app.documents.service.design import preview_overlay, publish_overlay
from blueprints.common.access import actor, needs
from blueprints.common.fragments import go
from blueprints.common.fragments import page as render
from blueprints.documents.routes import blueprint

P = Permission
SIGNERS = {
    "anesthesiologist": "麻醉医师", "surgeon": "手术医师", "theatre_nurse": "手术室护士",
    "anesthesia_nurse": "麻醉护士", "patient": "患者或委托人",
}  # fmt: skip
_EXAMPLE = """# 一般情况
- 护送人员 | 文字 | 姓名与职务 | 签名前
- 体温 | 数值 | ℃ 30~45
- 去向 | 单选 | 病房、恢复室、ICU | 签名前
- 备注 | 长文字"""


@blueprint.get("/documents/design/forms/new")
@needs(P.DESIGN_DOCUMENTS)
def new_kind() -> ResponseReturnValue:
    """The page of a new form, or of the next version of one of the hospital's own."""
    values: dict[str, Any] = {"outline": _EXAMPLE, "key": "h_"}
    signers = ["anesthesiologist"]
    row = active_overlays().get(request.args.get("kind", ""))
    if row is not None and row.is_new_kind:
        values = {"outline": write_outline(row.content), "key": row.kind, "title": row.content.get("title", "")}
        values["repeatable"] = row.content.get("repeatable", False)
        signers = [slot["slot"] for slot in row.content.get("signatories", [])]
    return _page(values, signers)


def _page(values: Any, signers: list[str], faults: list[Fault] | None = None, preview: Kind | None = None) -> str:
    return render(
        "documents/design_kind.html", values=values, signers=signers, places=SIGNERS, types=list(TYPES),
        stages=[name for name in STAGES if name], faults=faults or [], preview=preview, today=clock.today(),
    )  # fmt: skip


@blueprint.post("/documents/design/forms/new")
@needs(P.DESIGN_DOCUMENTS)
def make_kind() -> ResponseReturnValue:
    """Preview a form on screen or on paper, or publish it as a version with its day."""
    form, signers = request.form, request.form.getlist("signer")
    try:
        content = _content()
        kind = preview_overlay(content["kind"], content, is_new_kind=True)
        if form.get("action") == "paper":
            return paper(kind)
        if form.get("action") != "publish":
            return _page(form, signers, preview=kind)
        publish_overlay(actor(), kind.key, content, _day(), note=form.get("note", ""), is_new_kind=True)
    except DefinitionError as error:
        unit_of_work.rollback()
        return _page(form, signers, error.faults), 422
    except InvalidInput as error:
        unit_of_work.rollback()
        return _page(form, signers, [Fault("表单", text) for text in error.fields.values() or [error.message]]), 422
    return go(url_for("documents.design_page"))


def paper(kind: Kind) -> Response:
    """An empty form of the draft as it will print."""
    return Response(ports.renderer()(blank_sheet(kind), watermark="样张"), mimetype="application/pdf")


def _day() -> date:
    try:
        return date.fromisoformat(request.form.get("effective_on", ""))
    except ValueError:
        raise InvalidInput(fields={"effective_on": "生效日期应为 年-月-日"}) from None


def _content() -> dict[str, Any]:
    form = request.form
    key, signers = form.get("key", "").strip(), [code for code in form.getlist("signer") if code in SIGNERS]
    if not key.startswith("h_") or len(key) < 3:
        raise InvalidInput(fields={"key": "标识须以 h_ 开头，后接小写字母、数字、下划线，例如 h_round"})
    if not form.get("title", "").strip():
        raise InvalidInput(fields={"title": "请填写文书名称"})
    if not signers:
        raise InvalidInput(fields={"signer": "至少要有一个签名位"})
    return {
        "kind": key,
        "title": form["title"].strip(),
        "category": "hospital",
        "basis": "本院文书",
        "repeatable": form.get("repeatable") == "1",
        "sections": read_outline(form.get("outline", "")),
        "signatories": [{"slot": code, "label": SIGNERS[code], "roles": [code]} for code in signers],
    }
