"""The safety check at the door of three times: anesthesia start, surgery start, out of room (setting SAFETY_CHECK)."""

import json
from dataclasses import dataclass

from flask import Response, make_response, request

from app.core import audit
from app.core.errors import Conflict, InvalidInput
from app.documents.queries.gates import bypass_remark, safety_refusal
from app.scheduling.models import SurgicalCase
from blueprints.common.access import actor, settings
from blueprints.common.fragments import fragment
from blueprints.theatre.base import form_text


@dataclass(frozen=True, slots=True)
class Gate:
    """What the safety check says to a time: a question instead of the time, a remark with it, a warning after it."""

    question: Response | None = None
    remark: str = ""
    warning: str = ""

    def told(self, answer: Response) -> Response:
        """The answer of the write, with the warning that names what is missing."""
        if self.warning:
            trigger = {"written": True, "toast": {"message": self.warning, "kind": "warning"}}
            answer.headers["HX-Trigger"] = json.dumps(trigger)
        return answer


def pass_gate(case: SurgicalCase, kind: str) -> Gate:
    """Ask the safety check. `block` without a reason raises `Conflict`, or asks for the reason in a dialog."""
    mode = settings().safety_check
    refusal = safety_refusal(case.id, kind) if mode != "off" else ""
    if not refusal:
        return Gate()
    if mode == "warn":
        return Gate(warning=f"{refusal}。时间已记录，请尽快补全。")
    if "bypass_reason" not in request.form:
        return Gate(question=_question(refusal))
    reason = form_text("bypass_reason", 200)
    if len(reason) < 2:
        raise InvalidInput(fields={"bypass_reason": "请写明紧急放行的理由"})
    audit.record(actor(), "documents.bypass_safety_check", f"case:{case.id}", patient_id=case.patient_id,
                 after={"kind": kind, "missing": refusal}, reason=reason)  # fmt: skip
    return Gate(remark=bypass_remark(reason), warning=f"已紧急放行：{refusal}。理由已写入缺陷清单。")


def _question(refusal: str) -> Response:
    if "HX-Request" not in request.headers:
        raise Conflict(f"{refusal}，不能记录。紧急情况请填写理由后放行。", code="safety_check")
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    html = fragment("theatre/_gate.html", refusal=refusal, url=request.path, fields=fields)
    answer = make_response(html, 422)  # the page swaps 422 only; nothing was written
    answer.headers["HX-Retarget"] = "#dialog"
    return answer
