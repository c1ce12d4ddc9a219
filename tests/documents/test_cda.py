"""Shared documents: every kind with a code is written from its definition and fits the schemas."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from lxml import etree

from app.accounts.models import User
from app.core.db import db
from app.core.errors import InvalidInput, NotFound, SettingsError
from app.core.settings import Settings
from app.documents.cda.elements import age_of, time14, two_places
from app.documents.cda.export import MissingElements, SchemaFaults, export_cda, schema_faults
from app.documents.cda.options import CdaOptions, load_options
from app.documents.cda.viewer import read_cda
from app.documents.registry import catalogue
from app.scheduling.models import SurgicalCase
from tests.documents.conftest import START
from tests.documents.helpers import signed, write_all

OPTIONS = CdaOptions(organisation_code="12450100MB0000000X", organisation_name="示范县中医医院")
CODED = sorted(kind.key for kind in catalogue().kinds.values() if kind.code)
Case = Callable[..., SurgicalCase]


@pytest.fixture
def schemas(shared_data: Path) -> Path:
    return shared_data / "cda"


@pytest.fixture
def more_users(users: dict[str, User], as_user: Any) -> dict[str, User]:
    from tests.cast import QIN_YU, ZHAO_QIAN

    return {**users, "theatre_nurse_2": as_user(ZHAO_QIAN), "anesthesia_nurse": as_user(QIN_YU)}


def test_the_kinds_of_this_system_have_their_codes() -> None:
    codes = {kind.code for kind in catalogue().kinds.values()} - {""}
    assert codes >= {
        "C0010",
        "C0011",
        "C0012",
        "C0013",
        "C0019",
        "C0020",
        "C0021",
        "C0022",
        "C0026",
        "C0027",
        "C0028",
        "C0044",
    }


@pytest.mark.parametrize("kind", CODED)
def test_a_signed_document_fits_its_schema(
    kind: str, make_case: Case, more_users: dict[str, User], schemas: Path
) -> None:
    document = signed(more_users, make_case(), kind)
    xml = export_cda(document, replace(OPTIONS, schema_dir=str(schemas)))
    root = etree.fromstring(xml)
    assert root.findtext("{*}title") == catalogue().kinds[kind].title
    assert "覃䶮㛃" in xml.decode()
    view = read_cda(xml)
    assert view.sections
    assert ("姓名", "覃䶮㛃") in view.head


def test_measurements_and_volumes_are_told_with_their_times(make_case: Case, more_users: dict[str, User]) -> None:
    at = [{"at": f"2026-11-20 0{hour}:35", "rr": 14, "pulse": 72, "sbp": 118, "dbp": 70} for hour in (8, 9)]
    at[0]["temp"] = "36.5"
    signs = export_cda(signed(more_users, make_case(), "vital_signs_record", signs=at, observations=[]), OPTIONS)
    texts = [section.findtext("{*}text") or "" for section in etree.fromstring(signs).iter("{*}section")]
    assert [text[:16] for text in texts if "收缩压" in text] == ["2026-11-20 08:35", "2026-11-20 09:35"]
    at[1]["sbp"] = ""
    with pytest.raises(MissingElements, match=r"DE04\.10\.174\.00 收缩压"):
        export_cda(signed(more_users, make_case(number=2), "vital_signs_record", signs=at, observations=[]), OPTIONS)
    volumes = {"intakes": [{"name": "晶体液", "item": "乳酸钠林格注射液", "volume": 500}],
               "outputs": [{"name": "尿量", "volume": 150}, {"name": "出血量", "volume": 100}]}  # fmt: skip
    text = export_cda(signed(more_users, make_case(number=3), "intake_output_record", **volumes), OPTIONS).decode()
    for words in ("乳酸钠林格注射液", ">500 mL<", ">150 mL<", "总出量", ">250 mL<"):
        assert words in text


def test_the_command_writes_them(app: Flask, make_case: Case, more_users: dict[str, User], shared_data: Path) -> None:
    settings: Settings = app.extensions["mafei.settings"]
    settings.instance_dir.joinpath("cda.yaml").write_text(
        f"organisation_code: {OPTIONS.organisation_code}\norganisation_name: 示范县中医医院\n"
        f"schema_dir: {shared_data / 'cda'}\n", encoding="utf-8"
    )  # fmt: skip
    case = make_case()
    try:
        for code, kind in (("C0020", "vital_signs_record"), ("C0021", "intake_output_record")):
            signed(more_users, case, kind)
            db.session.commit()
            answer = app.test_cli_runner().invoke(
                args=["documents", "export", "--case", str(case.id), "--kind", code, "--format", "cda"]
            )
            assert answer.exit_code == 0, answer.output
            assert f'code="{code}"' in answer.output
    finally:
        settings.instance_dir.joinpath("cda.yaml").unlink()


def test_an_empty_document_is_refused_with_the_list(make_case: Case, users: dict[str, User]) -> None:
    document = signed(users, make_case(), "preop_visit")
    values = dict(document.content.values)
    del values["heart"], values["ecg"]
    document.content.values = values
    with pytest.raises(MissingElements) as refused:
        export_cda(document, OPTIONS)
    assert refused.value.missing == ["DE04.10.207.00 心脏听诊结果", "DE04.30.043.00 心电图检查结果"]


def test_an_unsigned_document_is_refused(make_case: Case, users: dict[str, User]) -> None:
    from app.documents.service import begin_document

    document = begin_document(users["anesthesiologist"], make_case(), "preop_visit", [])
    write_all(users["anesthesiologist"], document)
    with pytest.raises(MissingElements, match="文档创作者签名"):
        export_cda(document, OPTIONS)


def test_a_diagnosis_without_code_is_told(make_case: Case, users: dict[str, User]) -> None:
    document = signed(users, make_case(), "postop_visit", preop_diagnosis=[{"name": "腹痛待查"}])
    with pytest.raises(MissingElements, match="「腹痛待查」没有编码"):
        export_cda(document, OPTIONS)


def test_without_an_organisation_code_nothing_leaves(make_case: Case, users: dict[str, User]) -> None:
    document = signed(users, make_case(), "postop_visit")
    with pytest.raises(MissingElements, match="统一社会信用代码"):
        export_cda(document, CdaOptions())


def test_a_kind_without_code_has_no_shared_document(make_case: Case, users: dict[str, User]) -> None:
    document = signed(users, make_case(), "anesthesia_summary")
    with pytest.raises(NotFound, match="没有对应的"):
        export_cda(document, OPTIONS)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: re.sub(r'(<effectiveTime value="\d{8})\d{6}', r"\1", t, count=1), "effectiveTime"),
        (lambda t: t.replace("12450100MB0000000X", "12450100M"), "extension"),
        (lambda t: t.replace('unit="岁"', 'unit="月"'), "unit"),
        (lambda t: t.replace("<title>麻醉术前访视记录", "<title>术前访视"), "title"),
    ],
)
def test_the_schemas_do_refuse(
    change: Callable[[str], str], told: str, make_case: Case, users: dict[str, User], schemas: Path
) -> None:
    text = export_cda(signed(users, make_case(), "preop_visit"), OPTIONS).decode()
    assert schema_faults(text.encode(), schemas, "C0010") == []
    changed = change(text)
    assert changed != text
    assert any(told in fault for fault in schema_faults(changed.encode(), schemas, "C0010"))


def test_a_schema_fault_stops_the_export(make_case: Case, users: dict[str, User], tmp_path: Path) -> None:
    (tmp_path / "C0012.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:hl7-org:v3">'
        '<xs:element name="Other"/></xs:schema>'
    )
    document = signed(users, make_case(), "postop_visit")
    with pytest.raises(SchemaFaults):
        export_cda(document, replace(OPTIONS, schema_dir=str(tmp_path)))


def test_suffixes_tell_apart_what_shares_a_number(make_case: Case, users: dict[str, User]) -> None:
    document = signed(users, make_case(), "preop_visit")
    assert b"DE04.30.009.00.001" not in export_cda(document, OPTIONS)
    assert b"DE04.30.009.00.001" in export_cda(document, replace(OPTIONS, element_suffix=True))


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        (date(1972, 3, 4), ("54", "岁")),
        (date(2025, 11, 20), ("1", "岁")),
        (date(2025, 11, 21), ("52", "周")),
        (date(2026, 10, 23), ("4", "周")),
        (date(2026, 10, 24), ("27", "天")),
        (date(2026, 11, 20), ("0", "天")),
    ],
)
def test_ages_have_no_months(birth: date, expected: tuple[str, str]) -> None:
    assert age_of(birth, date(2026, 11, 20)) == expected


def test_times_have_fourteen_digits_and_doses_two_decimals() -> None:
    assert time14(START) == "20261120083000"
    assert [two_places(v) for v in (100, "0.125", Decimal("2.5"), "x", None)] == ["100.00", "0.12", "2.50", None, None]


def test_settings_are_read_strictly(tmp_path: Path) -> None:
    assert load_options(tmp_path, "某院").organisation_name == "某院"
    (tmp_path / "cda.yaml").write_text("organisation_code: 12450100MB0000000X\nelement_suffix: true\n")
    assert load_options(tmp_path, "某院").element_suffix
    (tmp_path / "cda.yaml").write_text("organisation_code: 123\n")
    with pytest.raises(SettingsError, match="18 位"):
        load_options(tmp_path, "某院")
    (tmp_path / "cda.yaml").write_text("surprise: 1\n")
    with pytest.raises(SettingsError, match="surprise"):
        load_options(tmp_path, "某院")


@pytest.mark.parametrize("xml", [b"", b"<a/>", b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"])
def test_the_viewer_refuses_what_is_no_shared_document(xml: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_cda(xml)


def test_text_that_xml_cannot_carry_never_reaches_it(make_case: Case, users: dict[str, User]) -> None:
    case = make_case()
    case.patient.name = "覃\x0b䶮"
    document = signed(users, case, "postop_visit")
    etree.fromstring(export_cda(document, OPTIONS))
