"""Results that came before their patient was registered here: taken over when a message tells of the patient."""

from collections.abc import Sequence

from sqlalchemy import select

from app.core.db import db
from app.core.errors import DomainError
from app.interfaces.models import InboundMessage
from integrations.canonical import Change, LabReportChange
from integrations.hl7.codes import PeerProfile
from integrations.hl7.reader import interpret
from integrations.intake import PatientUnknown, carry_out, numbers_of

_MOST = 200  # messages of one patient; the rest follows with the next message about the patient


def file_waiting(changes: Sequence[Change], profile: PeerProfile) -> list[dict[str, str]]:
    """Take over what waits for the patients of these changes; rows for the journal of the message that told of them."""
    numbers = {number for one in changes if not isinstance(one, LabReportChange) for number in numbers_of(one)}
    if not numbers:
        return []
    waiting = db.session.scalars(
        select(InboundMessage)
        .where(InboundMessage.state == "waiting", InboundMessage.patient_no.in_(numbers))
        .order_by(InboundMessage.id)
        .limit(_MOST)
    )
    return [{"label": f"先到的结果 {row.control_id}", "result": "done", "text": _take(row, profile)} for row in waiting]


def _take(row: InboundMessage, profile: PeerProfile) -> str:
    """One waiting message; what it said before stays in its rows, what came of it now is added."""
    said: list[dict[str, str]] = []
    for item in interpret(row.raw, profile):
        for label, change in item.changes:
            if isinstance(change, LabReportChange):
                said.append({"label": label, **_one(change)})
    if all(one["result"] != "waiting" for one in said):
        row.state = "refused" if any(one["result"] == "refused" for one in said) else "done"
    row.outcome = [*row.outcome, *said]
    return "；".join(one["text"] for one in said)


def _one(change: LabReportChange) -> dict[str, str]:
    try:
        with db.session.begin_nested():
            return {"result": "done", "text": f"患者已登记，{change.describe()}：{carry_out(change)}"}
    except PatientUnknown as waits:
        return {"result": "waiting", "text": waits.message}
    except DomainError as error:
        return {"result": "refused", "text": error.message}
