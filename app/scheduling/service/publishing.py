"""Publishing a day: the HIS learns what changed since it was told last, and nothing else."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import or_, select

from app.core import audit, clock
from app.core.audit import Actor
from app.core.db import db
from app.core.labelled import Labelled
from app.scheduling.models import SurgicalCase
from app.scheduling.service.common import subject, tell_board, tell_case
from app.scheduling.service.outward import case_facts, content_of, is_known_to_his, send

_TIME_AND_PLACE = ("starts_at", "duration_minutes", "room")
_LABELS = {
    "starts_at": "时间",
    "duration_minutes": "时长",
    "room": "手术间",
    "sequence": "台次",
    "kind": "类别",
    "procedures": "手术名称",
    "diagnoses": "诊断",
    "team": "人员",
    "anesthesia_method": "麻醉方法",
    "position": "体位",
    "notes": "备注",
}


class PublicationKind(Labelled):
    """What a publication does; the value is the kind of the outbox message."""

    NEW = "schedule_new", "新安排"
    RESCHEDULED = "schedule_rescheduled", "改期"
    MODIFIED = "schedule_modified", "更改"
    WITHDRAWN = "schedule_cancelled", "撤回"


@dataclass(frozen=True, slots=True)
class Publication:
    """One case that must be told to the HIS, and why."""

    case: SurgicalCase
    kind: PublicationKind
    reason: str


def pending_publications(day: date) -> list[Publication]:
    """What publishing the day would tell, in the order of the list."""
    cases = db.session.scalars(
        select(SurgicalCase)
        .where(
            or_(SurgicalCase.day == day, SurgicalCase.published_day == day),
            SurgicalCase.cancelled_at.is_(None),
        )
        .order_by(SurgicalCase.room_id, SurgicalCase.planned_start, SurgicalCase.id)
    )
    found = (_publication(case) for case in cases)
    return [item for item in found if item is not None]


def _publication(case: SurgicalCase) -> Publication | None:
    if not case.is_placed:
        withdrawn = Publication(case, PublicationKind.WITHDRAWN, "撤回安排，待重新排定")
        return withdrawn if case.published else None
    if not case.published:
        return Publication(case, PublicationKind.NEW, "新安排")
    content = content_of(case)
    changed = [name for name in _LABELS if content.get(name) != case.published.get(name)]
    if not changed:
        return None
    is_moved = any(name in _TIME_AND_PLACE for name in changed)
    kind = PublicationKind.RESCHEDULED if is_moved else PublicationKind.MODIFIED
    return Publication(case, kind, f"{kind.label}：{'、'.join(_LABELS[name] for name in changed)}")


def publish_day(actor: Actor, day: date) -> list[Publication]:
    """Tell the HIS (S12, S13, S14, S15) what changed on that day; returns what was told, empty when nothing."""
    told = pending_publications(day)
    moment = clock.now()
    for item in told:
        _publish(actor, item)
        if item.kind is PublicationKind.WITHDRAWN:
            item.case.published, item.case.published_day, item.case.published_at = {}, None, None
        else:
            item.case.published, item.case.published_day = content_of(item.case), item.case.day
            item.case.published_at = item.case.published_at or moment
        tell_case(item.case, "plan")
        tell_board(item.case.day)
    if told:
        db.session.flush()
        after = {"day": str(day), "cases": [{"case": item.case.id, "kind": item.kind.value} for item in told]}
        audit.record(actor, "scheduling.publish_day", f"schedule:{day}", after=after)
        tell_board(day, everywhere=True)
    return told


def _publish(actor: Actor, item: Publication) -> None:
    audit.record(
        actor,
        "scheduling.publish_case",
        subject(item.case),
        patient_id=item.case.patient_id,
        after={"kind": item.kind.value},
        reason=item.reason,
    )
    if is_known_to_his(item.case):
        send(item.kind.value, item.case, _payload(actor, item))


def _payload(actor: Actor, item: Publication) -> dict[str, Any]:
    content = item.case.published if item.kind is PublicationKind.WITHDRAWN else content_of(item.case)
    return case_facts(item.case, actor) | content | {"reason": item.reason}
