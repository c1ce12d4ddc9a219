"""What documents say to the flow of a case: steps that must wait for the safety check (41 号文)."""

from sqlalchemy import select

from app.core.db import db
from app.documents.models import Document, DocumentSignature
from app.documents.rules.case import safety_stage_signed

_STAGES = {
    "anesthesia_start": ("induction", "安全核查第一阶段（麻醉实施前）尚未三方签名"),
    "surgery_start": ("incision", "安全核查第二阶段（手术开始前）尚未三方签名"),
    "out_of_room": ("leaving", "安全核查第三阶段（患者离开手术室前）尚未三方签名"),
}


def safety_refusal(case_id: int, event: str) -> str:
    """Why an event of the case has to wait for the safety check, in Chinese; empty when it need not.

    An emergency may pass with a reason; that is for the caller to ask and for the findings of the case to keep.
    """
    if event not in _STAGES:
        return ""
    stage, words = _STAGES[event]
    slots = db.session.scalars(
        select(DocumentSignature.slot)
        .join(Document, DocumentSignature.document_id == Document.id)
        .where(
            Document.case_id == case_id,
            Document.kind == "safety_check",
            Document.struck_at.is_(None),
            DocumentSignature.withdrawn_at.is_(None),
        )
    )
    return "" if safety_stage_signed(frozenset(slots), stage) else words
