"""`listen`: hear what a line says, recognise the family and the line settings, show values beside the bytes, and give
the configuration to save.

It sends nothing, unless `ask` is given: then each family's own dialogue of read requests is tried in turn, through the
same gate as always, for devices that only speak when they are asked.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from device_bridge.clocks import now
from device_bridge.drivers.base import Alarm, CodecOptions, Driver, Observation, Output, Routed, Send, Wave
from device_bridge.outbound import OutboundGate, Passage
from device_bridge.recognise import Verdict, beside, recognise
from device_bridge.transports.base import Connection, Endpoint, TransportError, explain
from device_bridge.transports.factory import make_endpoint
from device_bridge.wire import DeviceConfig

Tell = Callable[[str], None]
Note = Callable[[Passage], None]
_ENOUGH_BYTES = 64 * 1024
_SHOWN = 12
_TURN_S = 0.1
_PASSAGES_TOLD = 4  # a driver

# Usual line settings, the most frequent first: (baud rate, data bits, parity, stop bits).
LINES: tuple[tuple[int, int, str, float], ...] = (
    (19200, 8, "E", 1),
    (9600, 8, "N", 1),
    (19200, 8, "N", 1),
    (38400, 8, "N", 1),
    (115200, 8, "N", 1),
    (57600, 8, "N", 1),
    (9600, 8, "E", 1),
    (4800, 8, "N", 1),
    (2400, 8, "N", 1),
    (1200, 7, "E", 1),
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What one way of listening gave."""

    transport: dict[str, Any]
    pieces: tuple[bytes, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def best(self) -> Verdict | None:
        """The family, when one was recognised."""
        return self.verdicts[0] if self.verdicts and self.verdicts[0].is_recognised else None


def serial_candidates(port: str, fixed: dict[str, Any]) -> list[dict[str, Any]]:
    """Transports to try on a serial line; `fixed` settings are not varied."""
    found: list[dict[str, Any]] = []
    for baudrate, bytesize, parity, stopbits in LINES:
        entry = {"kind": "serial", "port": port, "baudrate": baudrate, "bytesize": bytesize, "parity": parity,
                 "stopbits": stopbits} | fixed  # fmt: skip
        if entry not in found:
            found.append(entry)
    return found


class _Ear:
    """One connection that is listened to piece by piece."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.has_ended = False
        self._reading: asyncio.Task[bytes] | None = None

    async def piece(self, seconds: float) -> bytes:
        """What comes next, empty when nothing came in time or the line ended."""
        if self.has_ended:
            return b""
        self._reading = self._reading or asyncio.create_task(self.connection.read())
        done, _ = await asyncio.wait({self._reading}, timeout=max(seconds, 0.0))
        if not done:
            return b""
        reading, self._reading = self._reading, None
        data = reading.result()
        self.has_ended = not data
        return data

    async def pieces(self, seconds: float) -> list[bytes]:
        """All that comes, at most for so long."""
        found: list[bytes] = []
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        while sum(map(len, found)) < _ENOUGH_BYTES and (data := await self.piece(ends - loop.time())):
            found.append(data)
        return found

    async def close(self) -> None:
        """Listen no more."""
        if self._reading is not None:
            self._reading.cancel()
        await self.connection.close()


async def hear(
    transport: dict[str, Any], drivers: list[Driver], seconds: float, *, ask: bool, tell: Tell, note: Note | None = None
) -> Heard:
    """Listen on one transport. Raises `OSError` when the place cannot be reached."""
    endpoint = make_endpoint(transport)
    ear: _Ear | None = None
    try:
        ear = await _reach(endpoint, seconds)
        pieces = await ear.pieces(seconds)
        if ask and not _best(drivers, pieces):
            for driver in _worth_asking(drivers, transport):
                if ear.has_ended:  # a device that does not understand hangs up; the next family begins on a fresh line
                    await ear.close()
                    ear = await _reach(endpoint, seconds)
                answers = await _converse(ear, driver, pieces, seconds, tell, note)
                if answers and _best([driver], [*pieces, *answers]):
                    pieces += answers
                    break
                pieces = pieces or answers
    finally:
        if ear is not None:
            await ear.close()
        await endpoint.close()
    return Heard(transport, tuple(pieces), tuple(recognise(drivers, pieces, now())) if pieces else ())


def _worth_asking(drivers: list[Driver], transport: dict[str, Any]) -> list[Driver]:
    """On a serial line the families whose usual settings these are, and those that only answer: the line is tried with
    all settings in turn, and asking everybody at each would take a quarter of an hour. A family that a person has named
    is asked at any."""
    if len(drivers) == 1 or transport["kind"] != "serial":
        return drivers
    line = ("kind", "baudrate", "bytesize", "parity", "stopbits")
    here = [transport.get(key) for key in line]
    return [
        driver
        for driver in drivers
        if [driver.default_transport.get(key) for key in line] == here
        or not any(isinstance(one, Send) for one in driver.codec(CodecOptions()).opened(now()))
    ]


async def _reach(endpoint: Endpoint, seconds: float) -> _Ear:
    try:
        return _Ear(await asyncio.wait_for(endpoint.connect(), max(seconds, 1.0) * 10))
    except TimeoutError as error:
        raise TransportError("没有设备连接进来") from error


def _best(drivers: Iterable[Driver], pieces: list[bytes]) -> bool:
    return bool(pieces) and recognise(drivers, pieces, now())[0].is_recognised


async def _converse(
    ear: _Ear, driver: Driver, heard: Iterable[bytes], seconds: float, tell: Tell, log: Note | None
) -> list[bytes]:
    """Speak as this driver would, as far as its checker lets it pass, and give what the device answered.

    Many devices want a greeting before they tell anything, so it takes the driver's own dialogue. A message with data
    is not acknowledged: here nothing is kept, and who were told otherwise would never send it again.
    """
    told: list[Passage] = []

    def note(passage: Passage) -> None:
        if log is not None:
            log(passage)
        if len(told) < _PASSAGES_TOLD:
            word = "已拦截" if passage.refused else "已发送读取请求"
            tell(f"  {word} {driver.name}: {passage.payload[:40].hex(' ')}")
        told.append(passage)

    gate = OutboundGate(driver.checker, note)

    async def speak(outputs: list[Output]) -> None:
        has_data = any(isinstance(one, Observation | Alarm | Wave | Routed) for one in outputs)
        for one in outputs:
            if isinstance(one, Send) and not (one.after_commit and has_data) and (cleared := gate.clear(one)):
                await ear.connection.write(cleared)

    codec = driver.codec(CodecOptions())
    pieces: list[bytes] = []
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    try:
        await speak(codec.opened(now()))
        for piece in heard:
            await speak(codec.feed(piece, now()))
        while gate.passed and not ear.has_ended and loop.time() < ends and sum(map(len, pieces)) < _ENOUGH_BYTES:
            if piece := await ear.piece(_TURN_S):
                pieces.append(piece)
                await speak(codec.feed(piece, now()))
            await speak(codec.poll(now()))
    except OSError as error:
        tell(f"  {explain(error)}")
        ear.has_ended = True
    return pieces


async def listen(
    transports: list[dict[str, Any]],
    drivers: list[Driver],
    seconds: float,
    *,
    ask: bool,
    tell: Tell,
    note: Note | None = None,
) -> Heard | None:
    """Try the transports until one is understood; the best one, or None when nothing was heard at all."""
    best: Heard | None = None
    for transport in transports:
        tell(f"正在监听 {_where(transport)} …")
        try:
            heard = await hear(transport, drivers, seconds, ask=ask, tell=tell, note=note)
        except OSError as error:
            tell(f"  {explain(error)}")
            continue
        first = heard.verdicts[0] if heard.verdicts else None
        told = f"，最像 {first.driver}（得分 {first.score:g}）" if first else ""
        tell(f"  收到 {sum(map(len, heard.pieces))} 字节{told}")
        if heard.pieces and (best is None or _score(heard) > _score(best)):
            best = heard
        if heard.best is not None and heard.best.faults == 0:
            break
    return best


def _score(heard: Heard) -> float:
    return heard.verdicts[0].score if heard.verdicts else float("-inf")


def _where(transport: dict[str, Any]) -> str:
    if transport["kind"] == "serial":
        return "{port} {baudrate} {bytesize}{parity}{stopbits}".format(**transport)
    return f"{transport['kind']} {transport.get('host', '')}:{transport.get('port', '')}"


def describe(heard: Heard, drivers: dict[str, Driver], tell: Tell) -> Driver | None:
    """Tell what was recognised, with values beside the bytes; the driver, or None."""
    tell("候选：")
    for verdict in heard.verdicts[:4]:
        tell(
            f"  {verdict.driver:<16} 得分 {verdict.score:6.1f}　可信数值 {verdict.values}（{verdict.parameters} 种参数）"
            f"　存疑 {verdict.doubtful}　异常 {verdict.faults}"
        )
    if heard.best is None:
        tell("没有识别出设备。请用 capture 保存这条线路的数据，以后可以解码。")
        return None
    driver = drivers[heard.best.driver]
    tell(f"识别为 {driver.name}：{driver.title}")
    for line in beside(driver, heard.pieces[:_SHOWN], now()):
        tell("  " + line)
    return driver


def configuration(heard: Heard, driver: Driver, device_id: str) -> DeviceConfig:
    """The entry of the device list. What the driver needs and was not varied comes from its defaults."""
    same_kind = driver.default_transport.get("kind") == heard.transport["kind"]
    usual = dict(driver.default_transport) if same_kind else {}
    return DeviceConfig(device_id=device_id, driver=driver.name, transport={**usual, **heard.transport})


def form_path(config: DeviceConfig) -> str:
    """The page of the web where the same device is registered, filled in."""
    wanted = {"device_id": config.device_id, "driver": config.driver, "transport": config.transport}
    return "/devices/new?config=" + quote(json.dumps(wanted, ensure_ascii=False, separators=(",", ":")))
