"""Pages and routes of scheduling: who may do what, what is answered, what is kept."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts.models import StaffMember
from app.accounts.queries import user_by_name
from app.core import unit_of_work
from app.core.db import db
from app.interfaces.models import OutboxMessage
from app.scheduling.facts import PersonFacts
from app.scheduling.models import SurgicalCase
from app.scheduling.service import place_case, receive_request
from tests.cast import HE_YU, LI_MING, STRANGER, ZHAO_QIAN, ZHOU_JIE, Person
from tests.pages import Page
from tests.scheduling.samples import DAY, HIS, at, received, request, room

HTMX = {"HX-Request": "true", "HX-Current-URL": f"http://localhost/schedule/{DAY}"}
SignIn = Callable[[Person], FlaskClient]


@pytest.fixture
def cases(app: Flask) -> list[int]:
    """覃小芳 in 1号 at 09:00 and 黄大山 pending; their ids."""
    with app.app_context():
        with unit_of_work.writing():
            zhao = user_by_name(ZHAO_QIAN.username)
            assert zhao is not None
            first = place_case(zhao, received(1, surgeon=PersonFacts("77", "邓海")), room(1), at(9))
            second = received(2, surgeon=PersonFacts("78", "卢志"), isolation="乙肝")
            ids = [first.id, second.id]
        db.session.remove()
    return ids


def case(app: Flask, case_id: int) -> SurgicalCase:
    with app.app_context():
        found = db.session.get_one(SurgicalCase, case_id)
        _ = found.room, found.assignments, found.request
        return found


def place(client: FlaskClient, case_id: int, **more: object) -> tuple[int, str, dict[str, str]]:
    form = {"room_id": "1", "start": f"{DAY}T09:30", "minutes": "60", **more}
    answer = client.post(f"/schedule/cases/{case_id}/place", data=form, headers=HTMX)
    return answer.status_code, answer.get_data(as_text=True), dict(answer.headers)


@pytest.mark.parametrize("view", ["gantt", "list", "cards", "agenda", "nonsense"])
def test_every_view_is_a_sound_page(
    cases: list[int], sign_in: SignIn, open_page: Callable[[str], Page], view: str
) -> None:
    sign_in(ZHAO_QIAN)
    page = open_page(f"/schedule/{DAY}?view={view}")
    assert "覃小芳" in page.text
    assert "黄大山" in page.text
    assert "左侧腹股沟疝修补术" in page.text
    assert "隔离" in page.text


def test_schedule_leads_to_today_or_to_the_chosen_day(sign_in: SignIn) -> None:
    client = sign_in(ZHAO_QIAN)
    assert client.get("/schedule?day=2026-01-05&view=list").location == "/schedule/2026-01-05?view=list"
    assert client.get("/schedule?day=x").status_code == 302
    assert client.get("/schedule/2026-13-05").status_code == 404


@pytest.mark.parametrize(("person", "status"), [(ZHOU_JIE, 200), (LI_MING, 200), (HE_YU, 403), (STRANGER, 403)])
def test_who_may_look(cases: list[int], sign_in: SignIn, person: Person, status: int) -> None:
    client = sign_in(person)
    assert client.get(f"/schedule/{DAY}").status_code == status
    assert client.get(f"/schedule/cases/{cases[0]}", headers=HTMX).status_code == status


def test_who_may_only_look_changes_nothing(cases: list[int], sign_in: SignIn, app: Flask) -> None:
    client = sign_in(ZHOU_JIE)
    for action in ("place", "resize", "unplace", "staff", "details", "acknowledge", "cancel", "pause", "restore"):
        assert client.post(f"/schedule/cases/{cases[0]}/{action}", headers=HTMX).status_code == 403, action
    assert client.post(f"/schedule/{DAY}/publish", headers=HTMX).status_code == 403
    assert client.post("/schedule/requests", headers=HTMX).status_code == 403
    assert "data-movable" not in client.get(f"/schedule/{DAY}").get_data(as_text=True)


def test_placing_answers_with_the_day(cases: list[int], sign_in: SignIn, app: Flask) -> None:
    status, html, headers = place(sign_in(ZHAO_QIAN), cases[1], start="2026-11-23T02:00:00.000Z")  # 10:00 here
    assert (status, 'id="day"' in html, "<html" in html) == (200, True, False)
    assert "close-dialog" in headers["HX-Trigger"]
    assert case(app, cases[1]).planned_start == at(10)


def test_collision_answers_409_with_a_dialog_and_keeps_everything(
    cases: list[int], sign_in: SignIn, app: Flask
) -> None:
    client = sign_in(ZHAO_QIAN)
    status, html, headers = place(client, cases[1])
    assert (status, headers["HX-Retarget"]) == (409, "#dialog")
    assert "1号手术间已有手术（覃小芳）" in html
    assert 'name="start" value="2026-11-23T09:30"' in html
    assert case(app, cases[1]).room is None
    assert place(client, cases[1], reason="分台进行")[0] == 200
    assert case(app, cases[1]).conflicts_accepted[0]["reason"] == "分台进行"


def test_old_version_is_refused(cases: list[int], sign_in: SignIn, app: Flask) -> None:
    client = sign_in(ZHAO_QIAN)
    version = case(app, cases[0]).version
    assert place(client, cases[0], start=f"{DAY}T11:00", version=version)[0] == 200
    status, html, headers = place(client, cases[0], start=f"{DAY}T12:00", version=version)
    assert (status, "HX-Retarget" in headers) == (409, False)
    assert "赵倩" in html
    assert case(app, cases[0]).planned_start == at(11)


@pytest.mark.parametrize(("field", "value"), [("room_id", "99"), ("room_id", ""), ("start", "morgen"), ("start", "")])
def test_placing_nowhere_is_refused(cases: list[int], sign_in: SignIn, field: str, value: str) -> None:
    assert place(sign_in(ZHAO_QIAN), cases[1], **{field: value})[0] == 422


def test_staff_is_offered_assigned_and_emptied(cases: list[int], sign_in: SignIn, app: Flask) -> None:
    client = sign_in(ZHAO_QIAN)
    url = f"/schedule/cases/{cases[0]}/staff"
    offered = client.get(f"{url}-options?role=anesthesiologist&q=lm", headers=HTMX).get_data(as_text=True)
    assert "李明" in offered
    assert "周杰" not in offered
    with app.app_context():
        li = db.session.scalars(select(StaffMember.id).where(StaffMember.name == "李明")).one()
    answer = client.post(url, data={"role": "anesthesiologist", "staff_id": li}, headers=HTMX)
    assert (answer.status_code, "李明" in answer.get_data(as_text=True)) == (200, True)
    client.post(url, data={"role": "anesthesiologist", "staff_id": ""}, headers=HTMX)
    assert case(app, cases[0]).staff_names("anesthesiologist") == ""
    assert client.post(url, data={"role": "cook"}, headers=HTMX).status_code == 422


def test_member_of_another_case_is_not_removed(cases: list[int], sign_in: SignIn, app: Flask) -> None:
    member = case(app, cases[1]).assignments[0].id
    answer = sign_in(ZHAO_QIAN).post(f"/schedule/cases/{cases[0]}/staff/{member}/remove", headers=HTMX)
    assert answer.status_code == 404
    assert len(case(app, cases[1]).assignments) == 1


def test_publishing_shows_first_what_it_will_tell(cases: list[int], sign_in: SignIn, app: Flask) -> None:
    client = sign_in(ZHAO_QIAN)
    preview = client.get(f"/schedule/{DAY}/publication", headers=HTMX).get_data(as_text=True)
    assert "覃小芳" in preview
    assert "黄大山" not in preview
    assert client.post(f"/schedule/{DAY}/publish", headers=HTMX).status_code == 200
    with app.app_context():
        assert [item.kind for item in db.session.scalars(select(OutboxMessage))] == ["schedule_new"]


def test_request_by_hand(sign_in: SignIn, app: Flask) -> None:
    client = sign_in(ZHAO_QIAN)
    form = {"kind": "emergency", "procedure": "脾切除术", "sex": "male", "surgeon_text": "外请专家", "minutes": "120"}
    answer = client.post("/schedule/requests", data=form, headers=HTMX)
    assert answer.status_code == 200
    assert "脾切除术" in answer.get_data(as_text=True)
    with app.app_context():
        made = db.session.scalars(select(SurgicalCase)).one()
        assert (made.patient.name, made.patient.is_temporary, made.planned_minutes) == ("无名氏", True, 120)
        assert made.staff_names("surgeon") == "外请专家"


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"procedure": ""}, "请填写手术名称"),
        ({"kind": "elective"}, "身份不明的患者只能登记急诊"),
        ({"minutes": "-5"}, "预计时长为"),
        ({"minutes": "viel"}, "预计时长为"),
        ({"birth_date": "2999-01-01"}, "不能晚于今天"),
        ({"planned_at": "gleich"}, "请填写日期和时间"),
    ],
)
def test_wrong_request_comes_back_with_what_was_typed(
    sign_in: SignIn, app: Flask, wrong: dict[str, str], word: str
) -> None:
    form = {"kind": "emergency", "procedure": "脾切除术", "notes": "车祸伤", **wrong}
    answer = sign_in(ZHAO_QIAN).post("/schedule/requests", data=form, headers=HTMX)
    html = answer.get_data(as_text=True)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (422, "#dialog")
    assert word in html
    assert "车祸伤" in html
    with app.app_context():
        assert db.session.scalars(select(SurgicalCase)).all() == []


def test_cancel_pause_restore(cases: list[int], sign_in: SignIn, app: Flask) -> None:
    client, base = sign_in(ZHAO_QIAN), f"/schedule/cases/{cases[0]}"
    assert "自动判定" in client.get(f"{base}/cancel", headers=HTMX).get_data(as_text=True)
    assert client.post(f"{base}/pause", data={"reason": ""}, headers=HTMX).status_code == 422
    assert client.post(f"{base}/pause", data={"reason": "备血"}, headers=HTMX).status_code == 200
    assert client.post(f"{base}/resume", headers=HTMX).status_code == 200
    answer = client.post(f"{base}/cancel", data={"code": "patient", "reason": "未禁食"}, headers=HTMX)
    assert "当日取消 1 台" in answer.get_data(as_text=True)
    assert case(app, cases[0]).cancel_reason == "患者原因：未禁食"
    assert client.post(f"{base}/restore", headers=HTMX).status_code == 200
    assert case(app, cases[0]).cancelled_at is None


def test_difference_of_the_his_is_shown_adopted_and_acknowledged(cases: list[int], sign_in: SignIn, app: Flask) -> None:
    with app.app_context():
        with unit_of_work.writing():
            db.session.get_one(SurgicalCase, cases[0]).asa = "3"
            db.session.flush()
            receive_request(HIS, request(1, surgeon=PersonFacts("77", "邓海"), asa="4"))
        db.session.remove()
    client, base = sign_in(ZHAO_QIAN), f"/schedule/cases/{cases[0]}"
    assert "HIS 改 1" in client.get(f"/schedule/{DAY}").get_data(as_text=True)
    panel = client.get(base, headers=HTMX).get_data(as_text=True)
    assert "未采用" in panel
    assert client.post(f"{base}/adopt/0", headers=HTMX).status_code == 200
    assert case(app, cases[0]).asa == "4"
    assert client.post(f"{base}/adopt/0", headers=HTMX).status_code == 404
    assert client.post(f"{base}/acknowledge", headers=HTMX).status_code == 200


def test_search_finds_cases_of_any_day(cases: list[int], sign_in: SignIn) -> None:
    client = sign_in(ZHAO_QIAN)
    for text in ("qxf", "覃", "Z0001", "p001"):
        assert "覃小芳" in client.get(f"/schedule/search?q={text}", headers=HTMX).get_data(as_text=True), text
    assert "没有找到" in client.get("/schedule/search?q=%25", headers=HTMX).get_data(as_text=True)


def test_unknown_case_is_not_found(sign_in: SignIn) -> None:
    assert sign_in(ZHAO_QIAN).get("/schedule/cases/999", headers=HTMX).status_code == 404
