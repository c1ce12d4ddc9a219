"""Whatever legal values a form holds: the shared document fits its schema or is refused with the list of what lacks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.accounts.models import User
from app.documents.cda.export import MissingElements, export_cda
from app.documents.definition import Field, FieldType
from app.documents.registry import catalogue
from app.documents.rules.values import canonical_value
from app.scheduling.models import SurgicalCase
from tests.cast import QIN_YU, ZHAO_QIAN
from tests.documents.conftest import PIXEL, START, a_value
from tests.documents.helpers import signed
from tests.documents.test_cda import CODED, OPTIONS

_LETTERS = "患者䶮㛃𠮷一般可，无特殊。abcXYZ 0123456789<>&\"'%；：（）℃µ①\u3000"


def _text(chance: Random, limit: int) -> str:
    size = chance.choice([1, min(limit, 12), limit])
    return "".join(chance.choice(_LETTERS) for _ in range(size)).strip() or "无"


def legal(field: Field, chance: Random) -> Any:
    """A legal raw value at the edges as often as in the middle."""
    match field.type:
        case FieldType.TEXT | FieldType.LONG_TEXT:
            return _text(chance, field.max_length)
        case FieldType.NUMBER:
            low = field.low if field.low is not None else Decimal(-1000)
            high = field.high if field.high is not None else Decimal(100000)
            middle = round(low + (high - low) * Decimal(chance.random()), field.places or 0)
            return str(min(max(chance.choice([low, middle, high]), low), high))
        case FieldType.DATETIME:
            return (START + timedelta(minutes=chance.randint(-100000, 100000))).isoformat()
        case FieldType.CHOICE:
            codes = [option.code for option in field.options]
            return chance.choice([*codes, f"other:{_text(chance, 20)}"] if field.other else codes)
        case FieldType.MULTI_CHOICE:
            return chance.sample([o.code for o in field.options], chance.randint(1, len(field.options)))
        case FieldType.YES_NO_UNKNOWN:
            return chance.choice(["yes", "no", "unknown"] if field.unknown else ["yes", "no"])
        case FieldType.DIAGNOSIS | FieldType.PROCEDURE:
            return [{"code": _text(chance, 24), "name": _text(chance, 100)} for _ in range(chance.randint(1, 3))]
        case FieldType.TABLE | FieldType.DRUG_ROWS:
            return [
                {c.key: legal(c, chance) for c in field.columns if c.required or chance.random() < 0.6}
                for _ in range(chance.randint(1, 3))
            ]
        case FieldType.SIGNATURE:
            return {"image": PIXEL}
    return a_value(field)


@pytest.mark.parametrize("kind", CODED)
def test_any_legal_filling_is_valid_or_refused(
    kind: str, make_case: Callable[..., SurgicalCase], users: dict[str, User], as_user: Any, shared_data: Path
) -> None:
    people = {**users, "theatre_nurse_2": as_user(ZHAO_QIAN), "anesthesia_nurse": as_user(QIN_YU)}
    document = signed(people, make_case(), kind)
    told: list[list[str]] = []
    whole, options = dict(document.content.values), replace(OPTIONS, schema_dir=str(shared_data / "cda"))

    @settings(max_examples=4, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(chance=st.randoms(use_true_random=False), left_out=st.sampled_from([0.0, 0.0, 0.1]))
    def every_filling(chance: Random, left_out: float) -> None:
        values = dict(whole)
        for _, field in catalogue().kinds[kind].fields():
            if field.stored:
                values[field.key] = canonical_value(field, legal(field, chance))
            if chance.random() < left_out:
                values.pop(field.key, None)
        document.content.values = {key: value for key, value in values.items() if value is not None}
        try:
            export_cda(document, options)  # a fault of the schema is not caught
        except MissingElements as refused:
            told.append(refused.missing)

    every_filling()
    assert all(told)  # a refusal names what lacks
