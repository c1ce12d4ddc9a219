"""`listen`: hear what a line says, recognise the family and the line settings, show values beside the bytes, and give
the configuration to save.

It sends nothing, unless `ask` is given: then each family's own read request is sent in turn, through the same gate
as always, for devices that only speak when they are asked.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from device_bridge.clocks import now
from device_bridge.drivers.base import CodecOptions, Driver, Send
from device_bridge.outbound import OutboundGate, Passage
from device_bridge.recognise import Verdict, beside, recognise
from device_bridge.transports.base import Connection, TransportError, explain
from device_bridge.transports.factory import make_endpoint
from device_bridge.wire import DeviceConfig

Tell = Callable[[str], None]
Note = Callable[[Passage], None]
_ENOUGH_BYTES = 64 * 1024
_SHOWN = 12

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


async def hear(
    transport: dict[str, Any], drivers: list[Driver], seconds: float, *, ask: bool, tell: Tell, note: Note | None = None
) -> Heard:
    """Listen on one transport. Raises `OSError` when the place cannot be reached."""
    endpoint = make_endpoint(transport)
    pieces: list[bytes] = []
    try:
        connection = await asyncio.wait_for(endpoint.connect(), max(seconds, 1.0) * 10)
        try:
            pieces += await _collect(connection, seconds)
            if ask and not _best(drivers, pieces):
                for driver in drivers:
                    if await _ask(connection, driver, tell, note):
                        pieces += await _collect(connection, seconds)
                        if _best(drivers, pieces):
                            break
        finally:
            await connection.close()
    except TimeoutError as error:
        raise TransportError("没有设备连接进来") from error
    finally:
        await endpoint.close()
    return Heard(transport, tuple(pieces), tuple(recognise(drivers, pieces, now())) if pieces else ())


def _best(drivers: Iterable[Driver], pieces: list[bytes]) -> bool:
    return bool(pieces) and recognise(drivers, pieces, now())[0].is_recognised


async def _collect(connection: Connection, seconds: float) -> list[bytes]:
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    pieces: list[bytes] = []
    reading = asyncio.create_task(connection.read())
    try:
        while (left := ends - loop.time()) > 0 and sum(map(len, pieces)) < _ENOUGH_BYTES:
            done, _ = await asyncio.wait({reading}, timeout=left)
            if not done:
                break
            data = reading.result()
            if not data:
                break
            pieces.append(data)
            reading = asyncio.create_task(connection.read())
    finally:
        reading.cancel()
    return pieces


async def _ask(connection: Connection, driver: Driver, tell: Tell, log: Note | None) -> bool:
    """Send what this driver would ask when it begins, as far as its checker lets it pass."""

    def note(passage: Passage) -> None:
        if log is not None:
            log(passage)
        tell(f"  {'已拦截' if passage.refused else '已发送读取请求'} {driver.name}: {passage.payload[:40].hex(' ')}")

    gate = OutboundGate(driver.checker, note)
    asked = False
    for one in driver.codec(CodecOptions()).opened(now()):
        if isinstance(one, Send) and (cleared := gate.clear(one)) is not None:
            await connection.write(cleared)
            asked = True
    return asked


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
