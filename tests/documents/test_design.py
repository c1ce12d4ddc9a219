"""A field of the hospital is in form, check, print and query at once; old documents keep their definition."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.accounts.models import User
from app.core import clock
from app.core.errors import InvalidInput
from app.documents import service
from app.documents.definition import Stage
from app.documents.gather import gather
from app.documents.kinds import all_kinds, kind_of
from app.documents.queries.records import RecordQuery, search_records
from app.documents.queries.sheets import sheet_of
from app.documents.rules.completeness import gaps
from app.documents.service.common import filled_of
from app.documents.service.design import add_hospital_field, publish_overlay, withdraw_overlay
from app.scheduling.models import SurgicalCase

Case = Callable[..., SurgicalCase]
ESCORT = {"key": "h_escort", "label": "陪护人姓名", "required": "sign"}


def test_a_hospital_field_is_everywhere_without_restart(make_case: Case, users: dict[str, User]) -> None:
    user, case = users["anesthesiologist"], make_case()
    old = service.begin_document(user, case, "preop_visit", [])
    add_hospital_field(user, "preop_visit", "general", ESCORT, clock.today())
    second = make_case(number=2)
    document = service.begin_document(user, second, "preop_visit", [])
    assert "h_escort" in {gap.path for gap in gaps(filled_of(document), Stage.SIGN)}
    service.save_field(user, document, "h_escort", "覃大山", 0)
    boxes = [box for part in sheet_of(document, gather(second)).parts for box in part.boxes]
    assert ("陪护人姓名", "覃大山") in {(box.label, box.value) for box in boxes}
    assert search_records(RecordQuery(field="preop_visit.h_escort", field_value="大山")) == [document]
    assert search_records(RecordQuery(words="陪护人姓名 覃大山")) == [document]
    assert kind_of(old).find("h_escort") is None


def test_two_fields_add_up_and_a_later_day_waits(make_case: Case, users: dict[str, User]) -> None:
    user = users["anesthesiologist"]
    add_hospital_field(user, "preop_visit", "general", ESCORT, clock.today())
    row = add_hospital_field(
        user, "preop_visit", "general", {"key": "h_two", "label": "第二项"}, clock.today() + timedelta(days=1)
    )
    assert row.version == 2
    assert all_kinds()["preop_visit"].find("h_two") is None
    with clock.fixed(clock.now() + timedelta(days=1)):
        made = all_kinds()["preop_visit"]
    assert made.find("h_escort") is not None
    assert made.find("h_two") is not None


def test_a_withdrawn_version_gives_way_to_the_one_before(users: dict[str, User]) -> None:
    user = users["anesthesiologist"]
    row = add_hospital_field(user, "preop_visit", "general", ESCORT, clock.today())
    withdraw_overlay(user, row, "不再需要")
    assert all_kinds()["preop_visit"].find("h_escort") is None


def test_a_kind_of_the_hospital_works_like_a_shipped_one(make_case: Case, users: dict[str, User]) -> None:
    user = users["anesthesiologist"]
    raw = {
        "kind": "h_moxa",
        "title": "艾灸记录",
        "sections": [
            {"key": "one", "title": "艾灸", "fields": [{"key": "point", "label": "穴位", "required": "sign"}]}
        ],
        "signatories": [{"slot": "doctor", "label": "医师", "roles": ["anesthesiologist"]}],
    }
    publish_overlay(user, "h_moxa", raw, clock.today(), is_new_kind=True)
    document = service.begin_document(user, make_case(), "h_moxa")
    assert [gap.message for gap in gaps(filled_of(document), Stage.SIGN)] == ["穴位未填写"]


@pytest.mark.parametrize(
    "field",
    [
        {"key": "escort", "label": "无前缀"},
        {"key": "h_x", "label": "错", "type": "nothing"},
        {"key": "h_x", "label": "错", "source": "patient.shoe_size"},
        {"key": "h_x", "label": "错", "visible": "missing == 1"},
    ],
)
def test_a_wrong_field_is_refused_before_it_harms(field: dict[str, str], users: dict[str, User]) -> None:
    with pytest.raises(InvalidInput):
        add_hospital_field(users["anesthesiologist"], "preop_visit", "general", field, clock.today())
    assert all_kinds()["preop_visit"].find("h_x") is None


def test_the_past_is_not_changed(users: dict[str, User]) -> None:
    with pytest.raises(InvalidInput, match="不能早于今天"):
        add_hospital_field(
            users["anesthesiologist"], "preop_visit", "general", ESCORT, clock.today() - timedelta(days=1)
        )
