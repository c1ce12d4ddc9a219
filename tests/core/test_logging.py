"""Logs carry ids, never names, numbers of people or secrets."""

import json
import logging
import sys

import pytest

from app.core.logging import JsonFormatter, redact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("身份证 11010519491231002X 已更新", "身份证 [id] 已更新"),
        ("phone 13800138000 ok", "phone [phone] ok"),
        ("password=Theatre-2026&x=1", "password=[hidden]&x=1"),
        ('{"token": "abc.def"}', '{"token": "[hidden]"}'),
        ("PIN: 2580", "PIN: [hidden]"),
        ("case:12 moved", "case:12 moved"),
        ("seq 138001380001234", "seq 138001380001234"),
    ],
)
def test_redaction(text: str, expected: str) -> None:
    assert redact(text) == expected


def line(message: str, exc_info: object = None, **extra: object) -> dict[str, object]:
    record = logging.LogRecord("mafei.test", logging.WARNING, __file__, 1, message, (), exc_info)  # type: ignore[arg-type]
    record.__dict__.update(extra)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    parsed: dict[str, object] = json.loads(text)
    return parsed


def test_a_line_is_one_json_object_with_the_extra_fields() -> None:
    entry = line("refused", code="conflict", case_id=12)
    assert (entry["level"], entry["event"], entry["code"], entry["case_id"]) == ("warning", "refused", "conflict", 12)


def test_fields_of_people_are_hidden() -> None:
    entry = line(
        "x", patient_name="张三", national_id="11010519491231002X", phone="13800138000", note="tel 13800138000"
    )
    assert "张三" not in json.dumps(entry, ensure_ascii=False)
    assert entry["patient_name"] == entry["national_id"] == "[hidden]"
    assert entry["note"] == "tel [phone]"


def test_a_traceback_holds_no_names() -> None:
    try:
        raise ValueError("患者张三丰的值 token=abc")
    except ValueError:
        entry = line("failed", exc_info=sys.exc_info())
    traceback = str(entry["traceback"])
    assert "ValueError" in traceback
    assert "张三丰" not in traceback.split("ValueError")[-1]
    assert "token=abc" not in traceback.split("ValueError")[-1]
