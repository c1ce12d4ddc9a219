"""Commands on the staff register: who works here, with or without an account."""

from dataclasses import asdict, dataclass

from sqlalchemy import select

from app.accounts.models import Department, StaffMember
from app.core import audit
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import InvalidInput

STAFF_KINDS: dict[str, str] = {
    "surgeon": "手术医师",
    "anesthesiologist": "麻醉医师",
    "anesthesia_nurse": "麻醉护士",
    "theatre_nurse": "手术室护士",
    "ward_nurse": "病区护士",
    "other": "其他",
}


@dataclass(frozen=True, slots=True)
class StaffFacts:
    """What is known of a person who works here. `code` is the 工号."""

    code: str
    name: str
    kind: str
    title: str = ""
    department_id: int | None = None
    is_active: bool = True


def save_staff(actor: Actor, facts: StaffFacts, member: StaffMember | None = None) -> StaffMember:
    """Add a person, or change `member`. Raises `InvalidInput` naming the fields."""
    _check(facts, member)
    before = _facts_of(member) if member is not None and member.id is not None else {}
    member = member or StaffMember()
    for name, value in asdict(facts).items():
        setattr(member, name, value)
    member.index_name()
    db.session.add(member)
    db.session.flush()
    after = _facts_of(member)
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    if changed:
        audit.record(
            actor,
            "accounts.change_staff" if before else "accounts.create_staff",
            f"staff:{member.id}",
            before={name: before[name] for name in changed} if before else None,
            after=changed,
        )
    return member


def _facts_of(member: StaffMember) -> dict[str, object]:
    return {name: getattr(member, name) for name in StaffFacts.__dataclass_fields__}


def _check(facts: StaffFacts, member: StaffMember | None) -> None:
    fields: dict[str, str] = {}
    if not 1 <= len(facts.code) <= 32:
        fields["code"] = "请填写 1–32 位工号"
    else:
        owner = db.session.scalar(select(StaffMember.id).where(StaffMember.code == facts.code))
        if owner is not None and (member is None or owner != member.id):
            fields["code"] = "工号已存在"
    if not 1 <= len(facts.name) <= 64:
        fields["name"] = "请填写姓名"
    if facts.kind not in STAFF_KINDS:
        fields["kind"] = "请选择人员类别"
    if len(facts.title) > 32:
        fields["title"] = "职称不超过 32 字"
    if facts.department_id is not None and db.session.get(Department, facts.department_id) is None:
        fields["department_id"] = "没有这个科室"
    if fields:
        raise InvalidInput(fields=fields)


def save_department(actor: Actor, code: str, name: str, is_active: bool, department: Department | None = None) -> None:
    """Add a department, or change `department`. Raises `InvalidInput` naming the fields."""
    fields: dict[str, str] = {}
    owner = db.session.scalar(select(Department.id).where(Department.code == code))
    if not 1 <= len(code) <= 32:
        fields["code"] = "请填写 1–32 位科室编码"
    elif owner is not None and (department is None or owner != department.id):
        fields["code"] = "科室编码已存在"
    if not 1 <= len(name) <= 64:
        fields["name"] = "请填写科室名称"
    if fields:
        raise InvalidInput(fields=fields)
    before = {"code": department.code, "name": department.name, "is_active": department.is_active} if department else {}
    after = {"code": code, "name": name, "is_active": is_active}
    if before == after:
        return
    department = department or Department()
    department.code, department.name, department.is_active = code, name, is_active
    department.index_name()
    db.session.add(department)
    db.session.flush()
    audit.record(actor, "accounts.save_department", f"department:{department.id}", before=before or None, after=after)
