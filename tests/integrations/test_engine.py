"""The engine on a real database: what is acknowledged is stored and done, once, and what must go out goes out."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app.core import clock, unit_of_work
from app.core.audit import SystemActor
from app.core.db import db
from app.core.settings import Settings
from app.interfaces.models import Endpoint, InboundMessage, OutboxMessage
from app.interfaces.service import enqueue
from app.patients.models import Encounter, Patient
from app.scheduling import service as scheduling
from app.scheduling.models import OperatingRoom, SurgeryRequest, SurgicalCase
from app.scheduling.rules import EventKind
from integrations import delivery, inbound
from integrations.application import make_application
from integrations.delivery import Deliverer, backoff
from integrations.engine import Engine, EngineOptions
from integrations.hl7.charset import decode
from integrations.hl7.codes import PeerProfile
from integrations.hl7.errors import MessageError
from integrations.hl7.message import parse_message
from integrations.hl7.outbound import Route
from integrations.inbound import Inbound
from integrations.mllp import Frame, FrameProblem
from integrations.mllp_client import MllpClient
from integrations.simulators.his import Fault, HisSimulator, Options
from tests.conftest import new_template
from tests.integrations.messages import PID, PV1, header, order, request, text

SCHEDULER = SystemActor("user:1", "赵倩")
DAY = datetime(2026, 11, 23, tzinfo=UTC).date()


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engine")
    databases = new_template(folder)
    application = make_application(Settings(instance_dir=folder, database_url=databases.url()))
    with application.app_context():
        db.create_all()
        db.session.add(OperatingRoom(code="OR1", name="1号手术间"))
        unit_of_work.commit()
        db.session.remove()
        db.engine.dispose()
    yield folder, databases
    databases.drop(databases.url())


@pytest.fixture
def application(template):
    folder, databases = template
    url = databases.copy()
    made = make_application(Settings(instance_dir=folder, database_url=url))
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()
    databases.drop(url)


@pytest.fixture
def intake(application):
    engine = Inbound(application, PeerProfile())

    def tell(raw: str | bytes, problem=None):
        frame = Frame(raw if isinstance(raw, bytes) else raw.encode(), problem)
        return [parse_message(decode(reply)[0]) for reply in engine.handle(frame, "10.0.0.1")]

    return tell


def code_of(replies) -> str:
    (reply,) = replies
    return reply.first("MSA").text(1)


def journal():
    return db.session.scalars(select(InboundMessage).order_by(InboundMessage.id)).all()


def test_request_becomes_patient_visit_and_case_and_is_acknowledged_after_that(intake, application):
    assert code_of(intake(request("AL1|1|DA|^青霉素||皮疹"))) == "AA"
    with application.app_context():
        case = db.session.scalars(select(SurgicalCase)).one()
        assert case.patient.patient_no == "0001234567"
        assert case.patient.national_id == "450122197001020011"
        assert case.encounter.visit_no == "ZY001"
        assert case.encounter.department.name == "骨科"
        assert case.request.request_no == "REQ1"
        assert case.kind == "elective"
        assert case.procedures[0]["name"] == "腹腔镜胆囊切除术"
        assert [item.name for item in case.assignments] == ["李强"]
        (row,) = journal()
        assert (row.state, row.ack_code, row.patient_no, row.request_no) == ("done", "AA", "0001234567", "REQ1")
        assert row.raw == request("AL1|1|DA|^青霉素||皮疹").encode()
        assert row.outcome[0]["result"] == "done"


def test_same_message_again_gets_the_same_answer_and_no_second_effect(intake, application):
    first, second = intake(request()), intake(request())
    assert first[0].source == second[0].source
    with application.app_context():
        assert db.session.scalar(select(func.count(SurgicalCase.id))) == 1
        (row,) = journal()
        assert row.duplicates == 1


def test_same_number_with_other_content_is_accepted_and_flagged(intake, application):
    intake(request())
    assert code_of(intake(text(header(), PID, PV1, *order("REQ2")))) == "AA"
    with application.app_context():
        assert [row.flags for row in journal()] == [[], ["reused_control_id"]]
        assert db.session.scalar(select(func.count(SurgicalCase.id))) == 2


def test_same_message_from_two_connections_at_once_has_one_effect(application):
    engines = [Inbound(application, PeerProfile()) for _ in range(4)]
    replies = []
    threads = [
        threading.Thread(target=lambda e=engine: replies.extend(e.handle(Frame(request().encode()), "x")))
        for engine in engines
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(replies) == 4
    assert len(set(replies)) == 1
    with application.app_context():
        assert db.session.scalar(select(func.count(SurgicalCase.id))) == 1


def test_one_refused_group_takes_nothing_of_the_others_along(intake, application):
    source = text(header(), PID, PV1, *order("R1"), *order("NEVER", "CA"), *order("R3"))
    (reply,) = intake(source)
    assert reply.first("MSA").text(1) == "AR"
    assert "没有申请单 NEVER" in reply.first("MSA").text(3)
    with application.app_context():
        numbers = db.session.scalars(select(SurgeryRequest.request_no).order_by(SurgeryRequest.id)).all()
        assert numbers == ["R1", "R3"]
        (row,) = journal()
        assert row.state == "refused"
        assert [entry["result"] for entry in row.outcome] == ["done", "refused", "done"]
        assert "partly" in row.flags
    # after the cause is gone the same message may come again and is carried out, without doing R1 and R3 twice
    assert code_of(intake(text(header(control_id="N"), PID, PV1, *order("NEVER")))) == "AA"
    assert code_of(intake(source)) == "AA"
    with application.app_context():
        assert db.session.scalar(select(func.count(SurgicalCase.id))) == 3


def test_bad_message_is_kept_with_its_reason(intake, application):
    (reply,) = intake(text(header(kind="ORU^R01"), PID))
    assert reply.first("MSA").text(1) == "AR"
    intake(b"\xff\xfe rubbish")
    with application.app_context():
        unsupported, rubbish = journal()
        assert (unsupported.state, unsupported.ack_code) == ("refused", "AR")
        assert "不支持的消息类型 ORU^R01" in unsupported.error
        assert rubbish.control_id == rubbish.content_hash
        assert rubbish.raw == b"\xff\xfe rubbish"


def test_amendment_and_cancellation(intake, application):
    intake(request())
    changed = text(header(control_id="X"), PID, PV1, *order("REQ1", "XO", "NTE|1|L|改首台"))
    assert code_of(intake(changed)) == "AA"
    assert code_of(intake(text(header(control_id="C"), PID, *order("REQ1", "CA")))) == "AA"
    with application.app_context():
        case = db.session.scalars(select(SurgicalCase)).one()
        assert case.notes == "改首台"
        assert case.cancelled_at is not None


def test_patient_events(intake, application):
    def adt(trigger, *segments):
        return text(header(kind=f"ADT^{trigger}", control_id=trigger), f"EVN|{trigger}|20261122090000", *segments)

    assert code_of(intake(adt("A01", PID, PV1))) == "AA"
    assert code_of(intake(adt("A03", PID, PV1))) == "AA"
    with application.app_context():
        stay = db.session.scalars(select(Encounter)).one()
        assert stay.discharged_at == datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
    assert code_of(intake(adt("A13", PID, PV1))) == "AA"
    with application.app_context():
        assert db.session.scalars(select(Encounter)).one().discharged_at is None
    assert code_of(intake(adt("A28", PID.replace("0001234567", "OLD").replace("450122197001020011", "")))) == "AA"
    merge = adt("A40", PID, "MRG|OLD^^^HIS^PI")
    assert code_of(intake(merge)) == "AA"
    assert code_of(intake(merge.replace("|A40|P", "|A40again|P"))) == "AA"  # told twice: already so
    with application.app_context():
        old = db.session.scalars(select(Patient).where(Patient.patient_no == "OLD")).one()
        survivor = db.session.scalars(select(Patient).where(Patient.patient_no == "0001234567")).one()
        assert old.merged_into_id == survivor.id


def test_batch_is_answered_by_a_batch(application):
    batch = text("BHS|^~\\&|HIS", *[request(control_id=f"B{n}").strip() for n in range(3)], "BTS|3")
    (reply,) = Inbound(application, PeerProfile()).handle(Frame(batch.encode()), "x")
    lines = reply.decode().split("\r")
    assert lines[0].startswith("BHS|")
    assert [line for line in lines if line.startswith("MSA")] == [f"MSA|AA|B{n}" for n in range(3)]


def test_broken_frames_are_journaled(intake, application):
    assert intake(request()[:60], FrameProblem.TRUNCATED) == []
    (reply,) = intake(request(), FrameProblem.TOO_LARGE)
    assert reply.first("MSA").text(1) == "AR"
    with application.app_context():
        assert [row.state for row in journal()] == ["refused", "refused"]


def test_nothing_is_acknowledged_that_could_not_be_stored(intake, application, monkeypatch):
    def locked(_change):
        raise OperationalError("insert", {}, Exception("database is locked"))

    monkeypatch.setattr(inbound, "carry_out", locked)
    for _ in range(7):
        assert code_of(intake(request())) == "AE"
    monkeypatch.undo()
    assert code_of(intake(request())) == "AA"
    with application.app_context():
        assert db.session.scalar(select(func.count(SurgicalCase.id))) == 1


def test_message_that_fails_again_and_again_stops_blocking_the_sender(intake, application, monkeypatch):
    def broken(_change):
        db.session.add(OperatingRoom(code="HALF", name="半途"))
        db.session.flush()
        raise RuntimeError("a bug")

    monkeypatch.setattr(inbound, "carry_out", broken)
    assert [code_of(intake(request())) for _ in range(5)] == ["AE", "AE", "AE", "AE", "AR"]
    with application.app_context():
        (row,) = journal()
        assert row.state == "failed"
        assert "人工" in row.error
        assert db.session.scalar(select(func.count()).where(OperatingRoom.code == "HALF")) == 0


def test_not_even_the_journal(intake, application, monkeypatch):
    with application.app_context():
        InboundMessage.__table__.drop(db.engine)
    assert code_of(intake(request())) == "AE"


# --- delivery ---------------------------------------------------------------------------------------------------


class His:
    """A simulated HIS to deliver to, and a deliverer."""

    def __init__(self, application, **faults):
        told = {Fault(name.replace("_", "-")): every for name, every in faults.items()}
        options = Options(listen=("127.0.0.1", 0), faults=told, quiet=True, late_seconds=0.5)
        self.simulator = HisSimulator(options).start()
        client = MllpClient("127.0.0.1", self.simulator.server.port, reply_timeout=0.3)
        self.deliverer = Deliverer(application, client, Route())

    @property
    def got(self):
        return self.simulator.received


@pytest.fixture
def his(application):
    made = []

    def start(**faults):
        made.append(His(application, **faults))
        return made[-1]

    yield start
    for peer in made:
        peer.simulator.stop()
        peer.deliverer._client.close()


@pytest.fixture
def plan(intake, application):
    """A case that is requested by the HIS, placed and published."""

    def place():
        intake(request())
        with application.app_context(), unit_of_work.writing():
            case = db.session.scalars(select(SurgicalCase)).one()
            room = db.session.scalars(select(OperatingRoom)).first()
            scheduling.place_case(SCHEDULER, case, room, clock.at(DAY, 8, 30))
            scheduling.publish_day(SCHEDULER, DAY)

    return place


def outbox():
    return db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()


def put(application, kind, payload, lane="case:1"):
    with application.app_context(), unit_of_work.writing():
        return enqueue("his", kind, lane, payload).id


STATUS = {
    "request_no": "REQ1",
    "schedule_no": "S1",
    "patient": {"patient_no": "7", "name": "黄小梅"},
    "milestones": [{"kind": "in_room", "at": "2026-11-23T00:30:00+00:00"}],
    "occurred_at": "2026-11-23T00:30:00+00:00",
}


def test_publication_status_and_cancellation_reach_the_his(plan, application, his):
    peer = his()
    plan()
    peer.deliverer.deliver_due()
    (row,) = peer.got
    assert (row["type"], row["request_no"], row["room"]) == ("SIU^S12", "REQ1", "1号手术间")
    assert row["starts_at"] == "20261123083000"
    assert row["patient_name"] == "黄小梅"
    with application.app_context(), unit_of_work.writing():
        case = db.session.scalars(select(SurgicalCase)).one()
        scheduling.mark_event(SCHEDULER, case, EventKind.IN_ROOM, clock.now() - timedelta(minutes=9))
    peer.deliverer.deliver_due()
    assert peer.got[1]["type"] == "ORM^O01"
    assert list(peer.got[1]["times"]) == ["OR_IN"]
    with application.app_context(), unit_of_work.writing():
        case = db.session.scalars(select(SurgicalCase)).one()
        scheduling.cancel_case(SCHEDULER, case, "患者发热", "C01")
    peer.deliverer.deliver_due()
    assert [(row["type"], row["state"], row["control"]) for row in peer.got[2:]] == [
        ("ORM^O01", "CA", "OC"),
        ("SIU^S15", "CANCELLED", ""),
    ]
    assert peer.got[2]["reason"] == "患者发热"
    with application.app_context():
        assert {row.state for row in outbox()} == {"sent"}
        assert db.session.scalars(select(Endpoint)).one().state == "up"


def test_case_that_was_never_published_is_cancelled_without_a_calendar_message(intake, application, his):
    peer = his()
    intake(request())
    with application.app_context(), unit_of_work.writing():
        scheduling.cancel_case(SCHEDULER, db.session.scalars(select(SurgicalCase)).one(), "患者拒绝手术")
    peer.deliverer.deliver_due()
    assert [row["type"] for row in peer.got] == ["ORM^O01"]


def test_lost_acknowledgement_means_the_same_number_again(application, his, monkeypatch):
    monkeypatch.setattr(delivery, "backoff", lambda _attempt: 0.0)
    peer = his(no_ack=2)  # every second message is swallowed
    put(application, "status", STATUS)
    put(application, "status", STATUS, lane="case:2")
    for _ in range(6):
        peer.deliverer.deliver_due()
    numbers = [row["control_id"] for row in peer.got]
    assert len(numbers) == 3
    assert len(set(numbers)) == 2
    with application.app_context():
        assert {row.state for row in outbox()} == {"sent"}


def test_refusal_is_set_aside_and_stops_nobody(application, his):
    peer = his(ar=1)
    put(application, "status", STATUS)
    put(application, "nonsense", STATUS, lane="case:2")
    put(application, "status", {"request_no": "x"}, lane="case:3")
    assert peer.deliverer.deliver_due() == 1
    with application.app_context():
        refused, unknown, broken = outbox()
        assert (refused.state, refused.ack_code) == ("dead", "AR")
        assert "模拟器按设置拒绝" in refused.error
        assert unknown.state == broken.state == "dead"
        assert "不完整" in broken.error


def test_try_again_is_tried_again_later_and_not_for_ever(application, his, monkeypatch):
    peer = his(ae=1)
    number = put(application, "status", STATUS)
    peer.deliverer.deliver_due()
    peer.deliverer.deliver_due()
    assert len(peer.got) == 1  # not before its time
    with application.app_context():
        row = db.session.get(OutboxMessage, number)
        assert row.state == "due"
        assert timedelta(seconds=1) < row.next_attempt_at - clock.now() < timedelta(seconds=3)
    monkeypatch.setattr(delivery, "backoff", lambda _attempt: 0.0)
    with application.app_context(), unit_of_work.writing():
        db.session.get(OutboxMessage, number).next_attempt_at = clock.now()
    for _ in range(30):
        peer.deliverer.deliver_due()
    assert len(peer.got) == delivery.MOST_TRY_AGAIN
    with application.app_context():
        assert db.session.get(OutboxMessage, number).state == "dead"


def test_peer_that_is_away_costs_no_attempts_and_is_reported_once(application, his, monkeypatch):
    monkeypatch.setattr(delivery, "backoff", lambda _attempt: 0.0)
    peer = his()
    port = peer.simulator.server.port
    peer.simulator.stop()
    for lane in range(3):
        put(application, "status", STATUS, lane=f"case:{lane}")
    for _ in range(40):
        assert peer.deliverer.deliver_due() == 0
    with application.app_context():
        assert {(row.state, row.attempts) for row in outbox()} == {("due", 0)}
        endpoint = db.session.scalars(select(Endpoint)).one()
        assert endpoint.state == "down"
        assert str(port) in endpoint.detail
    back = HisSimulator(Options(listen=("127.0.0.1", port), quiet=True)).start()
    try:
        while peer.deliverer.deliver_due():
            pass
        assert len(back.received) == 3
    finally:
        back.stop()
    with application.app_context():
        assert db.session.scalars(select(Endpoint)).one().state == "up"


def test_order_is_kept_within_a_case_and_one_case_does_not_hold_another(application, his, monkeypatch):
    monkeypatch.setattr(delivery, "backoff", lambda _attempt: 60.0)
    peer = his(ae=3)  # the third message received is put off
    content = STATUS | {
        "starts_at": "2026-11-23T00:30:00+00:00",
        "duration_minutes": 60,
        "room": {"code": "OR1", "name": "1号手术间"},
        "reason": "x",
        "operator": {"code": "", "name": "赵倩"},
    }
    for kind, lane in [
        ("schedule_new", "a"),
        ("schedule_new", "b"),
        ("schedule_new", "c"),
        ("status", "c"),
        ("status", "a"),
    ]:
        put(application, kind, content, lane=f"case:{lane}")
    for _ in range(5):
        peer.deliverer.deliver_due()
    with application.app_context():
        states = {(row.lane, row.kind): row.state for row in outbox()}
    assert states[("case:c", "schedule_new")] == "due"
    assert states[("case:c", "status")] == "due"
    assert states[("case:a", "status")] == "sent"


def test_waiting_changes_are_replaced_by_the_newest(application, his):
    peer = his()
    content = STATUS | {
        "starts_at": "2026-11-23T00:30:00+00:00",
        "duration_minutes": 60,
        "room": {"code": "OR1", "name": "一"},
    }
    put(application, "schedule_new", content)
    put(application, "schedule_rescheduled", content | {"notes": "第一次"})
    put(application, "schedule_modified", content | {"notes": "第二次"})
    put(application, "status", STATUS)
    put(application, "status", STATUS)
    put(application, "schedule_modified", content, lane="case:2")
    while peer.deliverer.deliver_due():
        pass
    with application.app_context():
        assert [row.state for row in outbox()] == ["sent", "superseded", "sent", "superseded", "sent", "sent"]
    mine = [(row["type"], row["notes"]) for row in peer.got]
    assert ("SIU^S13", ["第二次"]) in mine  # the time had changed in the replaced one
    assert len(mine) == 4


def test_old_message_sent_again_by_hand_does_not_undo_a_newer_one(application, his):
    peer = his()
    old = put(application, "status", STATUS)
    put(application, "status", STATUS)
    with application.app_context(), unit_of_work.writing():
        db.session.get(OutboxMessage, old).state = "dead"
    peer.deliverer.deliver_due()
    with application.app_context(), unit_of_work.writing():
        db.session.get(OutboxMessage, old).state = "due"
    peer.deliverer.deliver_due()
    assert len(peer.got) == 1
    with application.app_context():
        assert db.session.get(OutboxMessage, old).state == "superseded"


def test_backoff_grows_to_five_minutes():
    waits = [backoff(attempt) for attempt in range(1, 30)]
    assert 1.6 <= waits[0] <= 2.4
    assert max(waits) <= 360
    assert min(waits[10:]) >= 240


# --- the whole engine -------------------------------------------------------------------------------------------


def options(his_port: int) -> EngineOptions:
    return EngineOptions(("127.0.0.1", 0), ("127.0.0.1", his_port), PeerProfile(), Route(charset="gb18030"))


def wait_for(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def test_his_and_engine_talk_over_real_sockets(application):
    his = HisSimulator(Options(listen=("127.0.0.1", 0), quiet=True)).start()
    with Engine(application, options(his.server.port)) as engine:
        sender = HisSimulator(
            Options(send_to=("127.0.0.1", engine.server.port), once=6, quiet=True, charset="gb18030", retry_seconds=0.1)
        )
        assert sender.run() == 0
        sender.stop()
        with application.app_context(), unit_of_work.writing():
            cases = db.session.scalars(select(SurgicalCase).where(SurgicalCase.cancelled_at.is_(None))).all()
            assert len(cases) >= 5
            room = db.session.scalars(select(OperatingRoom)).first()
            scheduling.place_case(SCHEDULER, cases[0], room, clock.at(DAY, 8, 30))
            scheduling.publish_day(SCHEDULER, DAY)
            name = cases[0].patient.name
        wait_for(lambda: his.received)
    his.stop()
    assert his.received[0]["patient_name"] == name
    assert his.received[0]["charset"] == "gb18030"
    with application.app_context():
        assert db.session.scalars(select(Endpoint)).one().options["charset"] == "gb18030"
        assert all(row.ack_code == "AA" for row in journal())


def test_port_in_use_is_told_in_a_sentence(application):
    with Engine(application, options(1)) as engine:
        taken = EngineOptions(("127.0.0.1", engine.server.port), ("127.0.0.1", 1), PeerProfile(), Route())
        with pytest.raises(MessageError, match=str(engine.server.port)):
            Engine(application, taken)
