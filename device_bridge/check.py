"""The self-test of a device: settings, place, line, bytes of the last minutes, what they mean, and that nothing but
reading can leave. It never disturbs a line that is receiving, because some devices accept one connection only.
"""

import re
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from device_bridge.clocks import now, wall_ms
from device_bridge.drivers.base import CodecOptions, Driver, Send
from device_bridge.drivers.registry import UnknownDriver, get_driver
from device_bridge.profiles.store import ProfileStore
from device_bridge.redecode import Redecoded, Redecoder
from device_bridge.spool_raw import read_raw
from device_bridge.transports.base import TransportError, explain
from device_bridge.transports.factory import make_endpoint
from device_bridge.transports.serial_line import serial_ports
from device_bridge.wire import DeviceConfig

GOOD, WARN, BAD = "good", "warn", "bad"
_LOOK_BACK_MS = 2 * 60_000
_CONNECT_S = 3.0
_LITTLE_DISK = 2 * 1024**3
_COM = re.compile(r"COM\d+", re.IGNORECASE)
_FORBIDDEN = b"\x00MAFEI-SELF-TEST\x00"  # no protocol's read request


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the self-test, for people."""

    state: str
    name: str
    detail: str


def check(spool: Path, config: DeviceConfig, state: str, profiles: ProfileStore) -> list[Point]:
    """All points; `state` is what the session says of the device just now."""
    try:
        driver = get_driver(config.driver)
        ZoneInfo(config.timezone)
        make_endpoint({**driver.default_transport, **config.transport})
        options = profiles.options(config)
    except (UnknownDriver, TransportError, OSError, ValueError) as error:
        return [Point(BAD, "配置", str(error))]
    points = [Point(GOOD, "配置", f"{driver.title}，连接参数完整"), *_line(config.transport, state)]
    points += _profile(options)
    points += _bytes(spool, config, profiles)
    points += _outbound(driver, options)
    points += _disk(spool)
    return points


def _line(transport: dict[str, Any], state: str) -> Iterator[Point]:
    if state == "receiving":
        yield Point(GOOD, "线路", "正在接收，未另行试连（部分设备只接受一个连接）")
        return
    kind = transport.get("kind")
    if kind == "tcp_client":
        yield _reach(str(transport.get("host", "")), int(transport.get("port", 0)))
    elif kind == "serial":
        port = str(transport.get("port", ""))
        if not _is_there(port):
            known = "、".join(name for name, _ in serial_ports()) or "无"
            yield Point(BAD, "线路", f"没有串口 {port}：请检查转接头是否插好，端口名称是否变化（现有串口：{known}）")
        else:
            yield Point(WARN, "线路", "串口存在但没有数据：核对波特率、校验、线缆和设备的输出设置")
    elif kind in ("tcp_listener", "udp"):
        yield Point(
            WARN,
            "线路",
            f"正在等待设备连接本机 {transport.get('port', '')} 端口：核对设备上填写的服务器地址、端口和防火墙",
        )
    else:
        yield Point(WARN, "线路", "没有收到数据")


def _is_there(port: str) -> bool:
    """Whether the system knows the port. Names that are neither a path nor one of Windows cannot be told."""
    if port.startswith("/"):
        return Path(port).exists()
    return not _COM.fullmatch(port) or port.upper() in {name.upper() for name, _ in serial_ports()}


def _reach(host: str, port: int) -> Point:
    try:
        with socket.create_connection((host, port), _CONNECT_S):
            return Point(WARN, "线路", f"{host}:{port} 可以连接但没有数据：核对设备的输出设置，是否被其他软件占用")
    except OSError as error:
        reason = "没有回应" if isinstance(error, TimeoutError) else explain(error)
        return Point(BAD, "线路", f"{host}:{port} 连接失败（{reason}）：核对地址、网线、设备电源")


def _profile(options: CodecOptions) -> Iterator[Point]:
    profile = options.profile
    if profile is not None:
        yield Point(
            GOOD, "型号对照", f"{profile.title}（{profile.model}），{len(profile.lines)} 项：{'、'.join(profile.files)}"
        )


def _bytes(spool: Path, config: DeviceConfig, profiles: ProfileStore) -> Iterator[Point]:
    until = wall_ms()
    since = until - _LOOK_BACK_MS
    if config.transport.get("kind") == "gateway":
        yield Point(GOOD, "数据", "经网关接收，原始数据保存在网关名下")
        return
    pieces = list(read_raw(spool, [config.device_id], since, until + 1))
    received = sum(len(piece.data) for piece in pieces)
    if not received:
        yield Point(BAD, "数据", "最近 2 分钟没有收到任何字节")
        return
    last = max(piece.received_ms for piece in pieces if piece.data)
    yield Point(GOOD, "数据", f"最近 2 分钟收到 {received} 字节，最后一次在 {(until - last) / 1000:.1f} 秒前")
    yield from _meaning(Redecoder(config, [config], since, until, profiles).run(pieces))


def _meaning(found: Redecoded) -> Iterator[Point]:
    if found.values:
        yield Point(
            GOOD, "解码", f"{len(found.columns)} 种参数，{found.values} 个数值：{'、'.join(sorted(found.columns)[:12])}"
        )
    else:
        yield Point(BAD, "解码", "收到字节但没有得到数值：核对驱动、波特率和校验")
    faults = sum(found.faults.values())
    if faults:
        words = "、".join(f"{kind} {count}" for kind, count in found.faults.most_common(4))
        yield Point(WARN, "错误帧", f"{faults} 个（{words}）：检查线缆、干扰和串口参数")
    if found.unmapped:
        yield Point(WARN, "未对照代码", f"{len(found.unmapped)} 种，可在“未对照代码”页映射")


def _outbound(driver: Driver, options: CodecOptions) -> Iterator[Point]:
    asked = [one for one in driver.codec(options).opened(now()) if isinstance(one, Send)]
    stopped = [one for one in asked if driver.checker(one.payload) is not None]
    if stopped or driver.checker(_FORBIDDEN) is None:
        yield Point(BAD, "只读白名单", "检查未通过，请停用这台设备并联系工程师")
    else:
        words = f"{len(asked)} 条读取请求可放行，" if asked else "不发送任何请求，"
        yield Point(GOOD, "只读白名单", f"{words}其他字节被拦截（只在本机核对，未发给设备）")


def _disk(spool: Path) -> Iterator[Point]:
    free = shutil.disk_usage(spool.parent).free
    db = sqlite3.connect(f"{spool.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
    try:
        waiting = int(db.execute("SELECT COALESCE(SUM(count), 0) FROM pending").fetchone()[0])
        dead = int(db.execute("SELECT COUNT(*) FROM dead").fetchone()[0])
    finally:
        db.close()
    state = WARN if free < _LITTLE_DISK or dead else GOOD
    text = f"采集机磁盘剩余 {free / 1e9:.0f} GB，待上传数值 {waiting} 个"
    yield Point(state, "采集缓存", text + (f"，被系统拒绝 {dead} 批（见手册 requeue）" if dead else ""))
