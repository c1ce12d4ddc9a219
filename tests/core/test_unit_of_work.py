"""One transaction at the edge: signals fire after the commit and never without it."""

from collections.abc import Iterator

import pytest

from app.accounts.models import Department
from app.core import signals, unit_of_work
from app.core.db import db, write_intent

pytestmark = pytest.mark.usefixtures("context")


@pytest.fixture
def heard() -> Iterator[list[tuple[str, str, bool]]]:
    """What was told: topic, part, and whether the row of the change was committed by then."""
    told: list[tuple[str, str, bool]] = []

    def listen(sender: str, what: str = "") -> None:
        with db.engine.connect() as connection:
            names = connection.execute(db.select(Department.name)).scalars().all()
        told.append((sender, what, "骨科" in names))

    with signals.changed.connected_to(listen):
        yield told


def add_department() -> None:
    db.session.add(Department(code="GK", name="骨科"))
    unit_of_work.after_commit(signals.changed, "schedule:2026-11-22", what="board")


def test_nothing_is_told_before_the_commit(heard: list[tuple[str, str, bool]]) -> None:
    add_department()
    db.session.flush()
    assert heard == []
    unit_of_work.commit()
    assert heard == [("schedule:2026-11-22", "board", True)]


def test_the_same_news_is_told_once(heard: list[tuple[str, str, bool]]) -> None:
    add_department()
    unit_of_work.after_commit(signals.changed, "schedule:2026-11-22", what="board")
    unit_of_work.after_commit(signals.changed, "schedule:2026-11-22", what="roster")
    unit_of_work.commit()
    assert [what for _topic, what, _stored in heard] == ["board", "roster"]


def test_a_rollback_forgets(heard: list[tuple[str, str, bool]]) -> None:
    add_department()
    unit_of_work.rollback()
    unit_of_work.commit()
    assert heard == []
    assert db.session.scalar(db.select(Department).where(Department.code == "GK")) is None


def test_a_failed_commit_forgets(heard: list[tuple[str, str, bool]]) -> None:
    add_department()
    db.session.flush()
    db.session.add(Department(code="GK", name="骨科二"))
    with pytest.raises(Exception, match=r"(?i)unique"):
        unit_of_work.commit()
    unit_of_work.commit()
    assert heard == []


def test_writing_commits_or_rolls_back(heard: list[tuple[str, str, bool]]) -> None:
    with unit_of_work.writing():
        add_department()
    assert len(heard) == 1
    with pytest.raises(ZeroDivisionError):
        fail_after_telling()
    assert len(heard) == 1


def fail_after_telling() -> None:
    with unit_of_work.writing():
        unit_of_work.after_commit(signals.changed, "x")
        raise ZeroDivisionError


def test_writing_takes_the_lock_at_its_start() -> None:
    token = write_intent.set(False)
    with unit_of_work.writing():
        assert write_intent.get()
    assert not write_intent.get()
    write_intent.reset(token)


def test_writing_does_not_nest_into_open_work() -> None:
    add_department()
    with pytest.raises(RuntimeError, match="already open"), unit_of_work.writing():
        pass
