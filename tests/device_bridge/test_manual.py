"""The manual says what the drivers do: a page for every driver, every parameter in it, no dead link."""

import re
from pathlib import Path

import pytest

from device_bridge.drivers.base import CONSENTS
from device_bridge.drivers.registry import DRIVERS
from device_bridge.parameters import PARAMETERS
from device_bridge.profiles.store import shipped

DOCS = Path(__file__).resolve().parents[2] / "docs"
INDEX = (DOCS / "devices.md").read_text(encoding="utf-8")
ROWS = re.findall(r"\[[^\]]+\]\(devices/(\w+)\.md\)[^|]*\| ((?:`\w+`、?)+) \|", INDEX)
PAGES = {driver: page for page, names in ROWS for driver in re.findall(r"`(\w+)`", names) if page != "comen"}
HEADINGS = (
    "适用机型",
    "接线",
    "设备端设置",
    "采集的参数",
    "单位与陷阱",
    "发出的内容",
    "十分钟登记",
    "怎样核对",
    "尚未确认",
)


def text_of(page):
    return (DOCS / "devices" / f"{page}.md").read_text(encoding="utf-8")


# Philips monitors and pumps behind a gateway are on pages of their own; fresh gas is not among their identifiers.
ELSEWHERE = {
    "ihe_pcd01": ("0x", "label:", "pump"),
    "intellivue_rs232": ("label:", "MDC_"),
    "intellivue_udp": ("label:", "MDC_"),
}
TABLE_ON = {"ihe_pcd01": "hl7_pcd01", "sdc": "hl7_pcd01"}
DECODED = {
    driver: {
        line.code
        for line in shipped(driver).lines.values()
        if not line.native.startswith(ELSEWHERE.get(driver, ("\0",)))
    }
    for driver in DRIVERS
}


def test_every_driver_has_a_page():
    # the gateway driver has several; the one with its table is the page of the family
    assert set(PAGES) == set(DRIVERS)
    for driver, page in PAGES.items():
        text = text_of("hl7_pcd01" if driver == "ihe_pcd01" else page)
        assert f"`{driver}`" in text


@pytest.mark.parametrize("page", sorted({page for page, _ in ROWS}))
def test_a_page_says_all_that_an_engineer_needs(page):
    text = text_of(page)
    assert [one for one in HEADINGS if f"## {one}\n" not in text] == []
    for heading, body in re.findall(r"## (.+)\n\n(.+?)(?=\n## |\Z)", text, re.S):
        assert len(body.strip()) > 8, heading


@pytest.mark.parametrize("driver", sorted(DECODED))
def test_a_page_lists_what_is_decoded(driver):
    text = text_of(TABLE_ON.get(driver, PAGES[driver]))
    assert sorted(code for code in DECODED[driver] if f"`{code}`" not in text) == []


def test_links_lead_somewhere_and_codes_exist():
    for file in [DOCS / "devices.md", *(DOCS / "devices").glob("*.md")]:
        text = file.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([\w/]+\.md)\)", text):
            assert (file.parent / target).is_file(), (file.name, target)
        for code in re.findall(r"^\| `(\w+)` \|", text, re.M):
            assert code in PARAMETERS or code in DRIVERS, (file.name, code)


def test_what_is_off_by_default_says_so():
    for driver in DRIVERS.values():
        if driver.consent:
            text = text_of(PAGES[driver.name])
            assert "默认关闭" in text
            assert CONSENTS[driver.consent] in text
