"""The audit trail cannot be changed by SQL, and a change made all the same is found."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core import audit
from app.core.audit import GENESIS, AuditEntry, SystemActor, canonical, verify_chain
from app.core.audit_queries import AuditFilter, all_entries, find_entries, history_of
from app.core.clock import today
from app.core.db import db

JOB = SystemActor("job:test", "测试任务")
pytestmark = pytest.mark.usefixtures("context")


def three_entries() -> list[int]:
    entries = [
        audit.record(JOB, f"test.step_{number}", f"thing:{number}", after={"n": number}) for number in range(1, 4)
    ]
    db.session.commit()
    return [entry.id for entry in entries]


def drop_guards() -> None:
    """What somebody with the rights of the database owner can do."""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("DROP TRIGGER audit_entry_append_only ON audit_entry"))
    else:
        db.session.execute(text("DROP TRIGGER audit_entry_no_update"))
        db.session.execute(text("DROP TRIGGER audit_entry_no_delete"))


def test_each_entry_carries_the_hash_of_its_predecessor() -> None:
    first, second, _third = three_entries()
    one, two = db.session.get_one(AuditEntry, first), db.session.get_one(AuditEntry, second)
    assert two.previous_hash == one.hash == one.digest()
    assert one.previous_hash == GENESIS or one.id > 1
    verdict = verify_chain()
    assert verdict.is_intact
    assert verdict.entries == 3


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET reason = 'x'",
        "UPDATE audit_entry SET hash = 'x' WHERE id = 2",
        "DELETE FROM audit_entry",
    ],
)
def test_the_database_refuses_to_change_or_delete(statement: str) -> None:
    three_entries()
    with pytest.raises(DBAPIError, match="append-only"):
        db.session.execute(text(statement))
    db.session.rollback()
    assert verify_chain().entries == 3


@pytest.mark.parametrize("column", ["actor", "actor_name", "action", "subject", "outcome", "before", "after", "reason"])
def test_a_changed_entry_is_found_where_it_is(column: str) -> None:
    _first, second, _third = three_entries()
    drop_guards()
    db.session.execute(text(f"UPDATE audit_entry SET {column} = 'forged' WHERE id = :id"), {"id": second})
    db.session.commit()
    verdict = verify_chain()
    assert verdict.broken_at == second
    assert "改动" in verdict.reason


def test_a_deleted_entry_breaks_the_chain_at_the_next_one() -> None:
    _first, second, third = three_entries()
    drop_guards()
    db.session.execute(text("DELETE FROM audit_entry WHERE id = :id"), {"id": second})
    db.session.commit()
    verdict = verify_chain()
    assert verdict.broken_at == third
    assert "删除或插入" in verdict.reason


def test_a_rolled_back_change_leaves_no_entry() -> None:
    three_entries()
    audit.record(JOB, "test.lost")
    db.session.rollback()
    assert verify_chain().entries == 3


def test_canonical_text_does_not_depend_on_order() -> None:
    assert canonical({"b": 1, "a": "丙泊酚"}) == canonical({"a": "丙泊酚", "b": 1}) == '{"a":"丙泊酚","b":1}'


def test_entries_are_found_by_what_they_tell() -> None:
    three_entries()
    audit.record(JOB, "other.refused", outcome="refused")
    days = {"first_day": today(), "last_day": today()}
    assert find_entries(AuditFilter(**days)).total == 4
    assert [entry.action for entry in find_entries(AuditFilter(**days, action="test.")).entries] == [
        "test.step_3", "test.step_2", "test.step_1",
    ]  # fmt: skip
    assert find_entries(AuditFilter(**days, outcome="refused")).total == 1
    assert find_entries(AuditFilter(**days, actor="测试")).total == 4
    assert find_entries(AuditFilter(**days, actor="%")).total == 0, "a sign of LIKE is a plain character"
    assert find_entries(AuditFilter(**days, patient_id=1)).total == 0
    assert [entry.subject for entry in all_entries(AuditFilter(**days, subject="thing:2"))] == ["thing:2"]
    assert [entry.action for entry in history_of("thing:3")] == ["test.step_3"]


def test_a_page_holds_fifty_and_the_last_one_the_rest() -> None:
    for number in range(53):
        audit.record(JOB, "test.many", f"thing:{number}")
    wanted = AuditFilter(today(), today())
    assert [(len(page.entries), page.pages) for page in (find_entries(wanted, 1), find_entries(wanted, 2))] == [
        (50, 2), (3, 2),
    ]  # fmt: skip
    assert find_entries(wanted, 99).number == 2
