"""Delivery to the web process over Socket.IO: one batch in flight, sent again until it is acknowledged.

Runs in its own thread, because the client library waits in threads. Live data goes first; what piled up while
the web process was away follows in large batches between the live ones. Curves have a lane of their own, after the
numerics.
"""

import json
import logging
import platform
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import socketio

from device_bridge.clocks import wall_ms
from device_bridge.errands import Errands
from device_bridge.spool import Spool
from device_bridge.spool_waves import FrozenBatch, WaveLane
from device_bridge.transports.serial_line import serial_ports
from device_bridge.wire import NAMESPACE, DeviceHealth, UnmappedCode

LIVE_EVERY_S = 0.35
WAVES_EVERY_S = 0.8
REPORT_EVERY_S = 60.0
REPORT_DAYS = timedelta(days=7)  # a bridge that was cut off for some days still tells them all
HEALTH_EVERY_S = 5.0
DEVICES_EVERY_S = 300.0
ANSWER_TIMEOUT_S = 15.0
_FIRST_BACKOFF_S = 0.3
_MAX_BACKOFF_S = 1.0  # a ward has a few bridges, and a refused connection costs next to nothing
# The web process could not do it now; the same batch will go through later.
TRANSIENT = frozenset({"busy", "unavailable", "timeout", "database", "retry", "locked", "rate_limited"})
# We are not who we should be; nothing is wrong with the batch.
UNAUTHORISED = frozenset({"auth", "unauthorized", "unauthorised", "forbidden", "token", "not_connected"})
DEAD_AFTER_TRIES = 5
# A batch that gets no answer at all, again and again over many connections, must not hold the others for ever.
DEAD_AFTER_SILENCES = 40

log = logging.getLogger("device_bridge.uplink")

Answer = dict[str, Any]


class LinkDown(Exception):
    """The connection to the web process is gone or does not answer."""


class NoAnswer(LinkDown):
    """The connection stands, but the answer did not come in time."""


class Uplink:
    """Talks to one web process until `stop`."""

    def __init__(
        self,
        url: str,
        token: str,
        bridge: str,
        spool: Spool,
        on_devices: Callable[[Answer], None] | None = None,
        health: Callable[[], list[DeviceHealth]] = list,
        unmapped: Callable[[], list[UnmappedCode]] = list,
        errands: Errands | None = None,
    ) -> None:
        self._url, self._token, self._bridge = url, token, bridge
        self._spool, self._on_devices, self._health = spool, on_devices, health
        self._unmapped, self._errands = unmapped, errands
        self._errands_given = threading.Event()
        self._stop = threading.Event()
        self._changed = threading.Event()
        self._client: Any = None
        self._numerics = _Lane("samples", spool)
        self._waves = _Lane("waves", spool.waves)
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)
        self.connected = False
        self.delivered = 0

    def start(self) -> None:
        """Begin in the background."""
        self._thread.start()

    def stop(self) -> None:
        """End; an unanswered batch stays in the spool and is sent again by the next run."""
        self._stop.set()
        self._thread.join(ANSWER_TIMEOUT_S)

    # -- connection ----------------------------------------------------------------------------------

    def _run(self) -> None:
        delay = _FIRST_BACKOFF_S
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self._connect()
                self._serve()
            except LinkDown as error:
                log.warning("uplink down", extra={"reason": str(error)})
            except Exception:
                log.exception("uplink failed")
            finally:
                self._disconnect()
            if time.monotonic() - began > 10:
                delay = _FIRST_BACKOFF_S
            self._stop.wait(delay * random.uniform(0.7, 1.3))  # noqa: S311 - jitter, not a secret
            delay = min(delay * 2, _MAX_BACKOFF_S)

    def _connect(self) -> None:
        client = socketio.Client(reconnection=False, handle_sigint=False)
        client.on("devices_changed", lambda *_: self._changed.set(), namespace=NAMESPACE)
        client.on("errands_changed", lambda *_: self._errands_given.set(), namespace=NAMESPACE)
        self._errands_given.set()
        self._client = client
        try:
            client.connect(
                self._url,
                auth={"token": self._token, "bridge": self._bridge},
                transports=["websocket"],
                namespaces=[NAMESPACE],
                wait_timeout=10,
            )
        except socketio.exceptions.ConnectionError as error:
            raise LinkDown(f"connect: {str(error)[:120]}") from error
        self.connected = True
        for lane in (self._numerics, self._waves):
            lane.mark = lane.queue.mark()
        log.info("uplink connected", extra={"backlog_mark": self._numerics.mark})

    def _disconnect(self) -> None:
        self.connected = False
        client, self._client = self._client, None
        if client is None:
            return
        # the library waits up to three seconds for the other side to say goodbye; nobody else should
        goodbye = threading.Thread(target=_say_goodbye, args=(client,), daemon=True)
        goodbye.start()
        goodbye.join(0.3)

    def _call(self, event: str, data: Any) -> Answer:
        """Send and wait for the answer, but not longer than the connection lives."""
        answered = threading.Event()
        box: list[Any] = []

        def on_answer(*args: Any) -> None:
            box.extend(args)
            answered.set()

        try:
            self._client.emit(event, data, namespace=NAMESPACE, callback=on_answer)
        except (socketio.exceptions.SocketIOError, OSError) as error:
            raise LinkDown(f"emit: {type(error).__name__}") from error
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while not answered.wait(0.1):
            if not self._client.connected or NAMESPACE not in self._client.namespaces:
                raise LinkDown("connection lost")
            if time.monotonic() > deadline:
                raise NoAnswer(f"no answer to {event}")
        return box[0] if box and isinstance(box[0], dict) else {}

    # -- work ----------------------------------------------------------------------------------------

    def _serve(self) -> None:
        now = time.monotonic()
        next_devices, next_health, next_live, next_waves, next_report = now, now + 1.0, now, now, now + 2.0
        while not self._stop.is_set():
            now = time.monotonic()
            if self._changed.is_set() or now >= next_devices:
                self._changed.clear()
                next_devices = now + DEVICES_EVERY_S
                self._ask_devices()
                self._errands_given.set()
            if self._errands_given.is_set():
                self._errands_given.clear()
                self._ask_errands()
            if now >= next_health:
                next_health = now + HEALTH_EVERY_S
                devices = [one.to_json() for one in self._health()]
                self._call("health", {"devices": devices, "now_ms": wall_ms()})
            if now >= next_report:
                next_report = now + REPORT_EVERY_S
                self._report()
            if now >= next_live:
                next_live = now + LIVE_EVERY_S
                delivered = self._deliver_next(self._numerics, live=True)
            elif now >= next_waves:
                next_waves = now + WAVES_EVERY_S
                delivered = self._deliver_next(self._waves, live=True)
            else:
                delivered = self._deliver_next(self._numerics) or self._deliver_next(self._waves)
            if not (self._tell_errand() or delivered):
                self._stop.wait(0.05)

    def _report(self) -> None:
        """What was sent to devices these days, and what they offer that no table knows. Totals: no answer needed."""
        since = (datetime.now().astimezone() - REPORT_DAYS).strftime("%Y-%m-%d")
        sent = [one.to_json() for one in self._spool.sent_days(since)]
        unmapped = [one.to_json() for one in self._unmapped()]
        data = {"stream": self._spool.stream, "sent": sent, "unmapped": unmapped}
        try:
            self._client.emit("report", data, namespace=NAMESPACE)
        except (socketio.exceptions.SocketIOError, OSError) as error:
            raise LinkDown(f"emit: {type(error).__name__}") from error

    def _ask_devices(self) -> None:
        if self._on_devices is None:
            return
        answer = self._call("devices", {})
        if "devices" in answer:
            self._on_devices(answer)
        else:
            log.warning("no device list", extra={"code": str(answer.get("error", ""))})

    def _ask_errands(self) -> None:
        """What engineers want done; with it the web hears which serial ports are here."""
        if self._errands is None:
            return
        take = self._errands.take

        def answered(*args: Any) -> None:
            if args and isinstance(args[0], dict) and isinstance(args[0].get("errands"), list):
                take(args[0]["errands"])

        data = {"serial_ports": serial_ports(), "host": platform.node()[:64]}
        try:  # nobody waits for the answer: a web process of an earlier version gives none
            self._client.emit("errands", data, namespace=NAMESPACE, callback=answered)
        except (socketio.exceptions.SocketIOError, OSError) as error:
            raise LinkDown(f"emit: {type(error).__name__}") from error

    def _tell_errand(self) -> bool:
        """Deliver one message about an errand. False: there is none."""
        message = self._errands.message() if self._errands else None
        if self._errands is None or message is None:
            return False
        answer = self._call(*message)
        if str(answer.get("error", "")) in TRANSIENT:
            return False
        self._errands.delivered()
        return True

    def _deliver_next(self, lane: "_Lane", *, live: bool = False) -> bool:
        """Deliver what is in flight, else what is newest (live), else the oldest backlog. False: nothing there."""
        batch = lane.queue.in_flight()
        if batch is None and live:
            batch = lane.queue.freeze(wall_ms(), after=lane.mark)
        if batch is None:
            batch = lane.queue.freeze(wall_ms(), up_to=lane.mark)
        if batch is None:
            return False
        self._deliver(lane, batch)
        return True

    def _deliver(self, lane: "_Lane", batch: FrozenBatch) -> None:
        try:
            answer = self._call(lane.event, json.loads(batch.payload))
        except NoAnswer:
            lane.silences += 1
            if lane.silences >= DEAD_AFTER_SILENCES:
                self._set_aside(lane, batch, "no_answer", "")
            raise
        lane.silences = 0
        if answer.get("status") in ("stored", "duplicate"):
            lane.queue.acknowledge(batch.seq)
            lane.tries = 0
            self.delivered += 1
            return
        self._refused(lane, batch, str(answer.get("error", "no_status")), str(answer.get("message", "")))

    def _refused(self, lane: "_Lane", batch: FrozenBatch, code: str, message: str) -> None:
        log.warning("batch refused", extra={"lane": lane.event, "seq": batch.seq, "code": code, "tries": lane.tries})
        if code in UNAUTHORISED:
            raise LinkDown(f"refused: {code}")
        if code not in TRANSIENT:
            lane.tries += 1
            if lane.tries >= DEAD_AFTER_TRIES:
                self._set_aside(lane, batch, code, message)
                return
        self._stop.wait(min(0.3 * 2**lane.tries, 5.0))

    def _set_aside(self, lane: "_Lane", batch: FrozenBatch, code: str, message: str) -> None:
        lane.queue.dead_letter(batch.seq, code, message, wall_ms())
        log.error("batch set aside", extra={"lane": lane.event, "seq": batch.seq, "code": code})
        lane.tries = lane.silences = 0


@dataclass
class _Lane:
    """One kind of data on its way: numerics or curves. One batch of each may be in flight."""

    event: str
    queue: Spool | WaveLane
    mark: int = 0
    tries: int = 0
    silences: int = 0


def _say_goodbye(client: Any) -> None:
    try:
        client.disconnect()
    except Exception as error:
        log.info("uplink disconnect", extra={"reason": type(error).__name__})
