"""Patients and surgery requests that a county hospital could have: seeded, repeatable, nobody real."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from app.core import clock
from integrations.canonical import (
    AllergyData,
    Code,
    Identifier,
    PatientData,
    PersonRef,
    ProcedureData,
    RequestAction,
    RequestKind,
    SurgeryRequestChange,
    VisitData,
)

_DATA = Path(__file__).with_name("data") / "county.yaml"
_CODE = {"全身麻醉": "01", "椎管内麻醉": "02", "臂丛神经阻滞": "03", "局部麻醉": "04", "静脉麻醉": "05"}
_FIRST_START, _PER_ROOM, _ROOMS = 8 * 60 + 30, 4, 6


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Any]:
    """Departments, procedures, names."""
    loaded: dict[str, Any] = yaml.safe_load(_DATA.read_text(encoding="utf-8"))
    return loaded


@dataclass(frozen=True, slots=True)
class Planned:
    """One line of the catalogue."""

    kind: RequestKind
    code: str
    name: str
    department: str
    diagnosis: Code
    minutes: int
    anesthesia: str
    wound_class: str
    position: str
    sex: str
    ages: tuple[int, int]


def procedures() -> list[Planned]:
    """Every procedure of the catalogue."""
    return [_planned(*row) for row in catalogue()["procedures"]]


def _planned(kind: str, code: str, name: str, department: str, icd: str, diagnosis: str, *rest: Any) -> Planned:
    minutes, anesthesia, wound_class, position, sex, (youngest, oldest) = rest
    return Planned(
        RequestKind(kind),
        code,
        name,
        department,
        Code(icd, diagnosis, "ICD10CN"),
        minutes,
        anesthesia,
        wound_class,
        position,
        sex,
        (youngest, oldest),
    )


class Hospital:
    """Makes one request after another. The n-th request of a seed and day is always the same."""

    def __init__(self, seed: int, day: date, told_before: int = 0) -> None:
        self._seed = seed
        self._day = day
        self._count = told_before
        self._random = self._dice("start")

    def _dice(self, purpose: str) -> random.Random:
        # a simulation must be repeatable; nothing here is secret
        return random.Random(f"{self._seed}-{self._day}-{self._count}-{purpose}")  # noqa: S311

    def next_request(self) -> SurgeryRequestChange:
        """A new request of a new patient. Emergencies are for today, the others for tomorrow."""
        self._count += 1
        self._random = self._dice("request")
        data = catalogue()
        kinds, weights = zip(*data["weights"].items(), strict=True)
        kind = RequestKind(self._pick_weighted(kinds, weights))
        planned = self._pick([item for item in procedures() if item.kind is kind])
        patient = self._patient(planned)
        name, staff = data["departments"][planned.department]
        people = [PersonRef(str(code), who) for code, who in staff]
        surgeon = self._pick(people)
        department = Code(planned.department, name)
        return SurgeryRequestChange(
            action=RequestAction.NEW,
            source="HIS",
            request_no=f"REQ{self._day:%Y%m%d}{self._seed % 100:02d}{self._count:04d}",
            group_no=f"GRP{self._day:%Y%m%d}{self._seed % 100:02d}{self._count:04d}",
            patient=patient,
            visit=self._visit(planned, department, surgeon),
            kind=kind,
            procedures=self._procedures(planned),
            diagnoses=(planned.diagnosis,),
            surgeon=surgeon,
            assistants=tuple(person for person in people if person != surgeon)[:2],
            planned_at=self._planned_at(kind),
            duration_minutes=planned.minutes,
            anesthesia_method=Code(_CODE.get(planned.anesthesia, ""), planned.anesthesia),
            asa=self._asa(patient, kind),
            wound_class=planned.wound_class,
            position=planned.position,
            isolation=self._pick(data["isolations"]) if self._chance(0.08) else "",
            special_equipment=self._pick(data["equipment"]) if self._chance(0.2) else "",
            notes=self._pick(data["notes"]) if self._chance(0.35) else "",
            department=department,
            applicant=surgeon,
            applied_at=clock.at(self._day, 7, 30 + self._count % 30),
        )

    def amended(self, request: SurgeryRequestChange) -> SurgeryRequestChange:
        """The request as the ward changes it later: another time, a note, another surgeon."""
        change = self._random.randrange(3)
        if change == 0 and request.planned_at:
            moved = request.planned_at + timedelta(minutes=self._pick([30, 60, 90, 120]))
            return replace(request, action=RequestAction.UPDATE, planned_at=moved)
        if change == 1 and request.assistants:
            others = (request.surgeon, *request.assistants[1:])
            return replace(request, action=RequestAction.UPDATE, surgeon=request.assistants[0], assistants=others)
        note = self._pick([note for note in catalogue()["notes"] if note not in request.notes])
        return replace(request, action=RequestAction.UPDATE, notes=f"{request.notes}；{note}".strip("；"))

    def cancelled(self, request: SurgeryRequestChange) -> SurgeryRequestChange:
        """The request as the ward cancels it."""
        code, text = self._pick(catalogue()["cancel_reasons"])
        return replace(request, action=RequestAction.CANCEL, reason=text, extra=(("reason_code", code),))

    def chance(self, share: float) -> bool:
        """True in this share of the cases."""
        return self._chance(share)

    def pick(self, options: Sequence[Any]) -> Any:
        """One of them."""
        return self._pick(options)

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _pick(self, options: Sequence[Any]) -> Any:
        return self._random.choice(options)

    def _pick_weighted(self, options: Sequence[Any], weights: Sequence[int]) -> Any:
        return self._random.choices(options, weights)[0]

    def _patient(self, planned: Planned) -> PatientData:
        data = catalogue()
        sex = planned.sex or self._pick(["male", "female"])
        given = self._pick(data[f"given_{sex}"])
        if self._chance(0.06):
            given = self._pick(data["rare"])
        age = self._random.randint(*planned.ages)
        birth = self._day - timedelta(days=age * 365 + age // 4 + self._random.randrange(1, 360))
        number = f"{self._seed % 100:02d}{self._day:%m%d}{self._count:04d}"
        # 999999 is no administrative division and 100 no mobile prefix: nobody has these numbers
        national_id = f"999999{birth:%Y%m%d}{self._count % 1000:03d}X"
        allergy = self._pick(data["allergies"]) if self._chance(0.12) else None
        return PatientData(
            patient_no=number,
            name=self._pick(data["surnames"]) + given,
            sex=sex,
            birth_date=birth,
            national_id=national_id,
            phone=f"1000000{self._random.randrange(10_000):04d}",
            address=f"示范县{self._pick(data['addresses'])}",
            blood_type=self._pick(["A", "B", "O", "O", "AB"]),
            rh="positive",
            allergies=(AllergyData(allergy[0], allergy[1]),) if allergy else (),
            identifiers=(Identifier(number, "PI", "HIS"), Identifier(national_id, "NI", "GA")),
        )

    def _visit(self, planned: Planned, department: Code, attending: PersonRef) -> VisitData:
        kind = {
            RequestKind.OUTPATIENT: "outpatient",
            RequestKind.ENDOSCOPY: self._pick(["outpatient", "inpatient"]),
            RequestKind.PAINLESS: self._pick(["outpatient", "inpatient"]),
            RequestKind.EMERGENCY: self._pick(["emergency", "inpatient"]),
        }.get(planned.kind, "inpatient")
        prefix = {"outpatient": "MZ", "emergency": "JZ"}.get(kind, "ZY")
        in_bed = kind == "inpatient"
        return VisitData(
            visit_no=f"{prefix}{self._day:%Y%m%d}{self._seed % 100:02d}{self._count:04d}",
            kind=kind,
            ward=department if in_bed else Code(),
            department=department,
            bed=f"{self._random.randrange(1, 49):02d}" if in_bed else "",
            attending=attending,
            payment=self._pick(["城乡居民医保", "城镇职工医保", "自费", "新农合"]),
            admitted_at=clock.at(self._day - timedelta(days=self._random.randrange(0, 4)), 9, self._count % 60),
        )

    def _procedures(self, planned: Planned) -> tuple[ProcedureData, ...]:
        side = self._pick(["left", "right"]) if planned.code in catalogue()["paired"] else ""
        level = (
            "4" if planned.minutes >= 200 else "3" if planned.minutes >= 90 else "2" if planned.minutes >= 45 else "1"
        )
        return (ProcedureData(planned.code, planned.name, "ICD9CM3", level=level, laterality=side),)

    def _planned_at(self, kind: RequestKind) -> datetime:
        if kind is RequestKind.EMERGENCY:
            return clock.at(self._day, 8, 30 + 25 * (self._count % 24))
        turn = (self._count // _ROOMS) % _PER_ROOM
        return clock.at(self._day + timedelta(days=1), 0, _FIRST_START + 120 * turn)

    def _asa(self, patient: PatientData, kind: RequestKind) -> str:
        age = self._day.year - patient.birth_date.year if patient.birth_date else 40
        if age > 75:
            return str(self._pick(["3", "3", "4"]))
        if kind in (RequestKind.EMERGENCY, RequestKind.URGENT) or age > 60:
            return str(self._pick(["2", "3"]))
        return str(self._pick(["1", "2"]))
