"""One device from the line to the spool: connect, read, decode, keep, answer; again and again."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from device_bridge.clocks import now, wall_ms
from device_bridge.drivers.base import (
    Alarm,
    Clocks,
    Codec,
    CodecOptions,
    DeviceInfo,
    Driver,
    Fault,
    Observation,
    Output,
    Routed,
    Send,
    Unmapped,
    Wave,
)
from device_bridge.normaliser import Normaliser
from device_bridge.outbound import OutboundGate, Passage
from device_bridge.profiles.table import calibrated
from device_bridge.spool import Received, Spool
from device_bridge.transports.base import Connection, Endpoint, GatedEndpoint, explain
from device_bridge.watchdog import RECEIVING, Watchdog
from device_bridge.wave_clock import WaveClock, wanted
from device_bridge.wire import DeviceAlarm, DeviceConfig, DeviceHealth, UnmappedCode
from device_bridge.wire_waves import WavePiece

POLL_EVERY_S = 0.1
_FIRST_DELAY_S = 1.0
_MAX_DELAY_S = 30.0
_MAX_SERIAL_DELAY_S = 2.0
_MAX_UNMAPPED = 200

# a driver that only records is alive when bytes come, although they mean nothing to it
_RAW = "raw"

log = logging.getLogger("device_bridge.session")

Peers = Callable[[str], "DeviceSession | None"]


class DeviceSession:
    """Owns one endpoint. `run` ends only when it is cancelled."""

    def __init__(
        self,
        config: DeviceConfig,
        driver: Driver,
        endpoint: Endpoint,
        spool: Spool,
        peers: "Peers | None" = None,
        options: CodecOptions | None = None,
    ) -> None:
        self._config, self._driver, self._endpoint, self._spool = config, driver, endpoint, spool
        self._options = options or CodecOptions(timezone=config.timezone, values=config.options)
        self._peers: Peers = peers or (lambda _: None)
        self._handed: list[Future[None]] = []
        self._lines = 0  # connections so far: which of them raw bytes came by
        self._normaliser = Normaliser()
        self._normaliser.recall(spool.memory(config.device_id) or "[]")
        self._gate = OutboundGate(driver.checker, self._log_passage)
        if isinstance(endpoint, GatedEndpoint):
            endpoint.use_gate(self._gate)
        self.watchdog = Watchdog(config, wall_ms(), spool.last_received_ms(config.device_id), spool.gap)
        self._refusals: list[DeviceAlarm] = []
        self.info: dict[str, str] = {}
        self._unmapped: dict[str, UnmappedCode] = {}
        self._wanted_waves = wanted(config.options)
        self._wave_clock = WaveClock()
        self._kept: Codec | None = None

    def unmapped(self) -> list[UnmappedCode]:
        """What the device offers and no table knows, with the number of times it was seen."""
        return list(self._unmapped.values())

    def health(self) -> DeviceHealth:
        """State for the health message."""
        return self.watchdog.health(now(), self._normaliser.clock.offset_ms)

    async def run(self) -> None:
        """Keep the device connected. A crash of the codec or the line restarts this device only."""
        refusal = self._driver.refusal(self._config.options)
        if refusal is not None:
            self.watchdog.down(now(), refusal)
            await asyncio.Event().wait()  # until the configuration changes
        delay = _FIRST_DELAY_S
        served: set[asyncio.Task[bool]] = set()
        try:
            while True:
                try:
                    connection = await self._endpoint.connect()
                except OSError as error:
                    self._kept = None
                    self.watchdog.down(now(), explain(error))
                    await asyncio.sleep(delay * random.uniform(0.7, 1.3))  # noqa: S311 - jitter
                    delay = min(delay * 2, self._longest_delay())
                    continue
                if self._endpoint.many:
                    task = asyncio.create_task(self._guarded(connection))
                    served.add(task)
                    task.add_done_callback(served.discard)
                    continue
                useful = await self._guarded(connection)
                delay = _FIRST_DELAY_S if useful else min(delay * 2, self._longest_delay())
                await asyncio.sleep(delay * random.uniform(0.7, 1.3))  # noqa: S311 - jitter
        finally:
            for task in served:
                task.cancel()
            await self._endpoint.close()

    def _longest_delay(self) -> float:
        serial = str(self._config.transport.get("kind", "")).startswith("serial")
        return _MAX_SERIAL_DELAY_S if serial else _MAX_DELAY_S

    async def _guarded(self, connection: Connection) -> bool:
        """Serve one connection; True when it gave data."""
        before = self.watchdog.frames
        detail = "设备断开连接"
        try:
            await self._serve(connection)
        except OSError as error:
            detail = explain(error)
        except Exception as error:
            log.exception("session failed", extra={"device": self._config.device_id})
            detail = f"内部错误 {type(error).__name__}"
        finally:
            if not (self._driver.one_message and self.watchdog.frames > before):
                self.watchdog.closed(now(), detail)
            with contextlib.suppress(Exception):
                await connection.close()
        return self.watchdog.frames > before

    async def _serve(self, connection: Connection) -> None:
        codec = self._codec()
        if not (self._driver.one_message and self.watchdog.state == RECEIVING):
            self.watchdog.opened(now())
        served = self.watchdog.frames
        log.log(
            logging.DEBUG if self._driver.one_message else logging.INFO,
            "connected", extra={"device": self._config.device_id},
        )  # fmt: skip
        self._lines += 1
        line = self._lines
        self._spool.opened(self._config.device_id, wall_ms(), line)
        await self._handle(connection, codec.opened(now()), b"", now(), line)
        reading: asyncio.Task[bytes] = asyncio.create_task(connection.read())
        try:
            while True:
                done, _ = await asyncio.wait({reading}, timeout=POLL_EVERY_S)
                if done:
                    data = reading.result()
                    if not data:
                        return
                    reading = asyncio.create_task(connection.read())
                    arrived = now()
                    self.watchdog.bytes_in += len(data)
                    await self._handle(connection, codec.feed(data, arrived), data, arrived, line)
                    if self._driver.one_message and self.watchdog.frames > served:
                        return
                moment = now()
                await self._handle(connection, codec.poll(moment), b"", moment, line)
                self.watchdog.tick(moment)
        finally:
            reading.cancel()
            self._last_words(codec)

    def _codec(self) -> Codec:
        """A new one for each connection; a device that gives one message a connection keeps what it remembers."""
        codec = self._kept or self._driver.codec(self._options)
        self._kept = codec if self._driver.one_message else None
        return codec

    def _last_words(self, codec: Codec) -> None:
        moment = now()
        kept = self._keep(codec.closed(moment), b"", moment)
        if kept is not None:
            kept.add_done_callback(_log_failure)

    async def _handle(
        self, connection: Connection, outputs: list[Output], raw: bytes, arrived: Clocks, line: int
    ) -> None:
        if not outputs and not raw:
            return
        kept = self._keep(outputs, raw, arrived, line)
        handed, self._handed = self._handed, []
        sends = [one for one in outputs if isinstance(one, Send)]
        for send in sends:
            if send.after_commit and kept is not None:
                # an acknowledgement is a promise: first the disk, then the answer
                await asyncio.gather(*(asyncio.wrap_future(one) for one in [*handed, kept]))
                kept = None
            await self._send(connection, send)
        if kept is not None:
            kept.add_done_callback(_log_failure)

    async def _send(self, connection: Connection, send: Send) -> None:
        cleared = self._gate.clear(send)
        if cleared is None:
            self.watchdog.faults += 1
            return
        await connection.write(cleared)

    def _keep(self, outputs: list[Output], raw: bytes, arrived: Clocks, line: int = 0) -> "Future[None] | None":
        outputs = self._hand_over(outputs, arrived)
        if any(isinstance(one, Observation) for one in outputs) or (raw and _RAW in self._driver.capabilities):
            self.watchdog.frame(arrived)
        outputs = self._normaliser.without_repeats(outputs)
        observations = [one for one in outputs if isinstance(one, Observation)]
        for one in outputs:
            if isinstance(one, Fault):
                self.watchdog.faults += 1
            elif isinstance(one, DeviceInfo):
                self.info.update(one.items)
            elif isinstance(one, Unmapped):
                self._count_unmapped(one)
        readings = self._normaliser.readings(observations, arrived)
        alarms = self._normaliser.alarms([one for one in outputs if isinstance(one, Alarm)], arrived)
        alarms += self._refusals
        self._refusals = []
        waves = self._waves(outputs, arrived)
        if not (raw or readings or alarms or waves):
            return None
        memory = self._normaliser.remember() if self._normaliser.memory_changed else None
        kept = self._spool.add(
            Received(self._config.device_id, arrived.wall_ms, raw, readings, alarms, waves, memory, line)
        )
        if messages := self._normaliser.taken():
            kept.add_done_callback(partial(self._forget_on_failure, messages))
        return kept

    def _forget_on_failure(self, messages: list[str], kept: "Future[None]") -> None:
        """What did not reach the disk is not acknowledged, so it will come again and must count then."""
        if kept.cancelled() or kept.exception() is not None:
            self._normaliser.forget(messages)

    def _hand_over(self, outputs: list[Output], arrived: Clocks) -> list[Output]:
        """Give a gateway's outputs to the devices they belong to; what belongs to nobody here is counted."""
        own: list[Output] = []
        for one in outputs:
            if not isinstance(one, Routed):
                own.append(one)
                continue
            peer = self._peers(one.device)
            if peer is None or peer is self:
                own += one.outputs if peer is self else [Unmapped(f"device {one.device}"[:60], "device", "")]
                continue
            self.watchdog.frame(arrived)
            kept = peer.receive(list(one.outputs), arrived)
            if kept is not None:
                self._handed.append(kept)
        return own

    def receive(self, outputs: list[Output], arrived: Clocks) -> "Future[None] | None":
        """Outputs of a gateway for this device. The raw bytes stay with the gateway."""
        return self._keep([one for one in outputs if not isinstance(one, Send | Routed)], b"", arrived)

    def _waves(self, outputs: list[Output], arrived: Clocks) -> list[WavePiece]:
        if not self._wanted_waves:
            return []
        placed = [
            self._wave_clock.place(calibrated(one, self._options.profile), self._normaliser.clock, arrived)
            for one in outputs
            if isinstance(one, Wave) and (one.code in self._wanted_waves or "*" in self._wanted_waves)
        ]
        return [piece for piece in placed if piece is not None]

    def _count_unmapped(self, one: Unmapped) -> None:
        before = self._unmapped.get(one.source_code)
        if before is None and len(self._unmapped) >= _MAX_UNMAPPED:
            return
        self._unmapped[one.source_code] = UnmappedCode(
            self._config.device_id, one.source_code, one.name, one.value[:40], before.count + 1 if before else 1
        )

    def _log_passage(self, passage: Passage) -> None:
        moment = wall_ms()
        if passage.refused is None:
            self.watchdog.bytes_out += len(passage.payload)
        self._spool.log_passage(self._config.device_id, passage, moment)
        if passage.refused is not None:
            log.error("outbound refused", extra={"device": self._config.device_id, "reason": passage.reason})
            text = f"已拦截发往设备的数据：{passage.refused}"
            self._refusals.append(DeviceAlarm(moment, "BRIDGE_OUTBOUND", text, "technical", "start"))


def _log_failure(done: "Future[Any]") -> None:
    if not done.cancelled() and done.exception() is not None:
        log.error("spool refused data", extra={"error": type(done.exception()).__name__})
