"""A case of the cast with everything a document asks for, and values that fill any form."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.accounts.models import StaffMember, User
from app.accounts.queries import user_by_name
from app.core import clock
from app.core.db import db, write_intent
from app.documents.definition import Field, FieldType, Kind
from app.patients.models import Allergy, Encounter, Patient
from app.scheduling.models import CaseEvent, OperatingRoom, StaffAssignment, SurgicalCase
from printing.fonts import ensure_fonts
from tests.cast import CHEN_JING, LI_MING, QIN_YU, WANG_FANG, ZHAO_QIAN, ZHOU_JIE, Person

START = datetime(2026, 11, 20, 0, 30, tzinfo=UTC)  # 08:30 in the hospital
TIMES = {
    "in_room": 0, "anesthesia_start": 10, "intubation": 15, "surgery_start": 30, "surgery_end": 110,
    "extubation": 118, "anesthesia_end": 120, "out_of_room": 125, "pacu_in": 130, "pacu_out": 180,
}  # fmt: skip
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


FONTS = Path(__file__).parents[2] / "instance" / "fonts"


@pytest.fixture(scope="session", autouse=True)
def paper_fonts(instance_dir: Path) -> Path:
    """The paper fonts in the instance of the run: signing makes a PDF."""
    made, own = ensure_fonts(FONTS).directory, instance_dir / "fonts"
    if not own.exists():
        own.symlink_to(made.resolve(), target_is_directory=True)
    return own


def build_case(*, with_times: bool = True, number: int = 1, **changes: Any) -> SurgicalCase:
    """A finished inpatient case: `build_case(with_times=False, kind="day")` changes it."""
    patient = Patient(
        patient_no=f"P{number:06d}", name="覃䶮㛃", sex="female", birth_date=date(1972, 3, 4), blood_type="A",
        rh="positive", national_id="450101197203040021", phone="13800000000",
    )  # fmt: skip
    patient.index_name()
    patient.allergies.append(Allergy(substance="青霉素", reaction="皮疹"))
    visit = Encounter(
        patient=patient, visit_no=f"V{number:06d}", kind="inpatient", inpatient_no=f"2026{number:06d}",
        ward="外一病区", bed="12", admitted_at=START - timedelta(days=2),
    )  # fmt: skip
    case = SurgicalCase(
        case_no=f"SCH-{number}", patient=patient, encounter=visit, kind="elective", asa="2", wound_class="2",
        procedures=[{"code": "51.2300", "name": "腹腔镜下胆囊切除术", "level": "3", "site": "腹部",
                     "laterality": ""}],
        diagnoses=[{"code": "K80.100", "name": "胆囊结石伴慢性胆囊炎", "kind": "preoperative"}],
        anesthesia_method="静吸复合全麻（气管插管）", position="仰卧位", height_cm=Decimal("160.0"),
        weight_kg=Decimal("58.500"), day=date(2026, 11, 20), planned_start=START, planned_minutes=90,
        room=db.session.query(OperatingRoom).first(), sequence=1,
    )  # fmt: skip
    for name, value in changes.items():
        setattr(case, name, value)
    for role, person in (
        ("surgeon", ZHOU_JIE), ("anesthesiologist", LI_MING), ("assistant_anesthesiologist", CHEN_JING),
        ("circulating_nurse", WANG_FANG),
    ):  # fmt: skip
        staff = db.session.query(StaffMember).filter_by(name=person.name).one()
        case.assignments.append(StaffAssignment(role=role, staff=staff, name=person.name))
    db.session.add_all([patient, visit, case])
    if with_times:
        for kind, minutes in TIMES.items():
            case.events.append(CaseEvent(kind=kind, at=START + timedelta(minutes=minutes), by="test"))
    db.session.flush()
    return case


@pytest.fixture
def make_case(context: None) -> Callable[..., SurgicalCase]:
    """`build_case` inside an application context."""
    return build_case


@pytest.fixture
def users(as_user: Callable[[Person], User]) -> dict[str, User]:
    """One account per staff kind, and a second of some."""
    return {
        "surgeon": as_user(ZHOU_JIE),
        "anesthesiologist": as_user(LI_MING),
        "anesthesiologist_2": as_user(CHEN_JING),
        "theatre_nurse": as_user(WANG_FANG),
    }


@pytest.fixture
def staff(users: dict[str, User], as_user: Any) -> dict[str, User]:
    """With a second theatre nurse and an anesthesia nurse, so that every slot finds its person."""
    return {**users, "theatre_nurse_2": as_user(ZHAO_QIAN), "anesthesia_nurse": as_user(QIN_YU)}


def a_value(field: Field, moment: datetime = START) -> Any:
    """A legal raw value for any field; harmless answers so that few rules fire."""
    match field.type:
        case FieldType.TEXT | FieldType.LONG_TEXT:
            return "无特殊"[: field.max_length]
        case FieldType.NUMBER:
            low = field.low if field.low is not None else Decimal(0)
            high = field.high if field.high is not None else low + 10
            value = min(max(low, (field.soft_low or low) + 1), high)
            return str(round(value, field.places if field.places is not None else 2))
        case FieldType.DATETIME:
            return moment.isoformat()
        case FieldType.CHOICE:
            return field.options[0].code
        case FieldType.MULTI_CHOICE:
            return [field.options[0].code]
        case FieldType.YES_NO_UNKNOWN:
            return "no" if field.explain_when == "yes" else "yes"
        case FieldType.SCORE:
            assert field.scale is not None
            return {"items": {item.key: int(item.options[0].code) for item in field.scale.items}}
        case FieldType.DIAGNOSIS:
            return [{"code": "K80.100", "name": "胆囊结石"}]
        case FieldType.PROCEDURE:
            return [{"code": "51.2300", "name": "胆囊切除术"}]
        case FieldType.TABLE | FieldType.DRUG_ROWS:
            return [{column.key: a_value(column, moment) for column in field.columns}]
        case FieldType.SIGNATURE:
            return {"image": PIXEL, "name": "张三"}
        case FieldType.MARK:
            return [{"x": "40", "y": "55.5", "note": "穿刺点"}]
    raise AssertionError(field.type)


def fill_all(kind: Kind) -> dict[str, Any]:
    """Raw values for every stored field of a kind."""
    return {item.key: a_value(item) for _, item in kind.fields() if item.stored}


@pytest.fixture
def fixed_clock() -> Any:
    """Stop the clock half an hour after the case of `make_case` left the PACU."""
    with clock.fixed(START + timedelta(minutes=210)):
        yield


@pytest.fixture
def world(app: Flask) -> Callable[[Callable[..., Any]], Any]:
    """Do something with services and commit it: `world(lambda case, users: …)`."""

    def run(work: Callable[..., Any]) -> Any:
        with app.app_context():
            token = write_intent.set(True)
            case = db.session.query(SurgicalCase).first()
            if case is None:
                case = build_case()
            users: dict[str, User] = {}
            for name, person in (("surgeon", ZHOU_JIE), ("anesthesiologist", LI_MING),
                                 ("anesthesiologist_2", CHEN_JING), ("theatre_nurse", WANG_FANG)):  # fmt: skip
                found = user_by_name(person.username)
                assert found is not None
                users[name] = found
            result = work(case, users)
            db.session.commit()
            write_intent.reset(token)
            db.session.remove()
            return result

    return run
