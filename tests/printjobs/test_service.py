"""Queueing, leasing and reporting: printed once, whatever happens to the station."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts.models import User
from app.core import clock
from app.core.audit import AuditEntry, SystemActor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput, NotFound
from app.printjobs import queries, service
from app.printjobs.models import PrintJob, PrintQueue, PrintStation
from tests.cast import LI_MING, Person
from tests.scheduling.samples import received

pytestmark = pytest.mark.usefixtures("context")
ENGINEER = SystemActor("user:99", "何宇")
PDF = b"%PDF-1.4 one page"


def queue(name: str = "激光打印机", **facts: object) -> PrintQueue:
    return service.save_queue(ENGINEER, name, **({"kind": "folder", "target": "printed"} | facts))


def job(**facts: object) -> PrintJob:
    found = db.session.scalar(select(PrintQueue)) or queue()
    return service.enqueue_print(ENGINEER, found, "麻醉记录单 1", PDF, **facts)  # type: ignore[arg-type]


def test_jobs_come_out_in_their_order_and_each_once() -> None:
    first, second = job(), job()
    assert service.take_next("station-1") is first
    assert service.take_next("station-1") is second
    assert service.take_next("station-1") is None


def test_what_was_printed_leaves_no_content_behind() -> None:
    done = job()
    service.take_next("station-1")
    assert service.report(done, True, attempt=1) == "done"
    assert done.pdf is None
    assert len(done.digest) == 64
    assert service.take_next("station-1") is None
    assert service.report(done, False, "too late", attempt=1) == "done"


def test_a_job_names_its_case_in_the_audit_trail_and_the_content_by_digest(as_user: Callable[[Person], User]) -> None:
    case = received()
    made = service.enqueue_print(as_user(LI_MING), queue(), "麻醉记录单", PDF, 2, case.id, document_kind="record")
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.subject == f"print_job:{made.id}")).one()
    assert entry.action == "printjobs.enqueue"
    assert entry.patient_id == case.patient_id
    assert made.digest in entry.after
    assert case.patient.name not in entry.after


def test_a_failure_is_tried_three_times_and_then_told() -> None:
    failing = job()
    moment = clock.now()
    for attempt in (1, 2, 3):
        moment += timedelta(minutes=1)
        with clock.fixed(moment):
            assert service.take_next("station-1") is failing
            state = service.report(failing, False, "缺纸", attempt=attempt)
    assert state == "failed"
    with clock.fixed(moment + timedelta(hours=1)):
        assert service.take_next("station-1") is None
    row = queries.recent_jobs()[0]
    assert (row.state_word, row.error, row.can_retry) == ("失败", "缺纸", True)


def test_a_pause_lies_between_two_attempts() -> None:
    failing = job()
    service.take_next("station-1")
    service.report(failing, False, "缺纸", attempt=1)
    assert service.take_next("station-1") is None


def test_what_may_be_on_paper_is_never_tried_again_by_itself() -> None:
    doubtful = job()
    service.take_next("station-1")
    assert service.report(doubtful, False, "中断", attempt=1, is_final=True) == "failed"


def test_a_silent_station_gets_its_job_back_and_no_other_does() -> None:
    lost = job()
    moment = clock.now()
    service.take_next("station-1")
    with clock.fixed(moment + timedelta(minutes=2)):
        assert service.take_next("station-1") is None
    with clock.fixed(moment + timedelta(minutes=4)):
        assert service.take_next("station-2") is None
        assert service.take_next("station-1") is lost
        assert lost.attempts == 2


def test_a_station_that_never_comes_back_is_given_up_and_its_late_success_still_counts() -> None:
    lost = job()
    moment = clock.now()
    service.take_next("station-1")
    with clock.fixed(moment + timedelta(minutes=14)):
        assert service.take_next("station-2") is None
    assert lost.state == "failed"
    assert "确认是否已打出" in lost.error
    assert service.report(lost, True, attempt=1) == "done"


def test_a_late_failure_of_an_earlier_attempt_does_not_disturb_the_running_one() -> None:
    lost = job()
    moment = clock.now()
    service.take_next("station-1")
    with clock.fixed(moment + timedelta(minutes=4)):
        service.take_next("station-1")
        assert service.report(lost, False, "旧", attempt=1) == "printing"


def test_stations_take_only_from_their_queues() -> None:
    near = queue("一楼", station="station-1")
    queue("二楼", station="station-2")
    made = service.enqueue_print(ENGINEER, near, "标签", PDF)
    assert service.take_next("station-2") is None
    assert service.take_next("station-1") is made


def test_a_queue_that_is_off_takes_and_gives_nothing() -> None:
    off = queue()
    waiting = service.enqueue_print(ENGINEER, off, "标签", PDF)
    service.save_queue(ENGINEER, off.name, queue_id=off.id, enabled=False)
    assert service.take_next("station-1") is None
    with pytest.raises(Conflict):
        service.enqueue_print(ENGINEER, off, "标签", PDF)
    service.save_queue(ENGINEER, off.name, queue_id=off.id, enabled=True)
    assert service.take_next("station-1") is waiting


def test_a_person_retries_or_cancels_what_failed_and_nothing_else() -> None:
    failed = job()
    with pytest.raises(Conflict):
        service.retry(ENGINEER, failed)
    service.take_next("station-1")
    with pytest.raises(Conflict):
        service.cancel(ENGINEER, failed)
    service.report(failed, False, "中断", attempt=1, is_final=True)
    service.retry(ENGINEER, failed)
    assert (failed.state, failed.attempts, failed.error) == ("queued", 0, "")
    service.cancel(ENGINEER, failed)
    assert (failed.state, failed.pdf) == ("cancelled", None)
    assert service.take_next("station-1") is None


@pytest.mark.parametrize("facts", [{"copies": 0}, {"copies": 21}])
def test_impossible_copies_are_refused(facts: dict[str, int]) -> None:
    with pytest.raises(InvalidInput):
        job(**facts)


def test_what_is_no_pdf_or_no_case_is_refused() -> None:
    with pytest.raises(InvalidInput, match="不是 PDF"):
        service.enqueue_print(ENGINEER, queue(), "标签", b"<html>")
    with pytest.raises(NotFound):
        job(case_id=4711)


def test_queues_have_different_names_and_usable_targets() -> None:
    queue()
    with pytest.raises(InvalidInput, match="已有名为"):
        queue()
    with pytest.raises(InvalidInput, match="数据目录内"):
        queue("别处", target="/etc")
    assert service.ensure_queue(ENGINEER, "激光打印机", kind="folder", target="printed") is False


def test_counts_of_the_page() -> None:
    job()
    failed = job()
    service.report(failed, True)
    row = queries.queue_rows()[0]
    assert (row.waiting, row.failed) == (1, 0)


def test_a_station_is_alive_while_it_asks() -> None:
    moment = clock.now()
    service.note_station("station-1", "10.0.0.5")
    assert queries.station_rows()[0].is_alive
    with clock.fixed(moment + timedelta(minutes=2)):
        assert not queries.station_rows()[0].is_alive
        service.note_station("station-1", "10.0.0.6")
        assert queries.station_rows()[0].is_alive
    assert db.session.get(PrintStation, "station-1").address == "10.0.0.6"
