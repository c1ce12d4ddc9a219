"""What somebody tells about a patient. Blank means "not told", never "delete"."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class AllergyFacts:
    """One allergy or alert."""

    substance: str
    reaction: str = ""


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """A person by the 病人ID of the HIS. `allergies` None: not told; empty: told that there are none."""

    patient_no: str
    name: str = ""
    sex: str = ""  # male, female, unknown
    birth_date: date | None = None
    national_id: str = ""
    phone: str = ""
    blood_type: str = ""  # A, B, AB, O
    rh: str = ""  # positive, negative
    identifiers: tuple[tuple[str, str], ...] = ()  # (system, value)
    allergies: tuple[AllergyFacts, ...] | None = None
    is_temporary: bool = False


@dataclass(frozen=True, slots=True)
class EncounterFacts:
    """One stay or visit."""

    visit_no: str
    kind: str = ""  # inpatient, outpatient, emergency, day
    inpatient_no: str = ""
    outpatient_no: str = ""
    department_code: str = ""
    department_name: str = ""
    ward: str = ""
    bed: str = ""
    admitted_at: datetime | None = None
    discharged_at: datetime | None = None
