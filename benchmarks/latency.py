"""Device → browser: from the moment a monitor has written a value to its line until a browser page has it.

    python -m benchmarks.latency [--samples 200]

Real processes: simulated monitor (1 Hz, real bytes over TCP) → bridge (spool on disk) → gunicorn (SQLite, commit
before telling) → WebSocket → Chromium on the theatre page. The simulator notes the time of each write; the page notes
the time of the frame that shows the value. One machine, one clock. An unchanged value is not told, so only seconds
in which the heart rate was told count. The baseline is
computed from the same samples: a page that asks every two seconds, its own answer costing nothing.
"""

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.browser import signed_in
from benchmarks.stage import Stage, stage
from benchmarks.table import Line, percentile, show
from tests.processes import free_port, wait_until

_LISTEN = """
window.__got = [];
document.addEventListener("mafei:numeric", ({ detail }) => {
  const hr = detail.values.find(([code]) => code === "HR");
  if (hr) requestAnimationFrame(() => window.__got.push([Date.now(), hr[1], hr[3]]));
});
"""
_POLL_S = 2.0


def start(place: Stage, counts: Path) -> int:
    """Web, monitor with a note of each value it has written, bridge; the case that the monitor serves."""
    installation, ports = place.installation, (free_port(), free_port())
    installation.run("-m", "flask", "demo", "devices", f"--port=mindray_pds={ports[0]}", f"--port=ge_dri={ports[1]}")
    case = place.open_case(1, device_key="OR1-MON")
    installation.start_web()
    installation.start("simulator", "-m", "device_bridge", "simulate", "--driver", "mindray_pds", "--listen",
                       f"127.0.0.1:{ports[0]}", "--case-clock", "3600", "--interval", "1",
                       "--count-file", str(counts))  # fmt: skip
    installation.start_bridge()
    return case.case_id


def written(counts: Path) -> list[tuple[float, float]]:
    """(ms, value) of every heart rate that the monitor has written."""
    lines = counts.read_text(encoding="utf-8").splitlines(keepends=True)
    rows = [json.loads(line) for line in lines if line.endswith("\n")]
    return [(float(row["time_ms"]), float(row["value"])) for row in rows if row.get("code") == "HR"]


def matched(sent: list[tuple[float, float]], got: list[list[float]]) -> list[float]:
    """Milliseconds from each write to the frame that shows its value, matched by value and measured second."""
    found = []
    for arrived, value, measured in got:
        latest = min(arrived, measured + 1000)
        same = [at for at, number in sent if measured - 1000 <= at <= latest and round(number) == value]
        if same:
            found.append(arrived - same[-1])
    return found


def collect(page: Page, samples: int) -> list[list[float]]:
    """Events of the page until there are enough; at most four seconds a sample."""
    until = time.monotonic() + 4 * samples
    got: Any = []
    while len(got) < samples and time.monotonic() < until:
        page.wait_for_timeout(1000)
        got = page.evaluate("window.__got")
    return [list(row) for row in got]


def main() -> int:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=200)
    samples = parser.parse_args().samples
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("no Chromium on this machine")
    with stage() as place, sync_playwright() as playwright:
        counts = place.installation.folder / "written.jsonl"
        case_id = start(place, counts)
        wait_until(lambda: place.has_live_values("OR1-MON"), 60, "values of the monitor being stored")
        browser = playwright.chromium.launch(executable_path=chromium)
        base = place.installation.url
        page = browser.new_context(storage_state=signed_in(browser, base)).new_page()
        page.add_init_script(_LISTEN)
        page.goto(f"{base}/cases/{case_id}")
        got = collect(page, samples)
        browser.close()
        times = matched(written(counts), got)
    asked = [ms + _POLL_S * 1000 * (number % 20) / 20 for number, ms in enumerate(times)]
    return show([
        Line("values followed from the monitor to the page", len(times), "", least=min(samples, 200)),
        Line("device → browser, p50", percentile(times, 0.5), "ms"),
        Line("device → browser, p95", percentile(times, 0.95), "ms", most=1000),
        Line("device → browser, slowest", max(times), "ms"),
        Line("  baseline, computed: a page that asks every 2 s, p95", percentile(asked, 0.95), "ms"),
    ])  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
