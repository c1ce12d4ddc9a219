"""Through the web: whatever is posted to any field of any shipped kind gives 200 or 422, and no value is lost."""

import json
import random
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from app.accounts.queries import user_by_name
from app.core import unit_of_work
from app.core.db import db
from app.documents.definition import Field, FieldType
from app.documents.kinds import kind_of
from app.documents.models import Document
from app.documents.registry import catalogue
from app.documents.service import begin_document
from tests.cast import LI_MING
from tests.documents.conftest import a_value, build_case

NASTY = (
    "", " ", "0", "-1", "1e999", "NaN", "９９", "<script>", "'; drop table x", "䶮㛃", "\u0000\ud800", "a" * 5000, "null",
    "2026-13-45T99:99", "0001-01-01", "9999-12-31T23:59", "other:", "other:自填", "yes", "[]", "{}", "1\u202e2",
)  # fmt: skip


def posted(field: Field, raw: Any, version: int) -> MultiDict[str, str]:
    """The form that a browser sends for a raw value of a field."""
    form = MultiDict([("version", str(version))])
    match field.type:
        case FieldType.MULTI_CHOICE:
            for code in raw:
                form.add("value", code)
        case FieldType.SCORE:
            for key, points in raw["items"].items():
                form.add(f"item-{key}", str(points))
        case FieldType.DIAGNOSIS | FieldType.PROCEDURE | FieldType.TABLE | FieldType.DRUG_ROWS | FieldType.MARK:
            for row in raw:
                for key, value in row.items():
                    form.add(key, value[0] if isinstance(value, list) else str(value))
        case FieldType.SIGNATURE:
            form.update(raw)
        case _:
            form.add("value", raw)
    return form


def nasty(field: Field, chance: random.Random) -> MultiDict[str, str]:
    """A form full of nonsense."""
    names = ["value", "other", "code", "name", "x", "y", "note", "image", *(c.key for c in field.columns)]
    if field.scale is not None:
        names += [f"item-{item.key}" for item in field.scale.items]
    form = MultiDict([("version", chance.choice(["0", "1", "-3", "x", "9" * 40]))])
    for name in names:
        for _ in range(chance.randrange(3)):
            form.add(name, chance.choice(NASTY).encode("utf-8", "replace").decode())
    return form


@pytest.fixture
def documents(app: Flask) -> dict[str, int]:
    """One document of every kind."""
    with app.app_context():
        with unit_of_work.writing():
            user = user_by_name(LI_MING.username)
            assert user is not None
            case = build_case(with_times=False)
            made = {key: begin_document(user, case, key, []).id for key in catalogue().kinds}
        db.session.remove()
    return made


def content(app: Flask, number: int) -> tuple[dict[str, Any], dict[str, Any], list[Field]]:
    with app.app_context():
        document = db.session.get_one(Document, number)
        fields = [item for _, item in kind_of(document).fields() if item.stored]
        values, meta = dict(document.content.values), dict(document.content.meta)
        db.session.remove()
    return values, meta, fields


@pytest.mark.parametrize("kind", sorted(catalogue().kinds))
def test_no_value_breaks_a_form_and_none_is_lost(kind: str, app: Flask, documents: Any, sign_in: Any) -> None:
    client: FlaskClient = sign_in(LI_MING)
    number, chance = documents[kind], random.Random(kind)  # a repeatable run
    _, meta, fields = content(app, number)
    legal = {}
    for field in fields:
        url = f"/documents/{number}/fields/{field.key}"
        saved = client.post(url, data=posted(field, a_value(field), meta.get(field.key, {}).get("v", 0)))
        assert saved.status_code == 200, (field.key, saved.get_data(as_text=True)[:400])
        legal[field.key] = True
    before, _, _ = content(app, number)
    assert set(before) == set(legal)
    for field in chance.sample(fields, min(len(fields), 12)):
        answer = client.post(f"/documents/{number}/fields/{field.key}", data=nasty(field, chance))
        assert answer.status_code in (200, 422), (field.key, answer.status_code)
        after, _, _ = content(app, number)
        if answer.status_code == 422:
            assert json.dumps(after, sort_keys=True) == json.dumps(before, sort_keys=True)
        changed = {key for key in set(after) | set(before) if after.get(key) != before.get(key)}
        assert changed <= {field.key}
        before = after
    assert client.get(f"/documents/{number}").status_code == 200
    assert client.get(f"/documents/{number}/missing").status_code == 200
