"""`flask setup room`: a hospital's own operating rooms."""

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.audit import AuditEntry
from app.core.db import db
from app.scheduling.models import OperatingRoom


def run(app: Flask, *words: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["setup", "room", *words])
    return done.exit_code, done.output


def test_a_room_is_added_changed_and_retired_with_a_trace(app: Flask) -> None:
    assert run(app, "OR9", "9号手术间", "--sort", "9", "--turnover", "20") == (0, "新增手术间 OR9 9号手术间。\n")
    assert run(app, "OR9", "杂交手术间", "--retire") == (0, "修改手术间 OR9 杂交手术间（已停用）。\n")
    with app.app_context():
        room = db.session.scalars(select(OperatingRoom).where(OperatingRoom.code == "OR9")).one()
        assert (room.name, room.is_active) == ("杂交手术间", False)
        entries = list(db.session.scalars(select(AuditEntry).where(AuditEntry.action == "scheduling.save_room")))
        assert [entry.subject for entry in entries] == [f"room:{room.id}"] * 2


@pytest.mark.parametrize("words", [("手术间", "一"), ("OR/1", "一"), ("OR1", " ")])
def test_unusable_codes_and_names_are_refused(app: Flask, words: tuple[str, str]) -> None:
    code, output = run(app, *words)
    assert code == 1
    assert "手术间代码" in output
