"""Requests of the HIS: once, changed, cancelled, held, and by hand."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.accounts.models import StaffMember, User
from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.interfaces.models import OutboxMessage
from app.patients.facts import EncounterFacts, PatientFacts
from app.scheduling.facts import Outcome, PersonFacts, ProcedureFacts, RequestAction, RequestFacts
from app.scheduling.models import SurgeryRequest, SurgicalCase
from app.scheduling.rules import CaseState, EventKind
from app.scheduling.service import (
    acknowledge_changes,
    adopt_change,
    cancel_case,
    mark_event,
    place_case,
    receive_request,
    register_request,
)
from tests.cast import ZHAO_QIAN, Person
from tests.scheduling.samples import HIS, at, cancellation, patient, received, request, room


@pytest.fixture
def zhao(as_user: Callable[[Person], User]) -> User:
    """The scheduler, who acts."""
    return as_user(ZHAO_QIAN)


def changes(case: SurgicalCase) -> dict[str, tuple[str, str, bool]]:
    assert case.request is not None
    return {row["field"]: (row["old"], row["new"], row["applied"]) for row in case.request.changes}


def test_request_becomes_a_pending_case(context: None) -> None:
    answer = receive_request(HIS, request())
    case = answer.case
    assert answer.outcome is Outcome.CREATED
    assert (case.state, case.procedure, case.asa) == (CaseState.APPLIED, "左侧腹股沟疝修补术", "2")
    assert (case.patient.name, case.encounter and case.encounter.bed) == ("覃小芳", "12")
    assert case.department is not None
    assert case.department.name == "外一科"
    assert case.case_no.startswith("S")
    assert [(item.role, item.name) for item in case.assignments] == [("surgeon", "周杰")]
    assert case.assignments[0].staff is not None, "the surgeon is the one of our staff list"


def test_same_request_again_changes_nothing(context: None) -> None:
    received()
    answer = receive_request(HIS, request())
    assert (answer.outcome, answer.changes) == (Outcome.UNCHANGED, 0)
    assert db.session.scalar(select(func.count(SurgicalCase.id))) == 1


def test_same_number_of_another_source_is_another_request(context: None) -> None:
    received()
    assert receive_request(HIS, request(source="day-clinic")).outcome is Outcome.CREATED
    assert db.session.scalar(select(func.count(SurgeryRequest.id))) == 2


def test_unknown_surgeon_joins_the_staff_list(context: None) -> None:
    case = received(
        surgeon=PersonFacts("8888", "邓海"), assistants=(PersonFacts("8889", "卢雪"), PersonFacts("", "进修医师"))
    )
    assert [(item.role, item.name, item.staff_id is None) for item in case.assignments] == [
        ("surgeon", "邓海", False),
        ("assistant_1", "卢雪", False),
        ("assistant_2", "进修医师", True),
    ]
    staff = db.session.scalars(select(StaffMember).where(StaffMember.code == "8888")).one()
    assert (staff.kind, staff.pinyin) == ("surgeon", "dh")


def test_update_of_a_pending_request_is_taken_over_and_shown(context: None) -> None:
    case = received()
    answer = receive_request(
        HIS,
        request(
            action=RequestAction.UPDATE,
            procedures=(ProcedureFacts("腹股沟疝修补术", "53.0000", "2", "腹股沟", "right"),),
            encounter=EncounterFacts("V001", bed="15"),
            planned_minutes=75,
            weight_kg=Decimal("61.50"),
        ),
    )
    assert (answer.outcome, answer.changes) == (Outcome.UPDATED, 4)
    assert (case.procedure, case.planned_minutes, case.weight_kg) == ("右侧腹股沟疝修补术", 75, Decimal("61.5"))
    assert changes(case) == {
        "procedures": ("左侧腹股沟疝修补术", "右侧腹股沟疝修补术", True),
        "bed": ("12", "15", True),
        "planned_minutes": ("60 分钟", "75 分钟", True),
        "weight_kg": ("（未填）", "61.5 kg", True),
    }


def test_update_never_moves_what_was_scheduled(zhao: User) -> None:
    case = received()
    place_case(zhao, case, room(), at(9))
    receive_request(HIS, request(planned_at=at(14), planned_minutes=120, surgeon=PersonFacts("8888", "邓海")))
    assert (case.planned_start, case.planned_minutes) == (at(9), 60)
    assert case.staff_names("surgeon") == "邓海"
    assert changes(case)["planned_minutes"] == ("60 分钟", "120 分钟", False)
    assert changes(case)["planned_at"][2] is False


def test_value_changed_here_is_kept_and_can_be_taken_over_by_hand(zhao: User) -> None:
    case = received()
    case.asa = "3"
    receive_request(HIS, request(asa="4"))
    assert case.asa == "3"
    assert changes(case)["asa"] == ("2", "4", False)
    adopt_change(zhao, case, 0)
    assert (case.asa, changes(case)["asa"][2]) == ("4", True)
    with pytest.raises(NotFound):
        adopt_change(zhao, case, 0)


def test_plan_of_the_his_cannot_be_adopted_blindly(zhao: User) -> None:
    case = received()
    place_case(zhao, case, room(), at(9))
    receive_request(HIS, request(planned_at=at(14)))
    with pytest.raises(InvalidInput, match="排班中处理"):
        adopt_change(zhao, case, 0)


def test_update_after_the_patient_came_in_is_only_shown(zhao: User) -> None:
    case = received()
    place_case(zhao, case, room(), at(9))
    mark_event(zhao, case, EventKind.IN_ROOM)
    receive_request(HIS, request(procedures=(ProcedureFacts("阑尾切除术"),)))
    assert case.procedure == "左侧腹股沟疝修补术"
    assert changes(case)["procedures"][1:] == ("阑尾切除术", False)


def test_acknowledging_marks_every_change_once(zhao: User) -> None:
    case = received()
    receive_request(HIS, request(asa="3", position="俯卧位"))
    version = case.version
    assert acknowledge_changes(zhao, case) == 2
    assert acknowledge_changes(zhao, case) == 0
    assert case.version > version
    assert case.request is not None
    assert all(row["seen_by"] == "赵倩" for row in case.request.changes)


def test_cancellation_before_the_start_cancels(zhao: User) -> None:
    case = received()
    answer = receive_request(HIS, cancellation())
    assert (answer.outcome, case.state, case.cancel_reason) == (Outcome.CANCELLED, CaseState.CANCELLED, "患者发热")
    assert db.session.scalar(select(func.count(OutboxMessage.id))) == 0, "the HIS knows that already"
    assert receive_request(HIS, cancellation()).outcome is Outcome.UNCHANGED


def test_cancellation_of_a_running_case_is_only_flagged(zhao: User) -> None:
    case = received()
    place_case(zhao, case, room(), at(9))
    mark_event(zhao, case, EventKind.IN_ROOM)
    assert receive_request(HIS, cancellation()).outcome is Outcome.FLAGGED
    assert case.state is CaseState.IN_ROOM
    assert changes(case)["cancel"][1] == "患者发热"


def test_asking_again_restores_what_the_his_had_cancelled(context: None) -> None:
    case = received()
    receive_request(HIS, cancellation())
    assert receive_request(HIS, request()).outcome is Outcome.RESTORED
    assert case.state is CaseState.APPLIED


def test_asking_again_does_not_restore_what_we_cancelled(zhao: User) -> None:
    case = received()
    cancel_case(zhao, case, "设备故障")
    assert receive_request(HIS, request()).outcome is Outcome.UNCHANGED
    assert case.state is CaseState.CANCELLED


def test_hold_pauses_and_an_update_resumes(context: None) -> None:
    case = received()
    answer = receive_request(HIS, request(action=RequestAction.HOLD, reason="等待会诊"))
    assert (answer.outcome, case.pause_reason) == (Outcome.HELD, "等待会诊")
    assert receive_request(HIS, request(action=RequestAction.HOLD)).outcome is Outcome.UNCHANGED
    assert receive_request(HIS, request()).outcome is Outcome.RESTORED
    assert case.paused_at is None


def test_cancelling_the_unknown_is_refused(context: None) -> None:
    with pytest.raises(NotFound, match="R404"):
        receive_request(HIS, request(404, action=RequestAction.CANCEL))


def test_request_for_another_patient_is_flagged_and_not_followed(context: None) -> None:
    case = received()
    receive_request(HIS, request(1, patient=patient(2), encounter=None))
    assert case.patient.name == "覃小芳"
    assert changes(case)["patient"] == ("覃小芳", "黄大山", False)


def test_emergency_of_an_unknown_person_by_hand(zhao: User) -> None:
    facts = RequestFacts(
        "", "", PatientFacts("", sex="male"), kind="emergency", procedures=(ProcedureFacts("开颅血肿清除术"),)
    )
    case = register_request(zhao, facts)
    assert (case.patient.name, case.patient.is_temporary, case.patient.sex) == ("无名氏", True, "male")
    assert case.request is not None
    assert case.request.source == "manual"
    other = register_request(zhao, facts)
    assert other.request is not None
    assert other.request.request_no != case.request.request_no


def test_registration_says_what_is_missing(zhao: User) -> None:
    with pytest.raises(InvalidInput) as refusal:
        register_request(zhao, RequestFacts("", "", PatientFacts(""), kind="elective"))
    assert set(refusal.value.fields) == {"procedure", "name"}
    with pytest.raises(InvalidInput) as refusal:
        register_request(zhao, RequestFacts("", "", PatientFacts("P1"), kind="x", procedures=(ProcedureFacts("a"),)))
    assert set(refusal.value.fields) == {"kind"}
