"""What the database of every test holds: roles, dictionaries, rooms, departments, the cast."""

from datetime import UTC, datetime

from app.accounts.models import Department, Role, StaffMember, User
from app.accounts.service import hash_secret
from app.cli.setup import install_roles
from app.core.db import db
from app.scheduling.models import OperatingRoom
from app.terminology.service import load_default_terms
from tests.cast import CAST, PASSWORD, PIN


def seed_basics() -> None:
    """Fill an empty schema."""
    install_roles()
    load_default_terms()
    anesthesia = Department(code="MZK", name="麻醉手术科", pinyin="mzssk")
    surgery = Department(code="WK1", name="外一科", pinyin="wyk")
    db.session.add_all([anesthesia, surgery])
    for number in range(1, 5):
        db.session.add(OperatingRoom(code=f"OR{number}", name=f"{number}号手术间", sort=number))
    db.session.flush()
    password, pin = hash_secret(PASSWORD), hash_secret(PIN)
    roles = {role.name: role for role in db.session.query(Role)}
    for number, person in enumerate(CAST, 1):
        staff = StaffMember(
            code=f"{1000 + number}",
            name=person.name,
            kind=person.staff_kind,
            department=surgery if person.staff_kind == "surgeon" else anesthesia,
        )
        staff.index_name()
        db.session.add(
            User(
                username=person.username,
                display_name=person.name,
                staff=staff,
                password_hash=password,
                pin_hash=pin,
                password_changed_at=datetime.now(UTC),
                must_change_password=False,
                roles=[roles[person.role]] if person.role else [],
            )
        )
    db.session.flush()
