"""What must go out goes out: in order, once, again after a lost answer, and to a peer that was away."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core import clock, unit_of_work
from app.core.db import db
from app.interfaces.models import Endpoint, OutboxMessage
from app.interfaces.service import enqueue
from app.scheduling import service as scheduling
from app.scheduling.models import SurgicalCase
from app.scheduling.rules import EventKind
from integrations import delivery
from integrations.delivery import Deliverer, backoff
from integrations.hl7.outbound import Route
from integrations.mllp_client import MllpClient
from integrations.simulators.his import Fault, HisSimulator, Options
from tests.integrations.journal import SCHEDULER, outbox
from tests.integrations.messages import request


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
