"""Deliver the outbox: in order within a lane (a case), with patience, and never twice as different messages.

A row is claimed by moving its next attempt into the future and committing, then sent, then marked. After a crash in
between it is sent again under the same MSH-10, so that the peer can tell. A refused message (AR) is set aside and
stops nobody; a peer that cannot be reached is tried for ever, one probe at a time, and is reported once when it goes
down and once when it is back.
"""

import logging
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from app.core import clock, unit_of_work
from app.core.db import db
from app.interfaces.models import Endpoint, OutboxMessage
from integrations.hl7.charset import decode
from integrations.hl7.errors import MessageError
from integrations.hl7.message import parse_message
from integrations.hl7.outbound import Route
from integrations.mllp_client import Acknowledgement, MllpClient, MllpError, PeerDown
from integrations.notices import CANCELLED, SCHEDULE_EVENTS, STATUS, Wire, wire_messages

log = logging.getLogger("mafei.interfaces")
FIRST_RETRY, LONGEST_RETRY = 2.0, 300.0
#: Refused "for now" (AE) this often, a message is set aside for a person to look at.
MOST_TRY_AGAIN = 12
_LEASE = timedelta(seconds=90)
_BATCH = 20
_UPDATES = frozenset(SCHEDULE_EVENTS) - {"schedule_new"}


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that is ours for the length of the lease."""

    id: int
    kind: str
    control_id: str
    attempts: int
    wires: tuple[Wire, ...]


def backoff(attempt: int) -> float:
    """Seconds to wait after the n-th failure: 2 s doubling to 5 min, ±20 % so that peers are not hit in step."""
    plain = min(LONGEST_RETRY, FIRST_RETRY * float(2 ** min(attempt - 1, 10)))
    return plain * random.uniform(0.8, 1.2)  # noqa: S311 - spreading, not secrecy


class Deliverer:
    """Sends the rows of one endpoint. `run` in a thread, or `deliver_due` by hand."""

    def __init__(
        self,
        application: Flask,
        client: MllpClient,
        route: Route,
        *,
        endpoint: str = "his",
        pacing_seconds: float = 0.0,
        idle_seconds: float = 0.5,
    ) -> None:
        self._application = application
        self._client = client
        self._route = route
        self._endpoint = endpoint
        self._pacing = pacing_seconds
        self._idle = idle_seconds
        self._failures = 0
        self._quiet_until = 0.0

    def run(self, stopping: threading.Event) -> None:
        """Deliver until stopped. No error ends the loop."""
        while not stopping.is_set():
            try:
                sent = self.deliver_due()
            except Exception:
                log.exception("delivery failed", extra={"endpoint": self._endpoint})
                sent = 0
            if not sent:
                stopping.wait(self._idle)
        self._client.close()

    def deliver_due(self) -> int:
        """Send what is due now; how many rows were taken by the peer or set aside."""
        if time.monotonic() < self._quiet_until:
            return 0
        with self._application.app_context():
            try:
                return self._deliver(self._claim(1 if self._failures else _BATCH))
            finally:
                db.session.remove()

    def _deliver(self, claimed: Sequence[Claimed]) -> int:
        done = 0
        for number, item in enumerate(claimed):
            try:
                answer = self._send(item)
            except PeerDown as error:
                self._release(claimed[number:], str(error))
                return done
            except MllpError as error:
                self._mark_failed(item, str(error))
                self._release(claimed[number + 1 :], "")
                return done
            self._mark_answered(item, answer)
            done += 1
            if self._pacing:
                time.sleep(self._pacing)
        return done

    def _send(self, item: Claimed) -> Acknowledgement:
        """All messages of a row; the first that is not accepted decides."""
        for wire in item.wires:
            answer = self._client.send(wire.raw, wire.control_id)
            if not answer.is_accepted:
                break
        return answer

    def _is_anything_due(self) -> bool:
        """A look without the write lock; an idle engine must not get in the way of writers."""
        statement = select(OutboxMessage.id).where(
            OutboxMessage.endpoint == self._endpoint,
            OutboxMessage.state == "due",
            OutboxMessage.next_attempt_at <= clock.now(),
        )
        return db.session.scalar(statement.limit(1)) is not None

    def _claim(self, most: int) -> list[Claimed]:
        if not self._is_anything_due():
            return []
        with unit_of_work.writing():
            self._supersede()
            rows = self._heads(most)
            claimed = []
            for row in rows:
                try:
                    told = row.kind != CANCELLED or self._was_told(row)
                    wires = wire_messages(row.kind, row.payload, row.control_id, self._route, was_told=told)
                except MessageError as error:
                    row.state, row.error = "dead", error.message
                    log.error("outbox row is unusable", extra={"outbox": row.id, "endpoint": self._endpoint})
                    continue
                row.attempts += 1
                row.next_attempt_at = clock.now() + _LEASE
                row.raw = b"".join(wire.raw for wire in wires)
                claimed.append(Claimed(row.id, row.kind, row.control_id, row.attempts, tuple(wires)))
            return claimed

    def _heads(self, most: int) -> list[OutboxMessage]:
        """The first waiting row of each lane, when its time has come."""
        first = (
            select(func.min(OutboxMessage.id))
            .where(OutboxMessage.endpoint == self._endpoint, OutboxMessage.state == "due")
            .group_by(OutboxMessage.lane)
        )
        statement = (
            select(OutboxMessage)
            .where(OutboxMessage.id.in_(first), OutboxMessage.next_attempt_at <= clock.now())
            .order_by(OutboxMessage.id)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        return list(db.session.scalars(statement))

    def _supersede(self) -> None:
        """Take out waiting rows that a later one of the same lane replaces: each tells everything anew.

        A row that was sent counts as well, so that an old message sent again by hand cannot undo a newer one.
        """
        later = aliased(OutboxMessage)
        statement = (
            select(OutboxMessage, later)
            .join(later, (later.lane == OutboxMessage.lane) & (later.id > OutboxMessage.id))
            .where(
                OutboxMessage.endpoint == self._endpoint,
                later.endpoint == self._endpoint,
                OutboxMessage.state == "due",
                OutboxMessage.kind.in_([*_UPDATES, STATUS]),
                later.state.in_(["due", "sent"]),
            )
            .order_by(OutboxMessage.id, later.id)
        )
        for old, new in db.session.execute(statement):
            if old.state == "due" and _replaces(new.kind, old.kind):
                old.state = "superseded"
                if new.state == "due" and old.kind == "schedule_rescheduled" and new.kind in _UPDATES:
                    new.kind = old.kind  # the time changed as well: S13 says so, S14 does not

    def _was_told(self, row: OutboxMessage) -> bool:
        """Whether an appointment of this case went out before."""
        statement = select(func.count(OutboxMessage.id)).where(
            OutboxMessage.endpoint == self._endpoint,
            OutboxMessage.lane == row.lane,
            OutboxMessage.kind == "schedule_new",
            OutboxMessage.state == "sent",
            OutboxMessage.id < row.id,
        )
        return bool(db.session.scalar(statement))

    def _mark_answered(self, item: Claimed, answer: Acknowledgement) -> None:
        self._failures, self._quiet_until = 0, 0.0
        with unit_of_work.writing():
            row = db.session.get_one(OutboxMessage, item.id)
            row.ack_code = answer.code[:2]
            if answer.is_accepted:
                row.state, row.sent_at, row.error = "sent", clock.now(), ""
            else:
                row.error = reason_of(answer)
                exhausted = row.attempts >= MOST_TRY_AGAIN
                if answer.is_final_refusal or exhausted:
                    row.state = "dead"
                else:
                    row.next_attempt_at = clock.now() + timedelta(seconds=backoff(row.attempts))
            _set_state(self._endpoint, "up", "")
        log.info("message sent", extra={"endpoint": self._endpoint, "outbox": item.id, "ack": answer.code})

    def _mark_failed(self, item: Claimed, reason: str) -> None:
        """Sent without a usable answer: the same message again later, under the same number, for ever."""
        self._failures += 1
        wait = backoff(item.attempts)
        self._quiet_until = time.monotonic() + backoff(self._failures)
        with unit_of_work.writing():
            row = db.session.get_one(OutboxMessage, item.id)
            row.error, row.next_attempt_at = reason, clock.now() + timedelta(seconds=wait)
            _set_state(self._endpoint, "down", reason)

    def _release(self, claimed: Sequence[Claimed], reason: str) -> None:
        """Give rows back that were not sent. `reason` is set when the peer is away."""
        if reason:
            self._failures += 1
            self._quiet_until = time.monotonic() + backoff(self._failures)
        if not claimed and not reason:
            return
        with unit_of_work.writing():
            for item in claimed:
                row = db.session.get_one(OutboxMessage, item.id)
                row.attempts -= 1
                row.next_attempt_at = clock.now()
                row.error = reason or row.error
            if reason:
                _set_state(self._endpoint, "down", reason)


def _replaces(new: str, old: str) -> bool:
    if old == STATUS:
        return new == STATUS
    return new in _UPDATES or new == CANCELLED


def reason_of(answer: Acknowledgement) -> str:
    """The peer's words of a refusal, for the interface log."""
    try:
        msa = parse_message(decode(answer.raw)[0]).first("MSA")
    except MessageError:
        msa = None
    said = msa.text(3) if msa else ""
    return f"对方回复 {answer.code}{'：' + said if said else ''}"


def _set_state(name: str, state: str, detail: str) -> None:
    """Note and log a change of the peer's state once, when it changes."""
    row = db.session.scalar(select(Endpoint).where(Endpoint.name == name))
    if row is None:
        row = Endpoint(name=name, label=name.upper(), options={}, state="unknown")
        db.session.add(row)
    if row.state != state:
        level = logging.WARNING if state == "down" else logging.INFO
        log.log(level, "endpoint %s", state, extra={"endpoint": name})
        row.state, row.state_since = state, clock.now()
    row.detail = detail
