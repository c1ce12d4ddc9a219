"""The engine on a real database: what is acknowledged is stored and done, once."""

import threading
import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app.core import clock, unit_of_work
from app.core.db import db
from app.interfaces.models import Endpoint, InboundMessage
from app.patients.models import Encounter, Patient
from app.scheduling import service as scheduling
from app.scheduling.models import OperatingRoom, SurgeryRequest, SurgicalCase
from integrations import inbound
from integrations.engine import Engine, EngineOptions
from integrations.hl7.codes import PeerProfile
from integrations.hl7.errors import MessageError
from integrations.hl7.outbound import Route
from integrations.inbound import Inbound
from integrations.mllp import Frame, FrameProblem
from integrations.simulators.his import HisSimulator, Options
from tests.integrations.journal import DAY, SCHEDULER, code_of, journal
from tests.integrations.messages import PID, PV1, header, order, request, text


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
    (reply,) = intake(text(header(kind="MDM^T02"), PID))
    assert reply.first("MSA").text(1) == "AR"
    intake(b"\xff\xfe rubbish")
    with application.app_context():
        unsupported, rubbish = journal()
        assert (unsupported.state, unsupported.ack_code) == ("refused", "AR")
        assert "不支持的消息类型 MDM^T02" in unsupported.error
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
