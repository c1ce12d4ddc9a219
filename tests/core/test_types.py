"""Column types: times without a zone are refused, private texts are stored encrypted."""

from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import StatementError

from app.accounts.models import User
from app.core.clock import now
from app.core.db import db
from app.core.types import FieldCipher
from app.patients.models import Patient


@pytest.mark.usefixtures("context")
def test_a_naive_time_never_reaches_the_database() -> None:
    user = db.session.scalars(db.select(User)).first()
    assert user is not None
    user.locked_until = datetime(2026, 11, 22)  # noqa: DTZ001
    with pytest.raises(StatementError, match="naive"):
        db.session.flush()


@pytest.mark.usefixtures("context")
def test_times_come_back_aware_and_equal() -> None:
    user = db.session.scalars(db.select(User)).first()
    assert user is not None
    user.locked_until = moment = now()
    db.session.commit()
    db.session.expire_all()
    assert user.locked_until == moment
    assert user.locked_until.utcoffset() is not None


@pytest.mark.usefixtures("context")
def test_identity_numbers_are_not_readable_in_the_database() -> None:
    db.session.add(Patient(patient_no="P1", name="张三", national_id="11010519491231002X"))
    db.session.flush()
    stored = db.session.execute(text("SELECT national_id FROM patient")).scalar_one()
    assert "1101" not in stored
    db.session.expire_all()
    assert db.session.scalars(db.select(Patient)).one().national_id == "11010519491231002X"


def test_a_token_of_another_key_says_so() -> None:
    ours, theirs = FieldCipher(), FieldCipher()
    ours.use_key("a" * 40)
    theirs.use_key("b" * 40)
    assert ours.decrypt(ours.encrypt("张三")) == "张三"
    assert ours.decrypt(theirs.encrypt("张三")) == "（无法解密）"
    with pytest.raises(RuntimeError, match="column key"):
        FieldCipher().encrypt("x")
