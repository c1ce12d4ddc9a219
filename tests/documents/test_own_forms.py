"""The hospital's own forms in the browser: a list pasted, faults in place, paper, version, use in a case, lint."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from pypdf import PdfReader

from app.accounts.queries import user_by_name
from app.core import clock, unit_of_work
from app.core.db import db
from app.documents.kinds import all_kinds
from app.documents.models import DocumentDraft, DocumentOverlay
from app.documents.outline import read_outline
from app.documents.reader import DefinitionError
from app.documents.service import begin_document, save_field
from tests.cast import HUANG_WEI, LI_MING
from tests.documents.conftest import build_case

LINES = """# 交接
- 护送人员 | 文字 | 姓名与职务 | 签名前
- 体温 | 数值 | ℃ 30~45
- 去向 | 单选 | 病房、恢复室、ICU | 归档前
- 引流通畅 | 是否
# 其他
- 备注 | 长文字"""
TODAY = "effective_on"  # name of the entry


def test_lines_become_fields() -> None:
    sections = read_outline(LINES)
    assert [section["title"] for section in sections] == ["交接", "其他"]
    temperature = sections[0]["fields"][1]
    assert (temperature["unit"], temperature["low"], temperature["high"]) == ("℃", "30", "45")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("- 甲 | 图片", "类型「图片」不对"),
        ("- 甲 | 单选 | 只有一个", "至少要有两个选项"),
        ("- 甲 | 文字 | | 明天", "必填「明天」不对"),
        ("- | 文字", "名称应为"),
        ("- 甲 | 文字 | a | 签名前 | 多", "最多四栏"),
    ],
)
def test_a_wrong_line_is_named_by_its_number(line: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=f"第 3 行：.*{words}"):
        read_outline(f"# 章节\n- 好 | 文字\n{line}")


@pytest.fixture
def draft(sign_in: Callable[..., Any]) -> tuple[Any, str]:
    """A client of the keeper of forms and the address of a new draft."""
    client = sign_in(HUANG_WEI)
    return client, client.post("/documents/design/drafts").headers["Location"]


def change(client: Any, url: str, **entries: Any) -> Any:
    """Post entries with the revision that the page shows."""
    page = client.get(url).get_data(as_text=True)
    found = re.search(r'name="revision" value="(\d+)"', page)
    assert found is not None
    return client.post(url, data={"revision": found[1], "selected": "kind", "entries": "kind", **entries})


def kind_entries(**changes: Any) -> dict[str, Any]:
    """The settings of the form as the inspector posts them."""
    return {"title": "转运交接单", "retention_years": "15", "when": "True", "due_event": "out_of_room", "due_minutes": "30",
            "sign_slot": ["anesthesiologist", ""], "sign_role": ["anesthesiologist", "theatre_nurse"],
            "sign_label": ["麻醉医师", "接收护士"], "sign_required": ["1", ""], "sign_covers": ["", ""], **changes}  # fmt: skip


def test_a_form_is_made_previewed_printed_and_used(app: Flask, draft: tuple[Any, str], open_page: Any) -> None:
    client, url = draft
    assert "新建本院文书" in open_page("/documents/design").text
    assert "签名位" in open_page(url).text
    refused = change(client, url, **kind_entries(lines="# 章节\n- 甲 | 图片", do="paste"))
    assert refused.status_code == 422
    assert "- 甲 | 图片" in refused.get_data(as_text=True)  # what was typed is not lost
    assert "第 2 行" in refused.get_data(as_text=True)
    assert client.post(f"{url}/publish", data={"revision": "1", TODAY: clock.today().isoformat()}).status_code == 422
    assert "接收护士" in change(client, url, **kind_entries(lines=LINES, do="paste")).get_data(as_text=True)
    shown = open_page(f"{url}?view=paper")
    assert "引流通畅" in shown.soup.select_one(".paper").get_text()
    sheet = client.get(f"{url}/paper.pdf")
    words = "".join(leaf.extract_text() for leaf in PdfReader(io.BytesIO(sheet.data)).pages)
    assert "转运交接单" in words
    assert "护送人员" in words
    with app.app_context():
        assert "h_zyjjd" not in all_kinds()
        revision = db.session.query(DocumentDraft).one().revision
        db.session.remove()
    publish = {"revision": str(revision), TODAY: clock.today().isoformat(), "note": "首版"}
    assert client.post(f"{url}/publish", data={**publish, TODAY: "2000-01-01"}).status_code == 422
    assert client.post(f"{url}/publish", data={**publish, TODAY: "x"}).status_code == 422
    assert client.post(f"{url}/publish", data=publish).status_code == 302
    assert client.get(url).status_code == 404
    assert "转运交接单" in open_page("/documents/design").text

    with app.app_context():
        with unit_of_work.writing():
            kind = all_kinds()["h_zyjjd"]
            assert (kind.retention_years, kind.due and kind.due.minutes) == (15, 30)
            assert [(slot.label, slot.order, slot.required) for slot in kind.signatories] == [
                ("麻醉医师", 1, True), ("接收护士", 2, False),
            ]  # fmt: skip
            user = user_by_name(LI_MING.username)
            assert user is not None
            document = begin_document(user, build_case(), "h_zyjjd")
            key = next(item.key for _, item in kind.fields() if item.label == "护送人员")
            save_field(user, document, key, "王护士", 0)
            number, case_id = document.id, document.case_id
        db.session.remove()
    assert "转运交接单" in open_page(f"/documents/case/{case_id}").text
    assert "王护士" in str(open_page(f"/documents/{number}").soup)
    period = f"kind=h_zyjjd&field={key}&since=2026-11-01&until=2026-11-30"
    counted = open_page(f"/documents/statistics?{period}&group_by=room")
    assert "王护士" in counted.text
    for link in counted.soup.select("table a"):
        assert open_page(link["href"]).soup.select_one("tbody a") is not None
    assert client.post(f"/documents/statistics.xlsx?{period}").data[:2] == b"PK"
    assert "请选择文书和字段" in open_page("/documents/statistics?kind=h_zyjjd&field=nothing").text


def test_lint_names_the_version_that_is_wrong(app: Flask) -> None:
    with app.app_context(), unit_of_work.writing():
        wrong = {"fields": [{"key": "h_x", "label": "甲", "section": "general", "source": "patient.shoe_size"}]}
        db.session.add(DocumentOverlay(kind="preop_visit", version=1, content=wrong, by="1",
                                       effective_on=clock.today().replace(year=clock.today().year + 1)))  # fmt: skip
    result = app.test_cli_runner().invoke(args=["documents", "lint"])
    assert result.exit_code == 1
    assert "preop_visit 第 1 版" in result.stderr
    assert "patient.shoe_size" in result.stderr
