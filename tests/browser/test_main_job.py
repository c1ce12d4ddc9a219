"""The main job with real processes: a request of the HIS becomes a scheduled case, a live record and a printed sheet.

HIS simulator → interface engine → schedule board (mouse) → SIU back to the HIS → theatre page (scanner) → monitor
simulator → bridge → chart → drugs, correction → finish → PDF.
"""

import io
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pypdf import PdfReader

from app.demo.hospital import PASSWORD
from tests.browser.conftest import sign_in
from tests.processes import Installation, free_port, wait_until


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Installation]:
    """A demonstration hospital with all its processes but the director: here people do the work."""
    place = Installation(tmp_path / "instance", demo="true", chart_interval_minutes="1")
    monitor = free_port()
    try:
        place.prepare()
        place.run("-m", "flask", "demo", "devices", f"--port=mindray_pds={monitor}", f"--port=ge_dri={free_port()}")
        place.start_web()
        place.start("interfaces", "-m", "integrations", "run")
        place.start("monitor", "-m", "device_bridge", "simulate", "--driver", "mindray_pds",
                    "--listen", f"127.0.0.1:{monitor}", "--case-clock", "1800", "--nibp-every", "20")  # fmt: skip
        place.start_bridge()
        place.start("his", "-m", "integrations", "his-simulator", "--send-to", f"127.0.0.1:{place.mllp_port}",
                    "--listen", f"127.0.0.1:{place.his_port}", "--received", str(tmp_path / "received.jsonl"),
                    "--seed", "4", "--first", "6")  # fmt: skip
        yield place
    finally:
        place.stop_all()


def test_from_request_to_printed_sheet(
    hospital: Installation, new_context: Callable[..., BrowserContext], tmp_path: Path
) -> None:
    nurse, watcher, doctor = (new_context(1440, 900).new_page() for _ in range(3))
    sign_in(nurse, hospital.url, "zhaoq", PASSWORD)
    sign_in(watcher, hospital.url, "huangw", PASSWORD)
    sign_in(doctor, hospital.url, "lim", PASSWORD)

    name = _schedule_by_mouse(nurse, watcher)
    _publish(nurse, tmp_path / "received.jsonl")
    number = _inpatient_number(nurse)

    _start_case(doctor, hospital.url, number, name)
    _live_figures(doctor)
    _chart_fills_by_itself(doctor)
    _three_interactions_for_a_bolus(doctor)
    _infusion(doctor)
    _correct_a_charted_value(doctor)
    _finish(doctor)
    _read_the_sheet(doctor, name, number)


def _schedule_by_mouse(nurse: Page, watcher: Page) -> str:
    """Drag the first pending request into the first theatre; another workstation sees it within a second."""
    for page in (nurse, watcher):
        page.goto(page.url.rsplit("/", 1)[0] if page.url.endswith("/") else page.url)
        expect(page.locator("html")).to_have_attribute("data-socket", "online")
    card = nurse.locator(".pending [data-card][data-movable]").first
    expect(card).to_be_visible(timeout=30_000)
    nurse.wait_for_timeout(2500)  # the first burst of requests is in
    name = card.get_attribute("data-name") or ""
    track = nurse.locator('[data-room="1号手术间"]').bounding_box()
    box = card.bounding_box()
    assert track is not None
    assert box is not None
    nurse.mouse.move(box["x"] + 30, box["y"] + 20)
    nurse.mouse.down()
    nurse.mouse.move(box["x"] + 60, box["y"] + 30, steps=4)
    nurse.mouse.move(track["x"] + track["width"] * 0.3, track["y"] + track["height"] / 2, steps=12)
    nurse.mouse.up()
    expect(nurse.locator(".track .bar", has_text=name)).to_be_visible(timeout=3000)
    expect(watcher.locator(".track .bar", has_text=name)).to_be_visible(timeout=1000)
    return name


def _publish(nurse: Page, received: Path) -> None:
    """Assign the anesthesiologist by pinyin, publish, and see the message arrive at the HIS."""
    nurse.locator(".track .bar").first.click()
    nurse.locator("#team-anesthesiologist input[type=text], #team-anesthesiologist input[role=combobox]").first.click()
    nurse.keyboard.type("lm")
    nurse.locator("[role=option]", has_text="李明").first.click()
    expect(nurse.locator(".track .bar").first).to_contain_text("李明", timeout=3000)
    nurse.locator("[data-publish]").click()
    nurse.locator("#dialog button[type=submit]").click()

    def told() -> bool:
        if not received.exists():
            return False
        rows = [json.loads(line) for line in received.read_text(encoding="utf-8").splitlines()]
        return any("SIU^S12" in json.dumps(row, ensure_ascii=False) for row in rows)

    wait_until(told, 20, "the HIS receiving SIU^S12")


def _inpatient_number(nurse: Page) -> str:
    text = nurse.locator("#inspector").inner_text()
    found = re.search(r"住院号\s*(\S+)", text)
    assert found, text
    return found.group(1)


def _start_case(doctor: Page, url: str, number: str, name: str) -> None:
    """Scan the wristband, bind the monitor, come into the room; a wrong wristband is refused first."""
    doctor.goto(f"{url}/theatre/OR1")
    doctor.keyboard.type("0000000", delay=5)
    doctor.keyboard.press("Enter")
    expect(doctor.locator("body")).to_contain_text("没有找到", timeout=3000)
    doctor.fill("#code", "")
    doctor.keyboard.type(number, delay=5)
    doctor.keyboard.press("Enter")
    confirmed = doctor.locator("[data-identified]")
    expect(confirmed).to_contain_text(name, timeout=3000)
    expect(confirmed.locator("input[name=device]:checked")).to_have_count(1)
    confirmed.locator("button[type=submit]").click()
    expect(doctor.locator(".flow-step.is-done")).to_have_count(1, timeout=5000)
    doctor.locator(".flow-step.is-next button").click()
    expect(doctor.locator(".flow-step.is-done")).to_have_count(2, timeout=3000)


def _live_figures(doctor: Page) -> None:
    """The monitor's numbers are on the page and move."""
    heart = doctor.locator('[data-numeric="HR"] [data-numeric-value]')
    expect(heart).to_have_text(re.compile(r"^\d{2,3}$"), timeout=5000)
    expect(doctor.locator('[data-numeric="SpO2"] [data-numeric-value]')).to_have_text(re.compile(r"^\d{2,3}$"))
    expect(doctor.locator('[data-numeric="HR"]')).to_have_attribute("data-state", "live")


def _chart_fills_by_itself(doctor: Page) -> None:
    """Without a hand on the keyboard the grid gets its values (charted every minute in this test)."""
    trace = doctor.locator("#chart g[data-series='hr'], #chart g[data-series='HR']")
    expect(trace.first).to_have_attribute("data-values", re.compile(r"\d"), timeout=130_000)


def _three_interactions_for_a_bolus(doctor: Page) -> None:
    """One: the drug. Two: give. The dose was right already."""
    doctor.get_by_role("button", name=re.compile("丙泊酚")).first.click()
    expect(doctor.locator("#side input[name=dose]")).to_have_value("100")
    doctor.locator("#side").get_by_role("button", name="给药", exact=True).click()
    expect(doctor.locator("#written")).to_contain_text("丙泊酚", timeout=3000)
    expect(doctor.locator("#chart")).to_contain_text("丙泊酚", timeout=3000)


def _infusion(doctor: Page) -> None:
    """A rate per kg needs the weight first; the command line shows what it understood and writes on Enter."""
    if doctor.locator(".measure-due").count():
        doctor.locator(".measure-due").click()
        doctor.locator("#side input[name=weight_kg]").fill("62.5")
        grade = doctor.locator("#side select[name=asa]")
        if not grade.input_value():  # what the HIS has sent would only be changed with a reason
            grade.select_option("2")
        doctor.locator("#side").get_by_role("button", name="保存").click()
        expect(doctor.locator(".patient")).to_contain_text("62.5 kg", timeout=3000)
    doctor.keyboard.press("/")
    doctor.keyboard.type("rftn 0.1 ug/kg/min", delay=20)
    expect(doctor.locator("#understood")).to_contain_text("瑞芬太尼", timeout=3000)
    doctor.keyboard.press("Enter")
    expect(doctor.locator("#written")).to_contain_text("瑞芬太尼", timeout=3000)


_POINT_OF_PULSE = """() => {
  const svg = document.querySelector("#chart svg"), d = svg.dataset, trace = svg.querySelector("g[data-series='hr']");
  const minutes = (Date.parse(d.end) - Date.parse(d.start)) / 60000;
  const x = +d.x0 + (+trace.dataset.min.split(" ")[0] / minutes) * (d.x1 - d.x0);
  const y = +d.y0 + ((trace.dataset.values.split(" ")[0] - d.low) / (d.high - d.low)) * (d.y1 - d.y0);
  const point = new DOMPoint(x, y).matrixTransform(svg.getScreenCTM());
  return [point.x, point.y];
}"""


def _correct_a_charted_value(doctor: Page) -> None:
    """Click a point of the curve, correct it with a reason; the original stays on the record."""
    doctor.mouse.click(*doctor.evaluate(_POINT_OF_PULSE))
    doctor.locator("#side input[name=value]").fill("91")
    doctor.locator("#side input[name=reason]").fill("电刀干扰，触诊复核")
    doctor.locator("#side").get_by_role("button", name="保存更正").click()
    expect(doctor.locator("#written")).to_contain_text("更正", timeout=3000)


def _finish(doctor: Page) -> None:
    """Stop what runs, mark the remaining times, finish the record."""
    for label in ("手术开始", "手术结束", "麻醉结束"):
        _mark(doctor, label)
    doctor.keyboard.press("o")
    expect(doctor.locator("#side")).to_contain_text("瑞芬太尼", timeout=3000)  # what still runs is told
    doctor.locator("#side").get_by_role("button", name="全部停药").click()
    expect(doctor.locator("#written")).to_contain_text("已停止", timeout=3000)
    doctor.locator(".flow-step", has_text="出手术间").locator("button").click()
    doctor.locator("#side").get_by_role("button", name="出手术间", exact=True).click()
    expect(doctor.locator(".flow-step.is-done", has_text="出手术间")).to_be_visible(timeout=3000)


def _mark(doctor: Page, label: str) -> None:
    """The next time is one tap; one that skips others is asked for in the side panel."""
    step = doctor.locator(".flow-step", has_text=label)
    is_next = "is-next" in (step.get_attribute("class") or "")
    step.locator("button").click()
    if not is_next:
        doctor.locator("#side").get_by_role("button", name=f"记录{label}").click()
    expect(doctor.locator(".flow-step.is-done", has_text=label)).to_be_visible(timeout=3000)


def _read_the_sheet(doctor: Page, name: str, number: str) -> None:
    """The words, the numbers and the drawing of the PDF."""
    case_url = doctor.locator("[data-chart]").get_attribute("data-case")
    assert case_url
    token = doctor.evaluate("JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRFToken']")
    answer = doctor.request.post(
        _absolute(doctor, f"{case_url}/record/print"), headers={"X-CSRFToken": token}, form={"csrf_token": token}
    )
    assert answer.ok, answer.status_text
    assert answer.headers["content-type"] == "application/pdf"
    body = answer.body()
    assert len(body) < 200_000
    reader = PdfReader(io.BytesIO(body))
    text = "".join(page.extract_text() for page in reader.pages)
    for word in ("麻醉记录单", name, number, "丙泊酚", "瑞芬太尼", "电刀干扰，触诊复核", "麻醉开始", "李明", "第 1 页"):
        assert word in text, f"{word} is not on the sheet"
    assert "¼" not in text
    assert "µg" in text or "μg" in text
    fonts = {str(font) for page in reader.pages for font in page["/Resources"]["/Font"]}
    assert fonts
    drawing = reader.pages[0].get_contents()
    assert drawing is not None
    strokes = re.findall(rb"\bS\b", drawing.get_data())
    assert len(strokes) > 20, "the chart is not drawn"
    assert Decimal(reader.pages[0].mediabox.width).quantize(Decimal(1)) == Decimal(595)


def _absolute(page: Page, path: str) -> str:
    return page.evaluate("(path) => new URL(path, location.href).href", path)
