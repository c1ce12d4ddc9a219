"""Shipped fields in the hospital's version: hidden with a reason, renamed, reordered, required at another stage."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.accounts.models import User
from app.core import clock, unit_of_work
from app.core.db import db
from app.core.errors import InvalidInput
from app.documents import protection
from app.documents.cda.export import export_cda
from app.documents.definition import Stage
from app.documents.designer import edits
from app.documents.designer.plan import Plan, find_field
from app.documents.kinds import all_kinds, current_kind, kind_of
from app.documents.models import DocumentDraft, DocumentOverlay
from app.documents.queries.field_query import askable
from app.documents.registry import catalogue, compose
from app.documents.rules.completeness import gaps
from app.documents.service import begin_document
from app.documents.service.common import filled_of
from app.documents.service.design_drafts import change_draft, open_draft, preview_draft, publish_draft
from app.scheduling.models import SurgicalCase
from tests.cast import CAST, HUANG_WEI, Person
from tests.documents.conftest import build_case
from tests.documents.helpers import signed
from tests.documents.test_cda import OPTIONS
from tests.documents.test_own_forms import change

Case = Callable[..., SurgicalCase]


def edit(user: User, draft: DocumentDraft, **items: dict[str, Any]) -> None:
    """Take entries over into shipped fields: `edit(user, draft, mri={"hidden": True})`."""

    def apply(plan: Plan) -> None:
        for key, entries in items.items():
            item = find_field(plan, key)
            assert item is not None
            item.update(entries)

    change_draft(user, draft, draft.revision, apply)


def test_a_changed_version_is_used_everywhere_and_old_documents_keep_theirs(
    make_case: Case, users: dict[str, User]
) -> None:
    user, old = users["anesthesiologist"], begin_document(users["anesthesiologist"], make_case(), "preop_visit", [])
    draft = open_draft(user, "preop_visit")
    edit(user, draft, icu_plan={"stage": "archive"}, thyromental={"label": "甲颏间距"}, kidney={"stage": "sign"},
         other_tests={"hidden": True, "reason": "本院写在总结里"})  # fmt: skip
    change_draft(user, draft, draft.revision, lambda plan: edits.move(plan, "f:glucose", -1))
    row = publish_draft(user, draft, draft.revision, clock.today())
    assert row.content["order"]["tests"].index("glucose") < row.content["order"]["tests"].index("kidney")

    new = begin_document(user, make_case(number=2), "preop_visit", [])
    kind, tests = kind_of(new), [item.key for item in kind_of(new).section("tests").fields]  # type: ignore[union-attr]
    assert (kind.find("other_tests"), kind.find("thyromental").label) == (None, "甲颏间距")  # type: ignore[union-attr]
    assert tests.index("glucose") == tests.index("kidney") - 1
    missing = {gap.path: gap.stage for gap in gaps(filled_of(new), Stage.ARCHIVE)}
    assert (missing["kidney"], missing["icu_plan"]) == (Stage.SIGN, Stage.ARCHIVE)
    asked = dict(askable(all_kinds(), "preop_visit"))
    assert asked["preop_visit.thyromental"] == "甲颏间距"
    assert "preop_visit.other_tests" not in asked
    before = kind_of(old)
    assert before.find("other_tests") is not None
    assert before.find("thyromental").label == "甲颏距离"  # type: ignore[union-attr]

    again = open_draft(user, "preop_visit")  # what is hidden can be shown again
    hidden = find_field(again.plan, "other_tests")
    assert hidden is not None
    assert (hidden["hidden"], hidden["reason"]) == (True, "本院写在总结里")
    edit(user, again, other_tests={"hidden": False})
    publish_draft(user, again, again.revision, clock.today())
    assert current_kind("preop_visit").find("other_tests") is not None


@pytest.mark.parametrize(
    ("kind", "key", "entries", "said"),
    [
        ("preop_visit", "other_tests", {"hidden": True, "reason": " "}, "须写明理由"),
        ("preop_visit", "heart", {"hidden": True, "reason": "不用"}, "WS/T 500"),
        ("preop_visit", "heart", {"stage": "none"}, "最迟在签名前必填"),
        ("preop_visit", "visited_at", {"hidden": True, "reason": "不用"}, "检查规则"),
        ("preop_visit", "mouth_opening", {"hidden": True, "reason": "不用"}, "预计困难气道"),
        ("transfusion_record", "bags", {"hidden": True, "reason": "不用"}, "检查规则"),
        ("pacu_record", "first_temperature", {"hidden": True, "reason": "不用"}, "全程检查"),
        ("preop_visit", "other_tests", {"label": ""}, "1–60 字"),
    ],
)
def test_what_is_needed_cannot_be_hidden(
    kind: str, key: str, entries: dict[str, Any], said: str, users: dict[str, User]
) -> None:
    user = users["anesthesiologist"]
    draft = open_draft(user, kind)
    edit(user, draft, **{key: entries})
    assert any(fault.path == f"f:{key}" and said in fault.message for fault in preview_draft(draft.plan)[1])
    with pytest.raises(InvalidInput, match="还不能发布"):
        publish_draft(user, draft, draft.revision, clock.today())


def test_every_shipped_kind_loads_without_each_field_that_may_be_hidden() -> None:
    shipped = catalogue()
    for kind in shipped.kinds.values():
        guarded = protection.protections(kind)
        free = [item.key for _, item in kind.fields() if item.key not in guarded]
        changes = [{"field": key, "hidden": True, "reason": "试"} for key in free]
        sections = {key for section in kind.sections if (key := section.key) and
                    all(item.key in free for item in section.fields)}  # fmt: skip
        if len(sections) < len(kind.sections):
            packages = [package.key for package in shipped.packages.values() if kind.key in package.adds]
            assert compose(kind.key, (), [{"changes": changes}]) is not None, (kind.key, packages)


def test_a_field_that_the_shared_document_may_lack_is_left_out_of_it(make_case: Case, users: dict[str, User]) -> None:
    user = users["anesthesiologist"]
    draft = open_draft(user, "preop_visit")
    edit(user, draft, mri={"hidden": True, "reason": "本院没有磁共振"})
    publish_draft(user, draft, draft.revision, clock.today())
    made = current_kind("preop_visit")
    assert made.find("mri") is None
    assert "mri" not in str(made.cda)
    text = export_cda(signed(users, make_case(), "preop_visit"), OPTIONS).decode()
    assert "MRI" not in text
    assert "CT检查结果" in text


def test_lint_says_when_a_version_hides_what_is_needed(app: Flask) -> None:
    with app.app_context(), unit_of_work.writing():
        wrong = {"changes": [{"field": "ecg", "hidden": True, "reason": "不用"}]}
        db.session.add(
            DocumentOverlay(kind="preop_visit", version=1, content=wrong, by="1", effective_on=clock.today())
        )
    result = app.test_cli_runner().invoke(args=["documents", "lint"])
    assert result.exit_code == 1
    assert "「心电图」不能隐藏：共享文档 C0010" in result.stderr


def test_in_the_browser(app: Flask, client: Any, sign_in: Callable[[Person], Any], open_page: Any) -> None:
    sign_in(HUANG_WEI)
    url = client.post("/documents/design/drafts", data={"kind": "preop_visit"}).headers["Location"]
    refused = open_page(f"{url}?selected=f:ecg")
    assert "共享文档 C0010" in refused.text
    assert refused.soup.select_one("#e-hidden")["disabled"] == ""
    chosen = {"selected": "f:mri", "entries": "f:mri", "label": "磁共振", "hidden": "1", "stage": ""}
    unexplained = change(client, url, **chosen).get_data(as_text=True)
    assert "须写明理由" in unexplained
    assert "design-screen" in unexplained  # the sheet stays in sight while something is wrong
    shown = change(client, url, **chosen, reason="本院没有磁共振").get_data(as_text=True)
    assert "须写明理由" not in shown
    assert "已隐藏" in shown


# --- who may ------------------------------------------------------------------------------------------------------


def test_only_the_keepers_of_forms_may_change_them(app: Flask, client: Any, sign_in: Callable[[Person], Any]) -> None:
    with app.app_context():
        with unit_of_work.writing():
            build_case()
            draft = DocumentDraft(kind="preop_visit", plan={}, by="1", by_name="", changed_at=clock.now())
            db.session.add(draft)
            db.session.flush()
            number = draft.id
        db.session.remove()
        rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/documents/design")]
    assert len(rules) == 9
    for person in CAST:
        if person is HUANG_WEI:
            continue
        sign_in(person)
        for rule in rules:
            url = rule.rule.replace("<int:draft_id>", str(number)).replace("<int:overlay_id>", "1")
            for method in (rule.methods or set()) & {"GET", "POST"}:
                answer = client.open(url, method=method, data={"kind": "preop_visit", "revision": "1"})
                assert answer.status_code == 403, (person.name, method, url, answer.status_code)
        client.post("/sign-out")
    with app.app_context():
        assert db.session.query(DocumentDraft).count() == 1
        assert db.session.query(DocumentOverlay).count() == 0
