"""A form of the hospital's own, made in the browser from lines: faults in place, paper, version, use in a case."""

import io
from typing import Any

import pytest
from flask import Flask
from pypdf import PdfReader

from app.accounts.queries import user_by_name
from app.core import clock, unit_of_work
from app.core.db import db
from app.documents.kinds import all_kinds
from app.documents.outline import read_outline, write_outline
from app.documents.reader import DefinitionError
from app.documents.service import begin_document, save_field
from tests.cast import HUANG_WEI, LI_MING
from tests.documents.conftest import build_case

URL = "/documents/design/forms/new"
LINES = """# 交接
- 护送人员 | 文字 | 姓名与职务 | 签名前
- 体温 | 数值 | ℃ 30~45
- 去向 | 单选 | 病房、恢复室、ICU | 归档前
- 引流通畅 | 是否
# 其他
- 备注 | 长文字"""


def form(**changes: str) -> dict[str, Any]:
    return {
        "title": "转运交接单", "key": "h_transfer", "outline": LINES, "effective_on": clock.today().isoformat(),
        "signer": ["anesthesiologist"], "action": "publish", **changes,
    }  # fmt: skip


def test_lines_become_fields_and_lines_again() -> None:
    sections = read_outline(LINES)
    assert [section["title"] for section in sections] == ["交接", "其他"]
    temperature = sections[0]["fields"][1]
    assert (temperature["unit"], temperature["low"], temperature["high"]) == ("℃", "30", "45")
    assert read_outline(write_outline({"sections": sections})) == sections


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


def test_a_form_is_made_previewed_printed_and_used(app: Flask, sign_in: Any, open_page: Any) -> None:
    client = sign_in(HUANG_WEI)
    assert "新建本院文书" in open_page("/documents/design").text
    assert "签名位" in open_page(URL).text
    refused = client.post(URL, data=form(outline="# 章节\n- 甲 | 图片", title=""))
    assert refused.status_code == 422
    assert "- 甲 | 图片" in refused.get_data(as_text=True)  # what was typed is not lost
    assert "第 2 行" in client.post(URL, data=form(outline="# 章节\n- 甲 | 图片")).get_data(as_text=True)
    assert client.post(URL, data=form(key="preop_visit")).status_code == 422
    assert client.post(URL, data=form(effective_on="2000-01-01")).status_code == 422
    assert client.post(URL, data=form(effective_on="x")).status_code == 422
    assert "护送人员" in client.post(URL, data=form(action="preview")).get_data(as_text=True)
    sheet = client.post(URL, data=form(action="paper"))
    assert sheet.mimetype == "application/pdf"
    words = "".join(leaf.extract_text() for leaf in PdfReader(io.BytesIO(sheet.data)).pages)
    assert "转运交接单" in words
    assert "护送人员" in words
    with app.app_context():
        assert "h_transfer" not in all_kinds()

    assert client.post(URL, data=form()).status_code == 302
    assert "转运交接单" in open_page("/documents/design").text
    assert "# 交接" in open_page(f"{URL}?kind=h_transfer").text
    with app.app_context():
        with unit_of_work.writing():
            user = user_by_name(LI_MING.username)
            assert user is not None
            document = begin_document(user, build_case(), "h_transfer")
            key = next(item.key for _, item in all_kinds()["h_transfer"].fields() if item.label == "护送人员")
            save_field(user, document, key, "王护士", 0)
            number, case_id = document.id, document.case_id
        db.session.remove()
    assert "转运交接单" in open_page(f"/documents/case/{case_id}").text
    assert "王护士" in str(open_page(f"/documents/{number}").soup)
    assert "王护士" in open_page(f"/documents?kind=h_transfer&field=h_transfer.{key}").text  # counted by value


def test_a_field_of_a_shipped_kind_has_a_paper_preview(app: Flask, sign_in: Any) -> None:
    client = sign_in(HUANG_WEI)
    data = {"key": "h_escort", "label": "护送人员", "type": "text", "section": "general", "action": "paper",
            "effective_on": clock.today().isoformat()}  # fmt: skip
    sheet = client.post("/documents/design/preop_visit", data=data)
    assert sheet.mimetype == "application/pdf"
    assert "护送人员" in "".join(leaf.extract_text() for leaf in PdfReader(io.BytesIO(sheet.data)).pages)
