"""A publication tells what changed since the last one, and nothing else."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts.models import StaffMember, User
from app.core.db import db
from app.interfaces.models import OutboxMessage
from app.scheduling.facts import PersonFacts
from app.scheduling.models import SurgicalCase
from app.scheduling.rules import CaseState, Role
from app.scheduling.service import (
    PublicationKind,
    assign_staff,
    pending_publications,
    place_case,
    publish_day,
    unplace_case,
)
from tests.cast import LI_MING, ZHAO_QIAN, Person
from tests.scheduling.samples import DAY, at, received, room

P = PublicationKind


@pytest.fixture
def zhao(as_user: Callable[[Person], User]) -> User:
    """The scheduler, who acts."""
    return as_user(ZHAO_QIAN)


@pytest.fixture
def case(zhao: User) -> SurgicalCase:
    """A case that the HIS was told about."""
    case = place_case(zhao, received(), room(), at(9))
    publish_day(zhao, DAY)
    return case


def kinds(zhao: User) -> list[PublicationKind]:
    return [item.kind for item in publish_day(zhao, DAY)]


def last_message() -> OutboxMessage:
    return db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc())).first()  # type: ignore[return-value]


def test_first_publication_is_a_new_schedule(zhao: User, case: SurgicalCase) -> None:
    assert (case.state, case.published_day) == (CaseState.PUBLISHED, DAY)
    message = last_message()
    assert (message.kind, message.lane, message.patient_no) == ("schedule_new", f"case:{case.id}", "P001")
    payload = message.payload
    assert payload["starts_at"] == at(9).isoformat()
    assert payload["room"] == {"code": "OR1", "name": "1号手术间"}
    assert (payload["duration_minutes"], payload["sequence"], payload["schedule_no"]) == (60, 1, case.case_no)
    assert payload["team"] == [{"role": "surgeon", "code": "1007", "name": "周杰"}]
    assert payload["visit"]["bed"] == "12"
    assert "national_id" not in str(payload)


def test_publishing_again_tells_nothing(zhao: User, case: SurgicalCase) -> None:
    db.session.expire_all()
    assert kinds(zhao) == []


def test_moved_case_is_rescheduled(zhao: User, case: SurgicalCase) -> None:
    place_case(zhao, case, room(2), at(10))
    told = publish_day(zhao, DAY)
    assert [(item.kind, item.reason) for item in told] == [(P.RESCHEDULED, "改期：时间、手术间")]


def test_new_team_is_a_modification(zhao: User, case: SurgicalCase) -> None:
    staff = db.session.scalars(select(StaffMember.id).where(StaffMember.name == LI_MING.name)).one()
    assign_staff(zhao, case, Role.ANESTHESIOLOGIST, staff)
    told = publish_day(zhao, DAY)
    assert [(item.kind, item.reason) for item in told] == [(P.MODIFIED, "更改：人员")]


def test_moving_there_and_back_is_no_change(zhao: User, case: SurgicalCase) -> None:
    place_case(zhao, case, room(2), at(10))
    place_case(zhao, case, room(1), at(9))
    assert kinds(zhao) == []


def test_neighbour_that_gets_another_number_is_told_too(zhao: User, case: SurgicalCase) -> None:
    place_case(zhao, received(2, surgeon=PersonFacts("77", "邓海")), room(), at(8))
    assert [(item.case.id, item.kind) for item in pending_publications(DAY)] == [
        (case.id + 1, P.NEW),
        (case.id, P.MODIFIED),
    ]


def test_withdrawn_case_is_cancelled_there_and_new_when_it_returns(zhao: User, case: SurgicalCase) -> None:
    unplace_case(zhao, case)
    assert kinds(zhao) == [P.WITHDRAWN]
    assert last_message().payload["starts_at"] == at(9).isoformat(), "what is taken back is what was told"
    assert (case.published, case.state) == ({}, CaseState.APPLIED)
    place_case(zhao, case, room(), at(11))
    assert kinds(zhao) == [P.NEW]


def test_case_moved_to_the_next_day_is_told_with_either_day(zhao: User, case: SurgicalCase) -> None:
    place_case(zhao, case, room(), at(9) + timedelta(days=1))
    assert [item.kind for item in pending_publications(DAY)] == [P.RESCHEDULED]
    assert [item.kind for item in pending_publications(DAY + timedelta(days=1))] == [P.RESCHEDULED]
    publish_day(zhao, DAY)
    assert pending_publications(DAY + timedelta(days=1)) == []
