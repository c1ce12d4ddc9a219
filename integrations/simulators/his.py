"""A hospital information system: tells of patients, asks for operations, takes schedules and status back."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

from app.core import clock
from integrations.canonical import SurgeryRequestChange
from integrations.hl7 import build
from integrations.hl7.charset import CharsetDecision, decode, encode
from integrations.hl7.errors import MessageError
from integrations.hl7.message import Header, Message, parse_message
from integrations.mllp import Frame, MllpServer, frame
from integrations.mllp_client import Acknowledgement, MllpClient, MllpError
from integrations.simulators.his_messages import patient_message, request_message
from integrations.simulators.hospital import Hospital
from integrations.simulators.lab_messages import report_message, reports_for

log = logging.getLogger(__name__)
Address = tuple[str, int]


class Fault(StrEnum):
    """What may go wrong on purpose. The first five happen when we receive, the others when we send."""

    NO_ACK = "no-ack"
    LATE_ACK = "late-ack"
    AE = "ae"
    AR = "ar"
    WRONG_ID = "wrong-id"
    LF = "lf"
    BOM = "bom"
    DUPLICATE = "duplicate"
    CUT = "cut"
    OTHER_CHARSET = "other-charset"


@dataclass(frozen=True)
class Options:
    """How the simulator behaves. `faults` maps a fault to "every n-th message"."""

    send_to: Address | None = None
    listen: Address | None = None
    seed: int = 1
    per_minute: float = 2.0
    first_batch: int = 12
    once: int | None = None
    charset: str = "utf-8"
    received: Path | None = None
    faults: dict[Fault, int] = field(default_factory=dict)
    late_seconds: float = 20.0
    retries: int = 5
    retry_seconds: float = 2.0
    quiet: bool = False


class HisSimulator:
    """Runs in the calling thread (`run`); the listener has its own."""

    def __init__(self, options: Options, say: Callable[[str], None] = print) -> None:
        self.options = options
        self.sent: list[tuple[str, str, str]] = []  # (control id, what, code of the acknowledgement)
        self.received: list[dict[str, Any]] = []
        self.stopping = threading.Event()
        self._say = (lambda _text: None) if options.quiet else say
        self._numbers: dict[str, int] = self._remembered()
        self._hospital = Hospital(options.seed, clock.today(), self._numbers.get("R", 0))
        self._known: list[SurgeryRequestChange] = []
        self._lock = threading.Lock()
        self._file: TextIO | None = None
        self._client = MllpClient(*options.send_to) if options.send_to else None
        self.server = MllpServer(*options.listen, self._receive) if options.listen else None

    def start(self) -> "HisSimulator":
        """Open the listener and the file of received messages."""
        if self.options.received is not None:
            self.options.received.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.options.received.open("a", encoding="utf-8")
        if self.server is not None:
            self.server.start()
            self._say(f"HIS 模拟器：接收端口 {self.server.port}")
        return self

    def stop(self) -> None:
        """End `run` and close everything."""
        self.stopping.set()
        if self.server is not None:
            self.server.stop()
        if self._client is not None:
            self._client.close()
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def run(self) -> int:
        """Send until stopped or, with `once`, until that many requests are told. Gives how many were not taken."""
        if self._client is None:
            self.stopping.wait()
            return 0
        if self.options.once is not None:
            for _ in range(self.options.once):
                self.tell_new_request()
            self.tell_changes()
        else:
            self._run_on()
        return sum(code != "AA" for _, _, code in self.sent)

    def _run_on(self) -> None:
        pause = 60.0 / max(self.options.per_minute, 0.01)
        for _ in range(self._numbers.get("R", 0), self.options.first_batch):
            if self.stopping.is_set():
                return
            self.tell_new_request()
        while not self.stopping.wait(pause):
            if self._known and self._hospital.chance(0.3):
                self.tell_change(self._hospital.pick(self._known))
            else:
                self.tell_new_request()

    def tell_new_request(self) -> SurgeryRequestChange:
        """A new patient and the request for the operation."""
        request = self._hospital.next_request()
        charset = self.options.charset
        self._send("患者", request, patient_message(request, self._control_id("A"), charset))
        self._send("申请", request, request_message(request, self._control_id("R"), charset))
        self._known.append(request)
        self.tell_results(request)
        return request

    def tell_results(self, request: SurgeryRequestChange) -> None:
        """What the laboratory found before the operation, and what it corrected afterwards."""
        for what, reports in zip(("检验", "检验更正"), reports_for(request), strict=True):
            if reports:
                text = report_message(request, reports, self._control_id("L"), self.options.charset)
                self._send(what, request, text)

    @property
    def _memory(self) -> Path | None:
        """Beside the file of received messages: how far we were, so that a restart tells nothing again."""
        file = self.options.received
        return file.with_suffix(".state") if file is not None and self.options.once is None else None

    def _remembered(self) -> dict[str, int]:
        if self._memory is None or not self._memory.exists():
            return {}
        try:
            told: dict[str, Any] = json.loads(self._memory.read_text(encoding="utf-8"))
            is_same = (told["day"], told["seed"]) == (str(clock.today()), self.options.seed)
            return {kind: int(number) for kind, number in told["numbers"].items()} if is_same else {}
        except (ValueError, KeyError, TypeError, AttributeError):
            return {}

    def _remember(self) -> None:
        if self._memory is not None:
            told = {"day": str(clock.today()), "seed": self.options.seed, "numbers": self._numbers}
            self._memory.write_text(json.dumps(told), encoding="utf-8")

    def tell_changes(self) -> None:
        """Amend every fifth request and cancel every eighth."""
        for number, request in enumerate(list(self._known), 1):
            if number % 8 == 0:
                self.tell_cancellation(request)
            elif number % 5 == 0:
                self.tell_change(request)

    def tell_change(self, request: SurgeryRequestChange) -> SurgeryRequestChange:
        """Amend a request; one in five is cancelled instead."""
        if self._hospital.chance(0.2):
            return self.tell_cancellation(request)
        changed = self._hospital.amended(request)
        self._known[self._known.index(request)] = changed
        self._send("修改", changed, request_message(changed, self._control_id("X"), self.options.charset))
        return changed

    def tell_cancellation(self, request: SurgeryRequestChange) -> SurgeryRequestChange:
        """Cancel a request."""
        cancelled = self._hospital.cancelled(request)
        self._known.remove(request)
        self._send("取消", cancelled, request_message(cancelled, self._control_id("C"), self.options.charset))
        return cancelled

    def _control_id(self, kind: str) -> str:
        """The same message of the same seed and day has the same number, also after a restart."""
        self._numbers[kind] = self._numbers.get(kind, 0) + 1
        self._remember()
        return f"{kind}{clock.today():%y%m%d}{self.options.seed % 100:02d}{self._numbers[kind]:05d}"

    def _send(self, what: str, request: SurgeryRequestChange, text: str) -> None:
        control_id = parse_message(text).header.control_id
        code = self._deliver(self._wire_form(text), control_id)
        if self._due(Fault.DUPLICATE):
            self._deliver(self._wire_form(text), control_id)
        self.sent.append((control_id, what, code))
        self._say(f"→ {what} {request.describe()}  应答 {code or '无'}")

    def _wire_form(self, text: str) -> bytes:
        charset = self.options.charset
        if self._due(Fault.OTHER_CHARSET):  # MSH-18 says one thing, the bytes another
            charset = "gb18030" if charset == "utf-8" else "utf-8"
        if self._due(Fault.LF):
            text = text.replace("\r", "\n")
        raw = encode(text, charset)
        return b"\xef\xbb\xbf" + raw if self._due(Fault.BOM) and charset == "utf-8" else raw

    def _deliver(self, raw: bytes, control_id: str) -> str:
        if self._due(Fault.CUT):
            self._cut(raw)
        for attempt in range(self.options.retries):
            try:
                answer: Acknowledgement = self._require_client().send(raw, control_id)
            except MllpError as error:
                self._say(f"  未送达：{error}")
                if self.stopping.wait(self.options.retry_seconds * (attempt + 1)):
                    return ""
                continue
            if answer.code == "AE" and attempt + 1 < self.options.retries:
                self.stopping.wait(self.options.retry_seconds * (attempt + 1))
                continue
            if not answer.is_accepted:
                self._say("  对方未接受：" + decode(answer.raw)[0].replace("\r", " ").strip())
            return answer.code
        return ""

    def _require_client(self) -> MllpClient:
        if self._client is None:
            raise MllpError("没有设置发送地址（--send-to）。")
        return self._client

    def _cut(self, raw: bytes) -> None:
        """Break a message off in the middle, as a failing network does."""
        if self.options.send_to is not None:
            with socket.create_connection(self.options.send_to, timeout=3) as connection:
                connection.sendall(frame(raw)[: len(raw) // 2])

    def _due(self, fault: Fault) -> bool:
        every = self.options.faults.get(fault)
        if not every:
            return False
        with self._lock:
            key = f"fault-{fault}"
            self._numbers[key] = self._numbers.get(key, 0) + 1
            return self._numbers[key] % every == 0

    def _receive(self, item: Frame, peer: str) -> Iterable[bytes]:
        text, decision = decode(item.body)
        try:
            message = parse_message(text)
        except MessageError as error:
            self._note({"error": error.message, "peer": peer})
            return [_answer(Header(), decision, "AR", error.message)]
        header = message.header
        code = "AE" if self._due(Fault.AE) else "AR" if self._due(Fault.AR) else "AA"
        self._note(summary_of(message) | {"charset": decision.codec, "answer": code})
        self._say(f"← {header.kind} {header.control_id}  {code}")
        if self._due(Fault.NO_ACK):
            return []
        if self._due(Fault.LATE_ACK):
            time.sleep(self.options.late_seconds)
        if self._due(Fault.WRONG_ID):
            header = Header(control_id="WRONG", version=header.version)
        return [_answer(header, decision, code, "" if code == "AA" else "模拟器按设置拒绝")]

    def _note(self, row: dict[str, Any]) -> None:
        row = {"at": clock.now().isoformat()} | row
        with self._lock:
            self.received.append(row)
            if self._file is not None:
                self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
                self._file.flush()


def _answer(header: Header, decision: CharsetDecision, code: str, text: str) -> bytes:
    segments = [
        f"MSH|^~\\&|HIS|HOSPITAL|MAFEI|HOSPITAL|{clock.to_hospital(clock.now()):%Y%m%d%H%M%S}||ACK|"
        f"{build.new_control_id()}|P|{header.version}",
        build.segment("MSA", {1: code, 2: header.control_id, 3: text}),
    ]
    return encode(build.join(segments), decision.codec)


def summary_of(message: Message) -> dict[str, Any]:
    """What a HIS would put into its tables from a schedule or status message."""
    read = {segment.name: segment for segment in reversed(message.segments)}
    sch, orc, pid, ail = (read.get(name) for name in ("SCH", "ORC", "PID", "AIL"))
    return {
        "type": message.header.kind,
        "control_id": message.header.control_id,
        "request_no": (sch.text(1) if sch else "") or (orc.text(2) if orc else ""),
        "schedule_no": (sch.text(2) if sch else "") or (orc.text(3) if orc else ""),
        "patient_no": pid.text(3) if pid else "",
        "patient_name": (pid.text(5, 1) + pid.text(5, 2)) if pid else "",
        "starts_at": sch.text(11, 4) if sch else "",
        "room": ail.text(3, 2) or ail.text(3) if ail else "",
        "state": (sch.text(25) if sch else "") or (orc.text(5) if orc else ""),
        "control": orc.text(1) if orc else "",
        "reason": sch.text(6, 2) if sch else (orc.text(16, 2) if orc else ""),
        "team": [f"{part.text(4, 2) or part.text(4)} {part.text(3, 2)}" for part in message.all("AIP")],
        "times": {part.text(3): part.text(5) for part in message.all("OBX") if part.text(2) == "TS"},
        "notes": [part.free_text(3) for part in message.all("NTE")],
    }
