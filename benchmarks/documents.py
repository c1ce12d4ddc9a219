"""Documents: what is missing in a thousand cases, one sheet of every kind, a day's set made by the background job.

    .venv/bin/python -m benchmarks.documents [--instance instance] [--cases 1000] [--day 40]

Baseline in the same run: the same sheets through the HTML renderer, as forms were drawn before. Every case of the day
has an anesthesia record of four hours with five charted series, whose chart pages belong to its sheet.
"""

import argparse
import gc
import tempfile
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from html import escape
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from flask import Flask
from sqlalchemy import insert

from app.accounts.models import User
from app.accounts.queries import user_by_name
from app.anesthesia.models import AnesthesiaRecord, ChartReading
from app.anesthesia.rules import CHARTED
from app.core import clock, unit_of_work
from app.core.db import db
from app.core.settings import Settings
from app.documents import ports
from app.documents.batch_models import PrintBatch
from app.documents.batch_work import work_on_batches
from app.documents.gather import gather
from app.documents.models import Document, DocumentContent
from app.documents.queries.lists import WITH_ALL, case_folder, case_folders
from app.documents.queries.sets import check_set, day_set
from app.documents.queries.sheets import sheet_of
from app.documents.registry import catalogue
from app.documents.service import begin_document
from app.documents.service.batches import begin_batch
from app.documents.service.freezing import freeze
from app.documents.sheet import Sheet
from app.factory import create_app
from app.scheduling.models import SurgicalCase
from benchmarks.table import Line, percentile, show
from printing.fonts import ensure_fonts
from printing.render import render_html_pdf
from tests.documents.conftest import START, build_case
from tests.documents.helpers import FITTING, write_all
from tests.seed import seed_basics

KINDS = ("preop_visit", "anesthesia_consent", "safety_check", "surgical_risk", "anesthesia_record", "postop_visit")
SERIES = ("HR", "NIBP_S", "NIBP_D", "SpO2", "EtCO2")
SLOTS = 48
DAY_SECONDS = 60.0  # figure to hold for 40 cases of 6 documents on 2 cores


def doctor() -> User:
    """The anesthesiologist of the cast."""
    found = user_by_name("lim")
    if found is None:
        raise LookupError("the cast is not loaded")
    return found


def templates() -> dict[str, Document]:
    """A filled document of every kind of the day, on the first case."""
    user, case = doctor(), build_case(number=1)
    made = {}
    for kind in KINDS:
        document = begin_document(user, case, kind, [])
        write_all(user, document, **FITTING.get(kind, {}))
        made[kind] = document
    add_record(case)
    return made


def add_record(case: SurgicalCase) -> None:
    """An anesthesia record of four hours."""
    record = AnesthesiaRecord(case_id=case.id, opened_at=START, opened_by="bench", state="finished",
                              finished_at=START + timedelta(hours=4))  # fmt: skip
    db.session.add(record)
    db.session.flush()
    rows = []
    for slot in range(SLOTS):
        at = START + timedelta(minutes=5 * slot)
        for code in SERIES:
            rows.append({"record_id": record.id, "code": code, "slot_at": at, "at": at, "value": 70 + slot % 9,
                         "unit": CHARTED[code].unit, "source": "device", "state": "auto"})  # fmt: skip
    db.session.execute(insert(ChartReading), rows)


def copy_to(case: SurgicalCase, template: Document) -> None:
    """The same document on another case, without the cost of typing it."""
    db.session.add(
        Document(
            uid=str(uuid.uuid4()),
            case=case,
            kind=template.kind,
            title=template.title,
            definition=template.definition,
            created_by=template.created_by,
            patient_name=case.patient.name,
            content=DocumentContent(values=dict(template.content.values), meta={}, text=template.content.text),
        )
    )


def fill_day(cases: int, made: dict[str, Document]) -> None:
    """The day of the first case with its other cases."""
    for number in range(2, cases + 1):
        case = build_case(number=number, sequence=number)
        add_record(case)
        for template in made.values():
            copy_to(case, template)


def fill_others(first: int, count: int, made: dict[str, Document]) -> None:
    """Cases of the day before, each with three documents."""
    for number in range(first, first + count):
        case = build_case(number=number, day=START.date() - timedelta(days=1))
        for kind in KINDS[:3]:
            copy_to(case, made[kind])


def completeness(count: int) -> list[float]:
    """Milliseconds of the list 还差什么 of every case, opened one by one."""
    ids = list(db.session.scalars(db.select(SurgicalCase.id).order_by(SurgicalCase.id).limit(count)))
    times = []
    for case_id in ids:
        began = perf_counter()
        folder = case_folder(db.session.get_one(SurgicalCase, case_id))
        assert folder.open_count
        times.append((perf_counter() - began) * 1000)
        db.session.expunge_all()
    return times


def completeness_together(count: int, page: int = 50) -> float:
    """Seconds of the same list for all, as many at a time as the page of the department reads."""
    began = perf_counter()
    ids = list(db.session.scalars(db.select(SurgicalCase.id).order_by(SurgicalCase.id).limit(count)))
    for start in range(0, count, page):
        cases = db.session.scalars(
            db.select(SurgicalCase).where(SurgicalCase.id.in_(ids[start : start + page])).options(*WITH_ALL)
        )
        assert all(folder.open_count for folder in case_folders(list(cases)))
        db.session.expunge_all()
    return perf_counter() - began


def sheets() -> dict[str, Sheet]:
    """A filled sheet of every shipped kind."""
    user, case = doctor(), build_case(number=90001)
    made = {}
    for kind in sorted(catalogue().kinds):
        document = begin_document(user, case, kind, [])
        write_all(user, document, **FITTING.get(kind, {}))
        made[kind] = sheet_of(document, gather(case))
    return made


def html_form(sheet: Sheet, fonts: Path) -> bytes:
    """The words of a sheet as tables through the HTML renderer: the baseline."""
    parts = []
    for part in sheet.parts:
        cells = "".join(f"<tr><td>{escape(box.label)}</td><td>{escape(box.value)}</td></tr>" for box in part.boxes)
        parts.append(f"<h2>{escape(part.title)}</h2><table class='grid'>{cells}</table>")
    return render_html_pdf(f"<h1>{escape(sheet.title)}</h1>{''.join(parts)}", fonts)


def timed(action: Callable[[], object], rounds: int = 3) -> float:
    """Median milliseconds after one warm-up."""
    action()
    times = []
    for _ in range(rounds):
        began = perf_counter()
        action()
        times.append((perf_counter() - began) * 1000)
    return median(times)


def order(title: str) -> tuple[int, int]:
    """Order the whole day; (batch, documents)."""
    with unit_of_work.writing():
        documents = day_set(START.date())
        batch = begin_batch(doctor(), "print", title, documents, with_drafts=True)
        return batch.id, len(documents)


def work(batch_id: int) -> tuple[float, float, PrintBatch]:
    """Run the job until the set is over: wall seconds, processor seconds, the set."""
    began, used = perf_counter(), process_time()
    while True:
        work_on_batches()
        batch = db.session.get_one(PrintBatch, batch_id, populate_existing=True)
        if batch.is_over:
            break
    assert batch.state == "done", batch.message
    assert not batch.refused, batch.refused[:2]
    return perf_counter() - began, process_time() - used, batch


def sign_day() -> list[float]:
    """Freeze every document of the day; milliseconds of each."""
    times = []
    with unit_of_work.writing():
        for document in day_set(START.date()):
            document.state, document.signed_at = "signed", clock.now()
            began = perf_counter()
            freeze(doctor(), document, "signed")
            times.append((perf_counter() - began) * 1000)
    return times


def measure(app: Flask, fonts: Path, cases: int, day: int) -> list[Line]:
    """Everything, in order."""
    lines: list[Line] = []
    with app.app_context():
        with unit_of_work.writing():
            db.create_all()
            seed_basics()
        with unit_of_work.writing():
            made = templates()
            fill_day(day, made)
            fill_others(day + 1, cases - day, made)
        gc.collect()
        lines += _listed(completeness(cases), cases)
        lines.append(Line(f"完整性核对 {cases} 台（科室清单，成批）", completeness_together(cases), "s"))
        with unit_of_work.writing():
            drawn = sheets()
            unit_of_work.rollback()
        lines += _drawn(drawn, fonts)
        began = perf_counter()
        rows = check_set(day_set(START.date()))
        lines.append(Line(f"当日 {day} 台核对清单（打印中心）", (perf_counter() - began) * 1000, "ms"))
        assert rows
        lines += _set(f"当日全套 {day} 台 × {len(KINDS)} 份，逐份现绘", day)
        times = sign_day()
        lines.append(Line("签名冻结一份（JSON + PDF）中位", median(times), "ms"))
        lines.append(Line("签名冻结一份 p95", percentile(times, 0.95), "ms"))
        lines += _set(f"当日全套 {day} 台 × {len(KINDS)} 份，已签名", day)
    return lines


def _listed(times: Sequence[float], cases: int) -> list[Line]:
    return [
        Line(f"完整性核对 {cases} 台", sum(times) / 1000, "s"),
        Line("完整性核对每台 中位", median(times), "ms"),
        Line("完整性核对每台 p95", percentile(times, 0.95), "ms"),
    ]


def _drawn(drawn: dict[str, Sheet], fonts: Path) -> list[Line]:
    ours = {kind: timed(lambda sheet=sheet: ports.renderer()(sheet)) for kind, sheet in drawn.items()}
    html = {kind: timed(lambda sheet=sheet: html_form(sheet, fonts), 1) for kind, sheet in drawn.items()}
    lines = [Line(f"PDF {drawn[kind].title}", value, "ms") for kind, value in ours.items()]
    lines.append(Line(f"PDF 全部 {len(ours)} 种 合计", sum(ours.values()), "ms"))
    lines.append(Line(f"PDF 全部 {len(html)} 种 合计，经 HTML（基线）", sum(html.values()), "ms"))
    return lines


def _set(name: str, day: int) -> list[Line]:
    batch_id, count = order(name)
    wall, used, batch = work(batch_id)
    most = DAY_SECONDS if day * len(KINDS) >= 240 else None
    return [
        Line(f"{name}（{count} 份 {batch.pages} 页）", wall, "s", most=most),
        Line("　处理器时间（任务进程，不含绘图子进程）", used, "s"),
        Line("　结果大小", batch.size_bytes / 1e6, "MB"),
    ]


def main() -> int:
    """Measure in a temporary folder and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instance", type=Path, default=Path("instance"))
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--day", type=int, default=40)
    chosen = parser.parse_args()
    fonts = ensure_fonts(chosen.instance / "fonts", print).directory.resolve()
    with tempfile.TemporaryDirectory(prefix="mafei-bench-") as folder:
        instance = Path(folder)
        (instance / "fonts").symlink_to(fonts, target_is_directory=True)
        url = f"sqlite:///{instance / 'bench.db'}"
        app = create_app(Settings(instance_dir=instance, database_url=url, testing=True, log_level="ERROR"))
        return show(measure(app, fonts, chosen.cases, chosen.day))


if __name__ == "__main__":
    raise SystemExit(main())
