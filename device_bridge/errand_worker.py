"""One errand for an engineer, in a process of its own so that live devices never wait for it.

Reads the request as JSON from standard input and writes JSON lines: `{"say": …}` while it works, `{"part": …}` for
bulk data, `{"result": …}` at the end, `{"failed": …}` (Chinese) when it cannot be done.
"""

import asyncio
import base64
import json
import sys
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device_bridge.check import check
from device_bridge.clocks import now, wall_ms
from device_bridge.drivers.base import Clocks, CodecOptions, Driver
from device_bridge.drivers.registry import DRIVERS, UnknownDriver, get_driver
from device_bridge.outbound import Passage
from device_bridge.profiles.store import ProfileStore
from device_bridge.recognise import SILENT_FAMILY, beside, meaning
from device_bridge.redecode import AFTERWARDS_MS, WARM_UP_MS, Redecoder
from device_bridge.spool_raw import RawPiece, read_raw
from device_bridge.wire import DeviceConfig
from device_bridge.wizard import Heard, configuration, listen, serial_candidates

Emit = Callable[[dict[str, Any]], None]
Request = dict[str, Any]
_CAPTURE_PART = 256 * 1024
_CAPTURE_LIMIT = 64 * 1024**2
_PIECES_SHOWN = 12
_PIECES_PLAYED = 600
_BYTES_SHOWN = 32
_SETTLE_MS = 5_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where an errand finds what it needs."""

    spool: Path
    profiles: ProfileStore

    @property
    def file(self) -> Path:
        """The database of the spool."""
        return self.spool / "spool.sqlite"


def main(spool: Path, request: Request, emit: Emit, profiles: ProfileStore | None = None) -> int:
    """Do one errand; gives the exit code."""
    do = KINDS.get(str(request.get("kind", "")))
    try:
        if do is None:
            raise ValueError("采集服务不认识这项任务，请升级采集服务")
        emit({"result": do(Place(spool, profiles or ProfileStore()), request, emit)})
    except (UnknownDriver, ValueError, OSError) as error:
        emit({"failed": str(error) or type(error).__name__})
        return 1
    except KeyError as error:
        emit({"failed": f"任务缺少 {error.args[0]}"})
        return 1
    return 0


def _redecode(place: Place, request: Request, emit: Emit) -> dict[str, Any]:
    """{device, sources, from_ms, to_ms} → the values of the span as parts, and what was found."""
    target = DeviceConfig.from_json(request["device"])
    sources = [DeviceConfig.from_json(one) for one in request["sources"]]
    # what arrives while this is done belongs to nobody's comparison
    from_ms, to_ms = int(request["from_ms"]), min(int(request["to_ms"]), wall_ms() - _SETTLE_MS)
    emit({"say": "正在读取采集服务保存的原始数据并重新解码"})
    worker = Redecoder(target, sources, from_ms, to_ms, place.profiles)
    names = [source.device_id for source in sources]
    found = worker.run(read_raw(place.file, names, from_ms - WARM_UP_MS, to_ms + AFTERWARDS_MS))
    if not found.covered:
        raise ValueError("这段时间没有保存的原始数据：可能已超出滚动保存的上限，或设备当时没有发送")
    for code in sorted(found.columns):
        for part in found.columns[code].parts(code):
            emit({"part": part})
    return found.summary() | {"until_ms": to_ms}


def _listen(_place: Place, request: Request, emit: Emit) -> dict[str, Any]:
    """{transport, [driver], [ask], [seconds], [device_id]} → what was recognised and the configuration to save."""
    transport = dict(request["transport"])
    given = str(request.get("driver", ""))
    drivers = [get_driver(given)] if given else [one for one in DRIVERS.values() if one.name != SILENT_FAMILY]
    if transport["kind"] == "serial" and request.get("vary"):
        transports = serial_candidates(str(transport["port"]), {})
    else:
        transports = [transport]
    seconds = min(max(float(request.get("seconds", 3.0)), 1.0), 30.0)

    def note(passage: Passage) -> None:
        emit({"sent": {"reason": passage.reason, "hex": passage.payload.hex(), "refused": passage.refused}})

    heard = asyncio.run(
        listen(
            transports, drivers, seconds, ask=bool(request.get("ask")),
            tell=lambda line: emit({"say": line}), note=note,
        )
    )  # fmt: skip
    if heard is None:
        raise ValueError("没有收到任何数据。请检查线缆、地址和设备的输出设置；设备只应答时勾选“发送读取请求”。")
    return _story(heard, str(request.get("device_id", "")) or "NEW-1")


def _story(heard: Heard, device_id: str) -> dict[str, Any]:
    verdicts = [
        {"driver": v.driver, "score": v.score, "values": v.values, "parameters": v.parameters,
         "doubtful": v.doubtful, "faults": v.faults}
        for v in heard.verdicts[:4]
    ]  # fmt: skip
    shown = heard.pieces[:_PIECES_SHOWN]
    driver: Driver | None = DRIVERS[heard.best.driver] if heard.best else None
    lines = beside(driver, shown, now()) if driver else [f"{piece[:48].hex(' ')}|" for piece in shown]
    return {
        "bytes": sum(map(len, heard.pieces)),
        "verdicts": verdicts,
        "driver": driver.name if driver else "",
        "title": driver.title if driver else "",
        "lines": [[part.strip() for part in line.split("|", 1)] for line in lines],
        "config": configuration(heard, driver or DRIVERS[SILENT_FAMILY], device_id).to_json(),
    }


def _capture(place: Place, request: Request, emit: Emit) -> dict[str, Any]:
    """{device, from_ms, to_ms, [config]} → the bytes of the span as they came, for decoding or playing elsewhere, and
    the first pieces beside their meaning."""
    pieces = list(read_raw(place.file, [str(request["device"])], int(request["from_ms"]), int(request["to_ms"])))
    total = 0
    for part in _blocks((piece.data for piece in pieces if piece.data), _CAPTURE_PART):
        total += len(part)
        if total > _CAPTURE_LIMIT:
            raise ValueError("这段时间的原始数据超过 64 MB，请缩短时间范围")
        emit({"part": {"count": len(part), "data": base64.b64encode(zlib.compress(part, 6)).decode("ascii")}})
    if not total:
        raise ValueError("这段时间没有保存的原始数据")
    rows: list[list[Any]] = []
    if "config" in request:
        config = DeviceConfig.from_json(request["config"])
        rows = _decoded(config, place.profiles.options(config), pieces[:_PIECES_PLAYED])
    return {"bytes": total, "pieces": len(pieces), "lines": rows}


def _decoded(config: DeviceConfig, options: CodecOptions, pieces: Iterable[RawPiece]) -> list[list[Any]]:
    """[received ms, bytes in hex, meaning] of each piece, decoded as it was when it came; "" for a new connection."""
    driver = get_driver(config.driver)
    codec = driver.codec(options)
    codec.opened(now())
    rows: list[list[Any]] = []
    for piece in pieces:
        at = Clocks(piece.received_ms, piece.received_ms / 1000)
        if piece.opened:
            codec = driver.codec(options)
            codec.opened(at)
            rows.append([piece.received_ms, "", "连接建立"])
            continue
        shown = piece.data[:_BYTES_SHOWN].hex(" ") + (" …" if len(piece.data) > _BYTES_SHOWN else "")
        rows.append([piece.received_ms, shown, meaning(codec.feed(piece.data, at))])
    return rows


def _blocks(pieces: Iterable[bytes], size: int) -> Iterable[bytes]:
    block = bytearray()
    for piece in pieces:
        block += piece
        while len(block) >= size:
            yield bytes(block[:size])
            del block[:size]
    if block:
        yield bytes(block)


def _check(place: Place, request: Request, _emit: Emit) -> dict[str, Any]:
    """{device, state} → the points of the self-test."""
    points = check(place.file, DeviceConfig.from_json(request["device"]), str(request.get("state", "")), place.profiles)
    return {"points": [[point.state, point.name, point.detail] for point in points]}


KINDS: dict[str, Callable[[Place, Request, Emit], dict[str, Any]]] = {
    "redecode": _redecode,
    "listen": _listen,
    "capture": _capture,
    "check": _check,
}


def run_from_stdin(spool: Path, profiles: ProfileStore) -> int:
    """The body of `python -m device_bridge errand`."""

    def emit(message: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(message, ensure_ascii=False, separators=(",", ":")) + "\n")
        sys.stdout.flush()

    return main(spool, json.loads(sys.stdin.read()), emit, profiles)
