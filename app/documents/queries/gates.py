"""What documents say to the flow of a case: steps that must wait for the safety check (41 号文)."""

from sqlalchemy import select

from app.core.db import db
from app.documents.models import Document, DocumentSignature
from app.documents.rules.case import BYPASS, safety_stage_signed
from app.scheduling.models import SurgicalCase

_STAGES = {
    "anesthesia_start": ("induction", "安全核查第一阶段（麻醉实施前）尚未三方签名"),
    "surgery_start": ("incision", "安全核查第二阶段（手术开始前）尚未三方签名"),
    "out_of_room": ("leaving", "安全核查第三阶段（患者离开手术室前）尚未三方签名"),
}


def bypass_remark(reason: str) -> str:
    """Remark of a time that passed without the check; the defect list of the case reads it again."""
    return f"{BYPASS}{reason.strip()}"


def safety_refusal(case_id: int, event: str) -> str:
    """Why an event of the case has to wait for the safety check, in Chinese; empty when it need not.

    An emergency may pass with a reason: the caller asks for it and notes it with `bypass_remark`.
    """
    if event not in _STAGES:
        return ""
    stage, words = _STAGES[event]
    return "" if safety_stage_signed(_signed_slots(case_id), stage) else words


def unchecked_stages(case: SurgicalCase) -> list[str]:
    """Stages of the safety check that should be signed by now, or before the patient leaves, and are not."""
    slots, times = _signed_slots(case.id), case.times
    return [
        words
        for event, (stage, words) in _STAGES.items()
        if (event in times or event == "out_of_room") and not safety_stage_signed(slots, stage)
    ]


def _signed_slots(case_id: int) -> frozenset[str]:
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
    return frozenset(slots)
