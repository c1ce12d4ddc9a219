"""The simulated HIS: believable, repeatable, faulty on demand."""

import json
import re
import threading
import time
from datetime import date

import pytest

from integrations.canonical import LabReportChange, PatientChange, RequestKind, SurgeryRequestChange
from integrations.cli import main
from integrations.hl7.ack import acknowledgement_of
from integrations.hl7.codes import PeerProfile
from integrations.hl7.outbound import Route, schedule_message, status_message
from integrations.hl7.reader import interpret
from integrations.mllp import MllpServer
from integrations.mllp_client import MllpClient, NoAcknowledgement, WrongAcknowledgement
from integrations.simulators.his import Fault, HisSimulator, Options
from integrations.simulators.hospital import Hospital, catalogue, procedures
from tests.integrations.test_outbound import notice

DAY = date(2026, 11, 22)


class Receiver:
    """A stand-in for our engine: reads, remembers and acknowledges."""

    def __init__(self) -> None:
        self.items, self.broken = [], 0
        self.server = MllpServer("127.0.0.1", 0, self.take).start()

    def take(self, frame, _peer):
        if frame.problem:
            self.broken += 1
            return []
        found = interpret(frame.body, PeerProfile())
        self.items += found
        return [acknowledgement_of(item) for item in found]


@pytest.fixture
def receiver():
    stand_in = Receiver()
    yield stand_in
    stand_in.server.stop()


def simulate(receiver: Receiver, once: int = 8, **options) -> HisSimulator:
    told = {"send_to": ("127.0.0.1", receiver.server.port), "once": once, "quiet": True, "retry_seconds": 0.01}
    simulator = HisSimulator(Options(**(told | options))).start()
    try:
        assert simulator.run() == 0
    finally:
        simulator.stop()
    return simulator


def test_patients_come_before_their_requests_and_everything_is_understood(receiver):
    simulate(receiver, once=40)
    kinds, known = set(), set()
    for item in receiver.items:
        assert not item.errors, item.errors
        for _, change in item.changes:
            if isinstance(change, PatientChange):
                known.add(change.patient.patient_no)
                continue
            assert change.patient.patient_no in known
            if isinstance(change, LabReportChange):
                assert all(item.taken_at for item in change.items)
                continue
            kinds.add((change.action, change.kind))
            assert change.surgeon.name
            assert change.procedures[0].code
            assert change.diagnoses
            assert change.anesthesia_method.name
            assert not change.extra
    assert {kind for _, kind in kinds} >= {RequestKind.ELECTIVE, RequestKind.EMERGENCY, RequestKind.ENDOSCOPY}
    assert {action for action, _ in kinds} == {"new", "update", "cancel"}


def test_what_is_sent_comes_back_unchanged_through_our_reader(receiver):
    hospital = Hospital(1, DAY)
    expected = [hospital.next_request() for _ in range(30)]
    simulator = HisSimulator(Options(send_to=("127.0.0.1", receiver.server.port), quiet=True, charset="gb18030"))
    simulator._hospital = Hospital(1, DAY)
    for _ in expected:
        simulator.tell_new_request()
    simulator.stop()
    every = [change for item in receiver.items for _, change in item.changes]
    got = [change for change in every if isinstance(change, SurgeryRequestChange)]
    for ours, theirs in zip(expected, got, strict=True):
        assert theirs.request_no == ours.request_no
        assert theirs.patient.name == ours.patient.name
        assert theirs.patient.allergies == ours.patient.allergies
        assert theirs.patient.birth_date == ours.patient.birth_date
        assert (theirs.kind, theirs.planned_at, theirs.duration_minutes) == (
            ours.kind,
            ours.planned_at,
            ours.duration_minutes,
        )
        assert theirs.procedures == ours.procedures
        assert theirs.surgeon == ours.surgeon
        assert theirs.assistants == ours.assistants
        assert (theirs.asa, theirs.wound_class, theirs.position) == (ours.asa, ours.wound_class, ours.position)
        assert (theirs.notes, theirs.isolation, theirs.special_equipment) == (
            ours.notes,
            ours.isolation,
            ours.special_equipment,
        )


def test_same_seed_and_day_give_the_same_hospital():
    first = [Hospital(3, DAY).next_request() for _ in range(3)]
    assert first == [Hospital(3, DAY).next_request() for _ in range(3)]
    assert first[0] != Hospital(4, DAY).next_request()


def test_nobody_of_it_can_be_a_real_person():
    hospital = Hospital(1, DAY)
    for _ in range(200):
        patient = hospital.next_request().patient
        assert patient.national_id.startswith("999999")
        assert patient.phone.startswith("100")


def test_catalogue_is_sound():
    rows = procedures()
    assert {row.kind for row in rows} == set(RequestKind)
    for row in rows:
        assert re.fullmatch(r"\d{2}\.\d(\d{3}|x00)", row.code), row
        assert re.fullmatch(r"[A-Z]\d{2}(\.\d)?", row.diagnosis.code), row
        assert row.department in catalogue()["departments"]
        assert row.sex in ("", "male", "female")
        assert 0 < row.ages[0] < row.ages[1] < 100
    codes = {row.code for row in rows}
    assert set(catalogue()["paired"]) <= codes


@pytest.mark.parametrize(
    "faults",
    [{Fault.LF: 1}, {Fault.BOM: 1}, {Fault.OTHER_CHARSET: 1}, {Fault.DUPLICATE: 1}, {Fault.CUT: 2}],
)
def test_faults_of_the_sender_do_not_harm(receiver, faults):
    simulate(receiver, once=4, faults=faults)
    assert all(not item.errors for item in receiver.items)
    names = {change.patient.name for item in receiver.items for _, change in item.changes}
    assert all(re.search(r"[\u3400-\u9fff]", name) for name in names)


@pytest.fixture
def listening(tmp_path):
    simulators = []

    def start(**faults):
        told = {Fault(name.replace("_", "-")): every for name, every in faults.items()}
        options = Options(
            listen=("127.0.0.1", 0),
            faults=told,
            quiet=True,
            received=tmp_path / "received.jsonl",
            late_seconds=0.5,
        )
        simulators.append(HisSimulator(options).start())
        return simulators[-1], MllpClient("127.0.0.1", simulators[-1].server.port, reply_timeout=0.2)

    yield start
    for simulator in simulators:
        simulator.stop()


def test_what_it_receives_is_written_down(listening, tmp_path):
    simulator, client = listening()
    with client:
        assert client.send(schedule_message(notice(), Route(charset="gb18030"), "S1"), "S1").is_accepted
    (row,) = [json.loads(line) for line in (tmp_path / "received.jsonl").read_text(encoding="utf-8").splitlines()]
    assert row == simulator.received[0]
    assert row["type"] == "SIU^S12"
    assert (row["request_no"], row["room"], row["starts_at"]) == ("REQ20261122009", "手术间1", "20261123083000")
    assert row["patient_name"] == "黄小梅"
    assert "麻醉医师 陈刚" in row["team"]
    assert "台次：2" in row["notes"]


@pytest.mark.parametrize(("fault", "code"), [("ae", "AE"), ("ar", "AR")])
def test_it_refuses_when_told_to(listening, fault, code):
    _, client = listening(**{fault: 1})
    with client:
        assert client.send(schedule_message(notice(), Route(), "S1"), "S1").code == code


@pytest.mark.parametrize(
    ("fault", "error"),
    [("no_ack", NoAcknowledgement), ("late_ack", NoAcknowledgement), ("wrong_id", WrongAcknowledgement)],
)
def test_it_keeps_silent_or_answers_wrongly_when_told_to(listening, fault, error):
    _, client = listening(**{fault: 1})
    with client, pytest.raises(error):
        client.send(schedule_message(notice(), Route(), "S1"), "S1")


def test_restart_goes_on_where_it_was(receiver, tmp_path):
    def run(requests: int) -> None:
        options = Options(
            send_to=("127.0.0.1", receiver.server.port),
            first_batch=requests,
            per_minute=0.001,
            received=tmp_path / "r.jsonl",
            quiet=True,
        )
        simulator = HisSimulator(options).start()
        thread = threading.Thread(target=simulator.run)
        thread.start()
        deadline = time.monotonic() + 10
        while len(simulator.sent) < 3 * requests and time.monotonic() < deadline and len(receiver.items) < 16:
            time.sleep(0.01)
        simulator.stop()
        thread.join()

    run(3)
    run(5)
    numbers = [item.header.control_id for item in receiver.items]
    assert len(numbers) == len(set(numbers)) == 5 * 3 + 1  # the second patient has a result that is corrected
    requests = [
        change.request_no for item in receiver.items for _, change in item.changes if hasattr(change, "request_no")
    ]
    assert len(requests) == len(set(requests)) == 5


def test_damaged_memory_is_no_reason_to_stop(tmp_path):
    (tmp_path / "r.state").write_text("{", encoding="utf-8")
    HisSimulator(Options(received=tmp_path / "r.jsonl", quiet=True)).stop()


def test_command_line(receiver, tmp_path, capsys):
    file = tmp_path / "r.jsonl"
    arguments = ["his-simulator", "--send-to", f"127.0.0.1:{receiver.server.port}", "--listen", "127.0.0.1:0"]
    started = time.monotonic()
    assert main([*arguments, "--once", "3", "--received", str(file), "--fault", "duplicate:2", "--seed", "7"]) == 0
    assert time.monotonic() - started < 10
    assert len(receiver.items) == (3 * 3 + 1) * 3 // 2
    assert "应答 AA" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*arguments, "--fault", "earthquake"])
    assert main(["his-simulator"]) == 2


def test_status_summary(listening):
    from datetime import UTC, datetime

    from integrations.canonical import Milestone, StatusNotice

    simulator, client = listening()
    moment = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    told = StatusNotice("REQ1", "SCH1", notice().patient, ((Milestone.OR_IN, moment),), moment)
    with client:
        assert client.send(status_message(told, Route(), "T1"), "T1").is_accepted
    assert simulator.received[0]["times"] == {"OR_IN": "20261123083000"}
    assert simulator.received[0]["state"] == "IP"
