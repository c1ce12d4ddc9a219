"""Bring a document of any kind to a signed state, as people would."""

from typing import Any

from app.accounts.models import User
from app.documents.definition import Kind
from app.documents.kinds import kind_of
from app.documents.models import Document
from app.documents.rules.completeness import active_slots
from app.documents.service import begin_document, save_field, sign_as_patient, sign_document
from app.documents.service.common import filled_of
from app.scheduling.models import SurgicalCase
from tests.cast import PIN
from tests.documents.conftest import PIXEL, fill_all

# What a rule of the kind asks for beyond legal single values.
FITTING: dict[str, dict[str, Any]] = {
    "postop_visit": {"visited_at": "2026-11-21 09:00"},
    "transfer_slip": {"r_at": "2026-11-20 11:40", "d_at": "2026-11-20 11:35"},
    "transfusion_record": {
        "bags": [
            {
                "product": "1",
                "bag_no": "G0001",
                "volume": "200",
                "started_at": "2026-11-20 09:00",
                "ended_at": "2026-11-20 09:40",
                "expiry": "2026-12-01",
                "checker_1": "李明",
                "checker_2": "王芳",
            }
        ],
    },
    "instrument_count": {
        "counts": [{"name": "纱布", "before": 10, "added": 2, "closing": 12, "closed": 12, "skin": 12}]
    },
}


def write_all(user: User, document: Document, **special: Any) -> None:
    """Fill every field that is still empty with a legal value."""
    kind: Kind = kind_of(document)
    for key, raw in {**fill_all(kind), **special}.items():
        if document.content.values.get(key) is None or key in special:
            meta = document.content.meta.get(key) or {}
            save_field(user, document, key, raw, meta.get("v"))


def sign_all(users: dict[str, User], document: Document) -> None:
    """Sign every required place, each by a different fitting person."""
    used: dict[str, set[int]] = {}
    for slot in active_slots(filled_of(document)):
        if not slot.required:
            continue
        if slot.by_patient:
            sign_as_patient(users["anesthesiologist"], document, slot.slot, "覃大山", "", PIXEL)
            continue
        taken = used.setdefault(slot.group, set())
        user = next(
            u for u in users.values() if u.staff and u.staff.kind in slot.roles and u.id not in taken
        )  # fmt: skip
        taken.add(user.id)
        answer = sign_document(user, document, slot.slot, PIN)
        assert not isinstance(answer, Exception), answer


def signed(users: dict[str, User], case: SurgicalCase, kind: str, **special: Any) -> Document:
    """A signed document of a kind, with all fields filled."""
    document = begin_document(users["anesthesiologist"], case, kind, packages=[])
    write_all(users["anesthesiologist"], document, **{**FITTING.get(kind, {}), **special})
    sign_all(users, document)
    return document
