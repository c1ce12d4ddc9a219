"""From a frame to its acknowledgement: de-duplicate, journal and domain command in one transaction, then answer.

AA is given only after the commit. AE means "not stored now, send again", AR "not in this form". A message whose
processing fails again and again gets AR in the end, so that it does not block the sender's queue for ever.
"""

import hashlib
import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError

from app.core import clock, unit_of_work
from app.core.db import db
from app.core.errors import DomainError
from app.interfaces.models import InboundMessage
from integrations.canonical import Change, SurgeryRequestChange
from integrations.hl7 import build
from integrations.hl7.ack import AckCode, acknowledge, verdict
from integrations.hl7.charset import encode
from integrations.hl7.codes import PeerProfile
from integrations.hl7.errors import MessageError
from integrations.hl7.preview import broken_frame
from integrations.hl7.reader import Interpretation, Outcome, interpret
from integrations.intake import PatientUnknown, carry_out
from integrations.mllp import Frame, FrameProblem
from integrations.waiting import file_waiting

log = logging.getLogger("mafei.interfaces")
_GIVE_UP_AFTER = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a message gets back and what is kept about it."""

    code: AckCode
    state: str  # done, refused, failed
    text: str = ""
    errors: list[MessageError] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)


class Inbound:
    """Handles frames of one endpoint; may be called from many threads."""

    def __init__(self, application: Flask, profile: PeerProfile, endpoint: str = "his") -> None:
        self._application = application
        self._profile = profile
        self._endpoint = endpoint
        # SQLite has one writer anyway; a fair queue here is better than its random back-off.
        self._turn = threading.Lock()

    def handle(self, frame: Frame, peer: str) -> Iterable[bytes]:
        """The replies to a frame. A batch is answered by one batch."""
        if frame.problem is not None:
            item = broken_frame(frame, self._profile)
            reply = self._process(item, frame.body, peer)
            # Nobody waits for the answer to a message that broke off; it would be taken for that of the next one.
            return [reply] if frame.problem is FrameProblem.TOO_LARGE else []
        items = interpret(frame.body, self._profile)
        is_single = len(items) == 1
        replies = [
            self._process(item, frame.body if is_single else encode(item.source, item.charset.codec), peer)
            for item in items
        ]
        is_batch = frame.body.lstrip(b"\xef\xbb\xbf\r\n ")[:3] in (b"BHS", b"FHS")
        return [_as_batch(replies)] if is_batch else replies

    def _process(self, item: Interpretation, raw: bytes, peer: str) -> bytes:
        digest = hashlib.sha256(raw).hexdigest()
        control_id = item.header.control_id[:64] or digest
        with self._application.app_context(), self._turn:
            try:
                return self._store(item, raw, control_id, digest)
            except IntegrityError:
                # another process of ours stored the same message between our look and our insert
                return self._try_again(item, raw, control_id, digest)
            except Exception as error:
                return self._failed(item, raw, control_id, digest, error)
            finally:
                db.session.remove()

    def _try_again(self, item: Interpretation, raw: bytes, control_id: str, digest: str) -> bytes:
        try:
            return self._store(item, raw, control_id, digest)
        except Exception as error:
            return self._failed(item, raw, control_id, digest, error)

    def _store(self, item: Interpretation, raw: bytes, control_id: str, digest: str) -> bytes:
        with unit_of_work.writing():
            row, is_reused = self._find(control_id, digest)
            if row is not None and row.ack_code == AckCode.ACCEPTED and row.ack is not None:
                row.duplicates += 1
                return row.ack
            answer = self._carry_out(item)
            reply = acknowledge(item.header, item.charset, answer.code, answer.text, answer.errors)
            row = row or self._new_row(control_id, digest, is_reused)
            self._fill(row, item, raw, answer, reply)
            db.session.add(row)
        log.info(
            "message received",
            extra={"endpoint": self._endpoint, "type": item.header.kind, "control_id": control_id, "ack": answer.code},
        )
        return reply

    def _find(self, control_id: str, digest: str) -> tuple[InboundMessage | None, bool]:
        rows = db.session.scalars(
            select(InboundMessage).where(
                InboundMessage.endpoint == self._endpoint, InboundMessage.control_id == control_id
            )
        ).all()
        same = next((row for row in rows if row.content_hash == digest), None)
        return same, bool(rows) and same is None

    def _new_row(self, control_id: str, digest: str, is_reused: bool) -> InboundMessage:
        flags = ["reused_control_id"] if is_reused else []
        return InboundMessage(
            endpoint=self._endpoint,
            control_id=control_id,
            content_hash=digest,
            received_at=clock.now(),
            flags=flags,
            duplicates=0,
        )

    def _carry_out(self, item: Interpretation) -> Answer:
        """Every change in its own savepoint: one that is refused takes nothing of the others along."""
        rows: list[dict[str, str]] = []
        outcomes: list[Outcome] = []
        for outcome in item.outcomes:
            done, said, result = self._one(outcome)
            outcomes.append(done)
            rows.append({"label": outcome.label, "result": result, "text": said})
        code, text = verdict(replace(item, outcomes=tuple(outcomes)))
        errors = [outcome.error for outcome in outcomes if outcome.error is not None]
        waits = any(row["result"] == "waiting" for row in rows)
        state = "refused" if errors else "waiting" if waits else "done"
        rows += file_waiting([outcome.change for outcome in outcomes if outcome.change is not None], self._profile)
        return Answer(code, state, text, errors, rows)

    def _one(self, outcome: Outcome) -> tuple[Outcome, str, str]:
        """The outcome as it was, what to say of it, and done, refused or waiting."""
        if outcome.change is None:
            return outcome, outcome.error.message if outcome.error else "", "refused"
        try:
            with db.session.begin_nested():
                said = carry_out(outcome.change)
        except PatientUnknown as waits:
            return outcome, waits.message, "waiting"
        except DomainError as error:
            refused = error if isinstance(error, MessageError) else MessageError(error.message, code=error.code)
            return replace(outcome, change=None, error=refused), error.message, "refused"
        return outcome, f"{outcome.change.describe()}：{said}", "done"

    def _fill(self, row: InboundMessage, item: Interpretation, raw: bytes, answer: Answer, reply: bytes) -> None:
        changes = [change for _, change in item.changes]
        row.message_type = item.header.kind[:32]
        row.charset = item.charset.codec
        row.raw = raw
        row.state, row.ack_code, row.ack, row.error = answer.state, answer.code.value, reply, answer.text
        row.outcome = answer.rows
        row.patient_no = next((_patient_no(change) for change in changes if _patient_no(change)), "")[:32]
        row.request_no = next((_request_no(change) for change in changes if _request_no(change)), "")[:64]
        new_flags = [f"note:{note}" for note in item.notes if f"note:{note}" not in row.flags]
        if answer.state == "refused" and any(entry["result"] == "done" for entry in answer.rows):
            new_flags += [flag for flag in ("partly",) if flag not in row.flags]
        row.flags = [*row.flags, *new_flags]

    def _failed(self, item: Interpretation, raw: bytes, control_id: str, digest: str, error: Exception) -> bytes:
        unit_of_work.rollback()
        log.error(
            "message could not be processed",
            exc_info=error,
            extra={"endpoint": self._endpoint, "control_id": control_id},
        )
        answer = Answer(AckCode.TRY_AGAIN, "failed", "暂时无法保存，请稍后重发。")
        try:
            with unit_of_work.writing():
                row, is_reused = self._find(control_id, digest)
                row = row or self._new_row(control_id, digest, is_reused)
                row.duplicates += 1
                if row.duplicates >= _GIVE_UP_AFTER and not isinstance(error, OperationalError):
                    answer = Answer(AckCode.REFUSED, "failed", f"连续 {row.duplicates} 次处理失败，已转人工处理。")
                reply = acknowledge(item.header, item.charset, answer.code, answer.text)
                self._fill(row, item, raw, answer, reply)
                db.session.add(row)
        except Exception:
            log.exception("journal is not writable", extra={"endpoint": self._endpoint})
            return acknowledge(item.header, item.charset, AckCode.TRY_AGAIN, answer.text)
        return reply


def _patient_no(change: Change) -> str:
    return change.patient.patient_no


def _request_no(change: Change) -> str:
    return change.request_no if isinstance(change, SurgeryRequestChange) else ""


def _as_batch(replies: list[bytes]) -> bytes:
    moment = f"{clock.to_hospital(clock.now()):%Y%m%d%H%M%S}"
    head = f"BHS|^~\\&|MAFEI||||{moment}||||{build.new_control_id()}\r".encode()
    return head + b"".join(replies) + f"BTS|{len(replies)}\r".encode()
