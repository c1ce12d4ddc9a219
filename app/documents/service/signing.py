"""Sign: everybody for himself, in his place, in order; a complete set of signatures freezes the document."""

from datetime import date
from typing import Any

from app.accounts.models import User
from app.accounts.service import SignInRefused, verify_presence
from app.core import audit, clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, Locked, NotAllowed, NotFound
from app.documents import ports
from app.documents.definition import Field, FieldType, Signatory, Stage
from app.documents.kinds import kind_of
from app.documents.models import Document, DocumentSignature
from app.documents.rules.completeness import Filled, blocking, gaps
from app.documents.rules.signing import Signer, is_complete, order_refusal, refusal
from app.documents.rules.values import canonical_value
from app.documents.service.common import (
    Incomplete,
    content_for_update,
    filled_of,
    require_current,
    require_reason,
    signed_of,
    subject,
    tell,
)
from app.documents.service.freezing import freeze

_NO_PAPER = "打印字体尚未安装：签名时须同时生成不可更改的 PDF，所以现在不能签名。请联系信息科安装打印字体后再签。"
_PICTURE = Field(key="image", label="签名", type=FieldType.SIGNATURE)


def sign_document(
    user: User, document: Document, slot: str, secret: str, *, seconds_open: int | None = None
) -> DocumentSignature | SignInRefused:
    """Sign as oneself with PIN or password at this moment.

    A wrong secret is returned, not raised, so that its count is committed. Raises `Incomplete`, `NotAllowed`.
    """
    place, filled = _prepare(document, slot)
    staff = user.staff
    signer = Signer(user.id, user.display_name, staff.kind if staff else "")
    if reason := refusal(filled, place, signer, signed_of(document)):
        raise NotAllowed(reason + "。")
    _require_complete(filled, place)
    if (refused := verify_presence(user, secret)) is not None:
        return refused
    row = DocumentSignature(
        document=document,
        slot=slot,
        label=place.label,
        user_id=user.id,
        staff_code=staff.code if staff else "",
        name=user.display_name,
        title=staff.title if staff else "",
        method="presence",
        signed_at=clock.now(),
        content_digest=_covered_digest(filled, place),
        seconds_open=seconds_open,
    )
    return _signed(user, document, row)


def sign_as_patient(
    actor: Actor, document: Document, slot: str, name: str, relation: str, image: str, *, scanned: bool = False
) -> DocumentSignature:
    """Take the signature of the patient or proxy, drawn on a pad or scanned from the paper original."""
    place, filled = _prepare(document, slot)
    if not place.by_patient:
        raise NotAllowed(f"「{place.label}」须由工作人员本人签名。")
    if reason := order_refusal(filled, place, signed_of(document)):
        raise NotAllowed(reason + "。")
    if not name.strip() or len(name.strip()) > 60:
        raise InvalidInput(fields={"name": "请填写签署人姓名"})
    picture = canonical_value(_PICTURE, {"image": image})
    if picture is None:
        raise InvalidInput(fields={"image": "请签名或上传签名扫描件"})
    _require_complete(filled, place)
    row = DocumentSignature(
        document=document,
        slot=slot,
        label=place.label,
        name=name.strip(),
        title=relation.strip()[:32],
        method="scanned" if scanned else "drawn",
        image=picture["image"],
        signed_at=clock.now(),
        content_digest=_covered_digest(filled, place),
        witness=actor.actor_name,
    )
    return _signed(actor, document, row)


def _prepare(document: Document, slot: str) -> tuple[Signatory, Filled]:
    require_current(document)
    if document.state == "archived":
        raise Locked("文书已归档，不能签名。")
    if not ports.can_render():
        raise Conflict(_NO_PAPER)
    content_for_update(document)
    place = kind_of(document).slot(slot)
    if place is None:
        raise NotFound("文书中没有这个签名位。")
    return place, filled_of(document)


def _require_complete(filled: Filled, place: Signatory) -> None:
    missing = blocking(gaps(filled, Stage.SIGN, place.covers))
    if missing:
        raise Incomplete(filled.kind.title, missing)


def _covered_digest(filled: Filled, place: Signatory) -> str:
    sections = place.covers or tuple(section.key for section in filled.kind.sections)
    covered: dict[str, Any] = {
        item.key: filled.values.get(item.key) for section, item in filled.kind.fields() if section.key in sections
    }
    return ports.sha256(audit.canonical(covered))


def _signed(actor: Actor, document: Document, row: DocumentSignature) -> DocumentSignature:
    db.session.add(row)
    db.session.flush()
    audit.record(
        actor,
        "documents.sign",
        subject(document),
        patient_id=document.case.patient_id,
        after={"slot": row.slot, "name": row.name, "method": row.method, "digest": row.content_digest},
    )
    if document.state in ("draft", "submitted") and is_complete(filled_of(document), signed_of(document)):
        document.state, document.signed_at = "signed", row.signed_at
        document.retain_until = _retention(document)
        _strike_previous(document)
        freeze(actor, document, "signed")
    elif document.state == "signed":  # an optional place after the complete set
        freeze(actor, document, "signed")
    tell(document)
    return row


def _retention(document: Document) -> date:
    visit = document.case.encounter
    start = clock.to_hospital((visit.discharged_at if visit else None) or clock.now()).date()
    kind, admitted = kind_of(document), visit is not None and bool(visit.inpatient_no)
    years = kind.retention_years if admitted else kind.outpatient_years
    try:
        return start.replace(year=start.year + years)
    except ValueError:  # 29 February
        return start.replace(year=start.year + years, day=28)


def _strike_previous(document: Document) -> None:
    if document.previous_id is None:
        return
    previous = db.session.get(Document, document.previous_id)
    if previous is not None and previous.struck_at is None:
        previous.struck_at = clock.now()


def withdraw_signature(user: User, row: DocumentSignature, reason: str) -> None:
    """Take one's own signature back while the document is not complete."""
    text = require_reason(reason)
    document = row.document
    require_current(document)
    if document.state not in ("draft", "submitted"):
        raise Locked("文书已全部签名，不能撤回。如需更正，请建立新版本。")
    if row.user_id is not None and row.user_id != user.id:
        raise NotAllowed("只能撤回本人的签名。")
    if row.withdrawn_at is None:
        row.withdrawn_at, row.withdrawn_reason = clock.now(), text
        audit.record(user, "documents.withdraw_signature", subject(document), patient_id=document.case.patient_id,
                     before={"slot": row.slot, "name": row.name}, reason=text)  # fmt: skip
        tell(document)
