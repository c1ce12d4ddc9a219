"""Commands for people on site: the wizard, and what became of batches that were refused."""

import argparse
import asyncio
import json
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from device_bridge.cli_profiles import add_profiles_argument, profiles_of
from device_bridge.clocks import wall_ms
from device_bridge.drivers.registry import DRIVERS, get_driver
from device_bridge.errand_worker import run_from_stdin
from device_bridge.recognise import SILENT_FAMILY
from device_bridge.redecode import AFTERWARDS_MS, WARM_UP_MS, Redecoder
from device_bridge.service import load_devices
from device_bridge.spool import Spool
from device_bridge.spool_raw import read_raw
from device_bridge.tools import address
from device_bridge.wire import DeviceConfig
from device_bridge.wizard import configuration, describe, form_path, listen, serial_candidates


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`listen` and `requeue`."""
    wizard = commands.add_parser("listen", help="监听一条线路，识别设备和波特率，给出配置（默认不发送任何数据）")
    where = wizard.add_mutually_exclusive_group(required=True)
    where.add_argument("--listen", metavar="HOST:PORT", help="等待设备连接进来")
    where.add_argument("--connect", metavar="HOST:PORT", help="连接设备或串口服务器")
    where.add_argument("--udp", metavar="HOST:PORT", help="接收 UDP")
    where.add_argument("--serial", metavar="PORT", help="串口，如 /dev/ttyUSB0 或 COM3")
    wizard.add_argument("--baud", type=int, help="只试这个波特率")
    wizard.add_argument("--parity", choices=["N", "E", "O"], help="只试这种校验")
    wizard.add_argument("--driver", help="只试这个驱动")
    wizard.add_argument("--ask", action="store_true", help="设备不主动发送时，发送各驱动的读取请求（经白名单检查）")
    wizard.add_argument("--seconds", type=float, default=3.0, help="每种设置监听的时长")
    wizard.add_argument("--device-id", default="NEW-1", help="设备标识")
    wizard.add_argument("--save", metavar="FILE", help="把配置写入这个设备清单文件")
    wizard.set_defaults(command=_listen)

    again = commands.add_parser("requeue", help="把被系统拒绝的批次重新排队（采集服务停止时使用）")
    again.add_argument("--spool", required=True, help="本地缓存目录")
    again.add_argument("--bridge", required=True, help="本采集点的名称")
    again.set_defaults(command=_requeue)

    errand = commands.add_parser("errand", help="执行一项任务：从标准输入读 JSON（由采集服务调用）")
    errand.add_argument("--spool", required=True, help="本地缓存目录")
    add_profiles_argument(errand)
    errand.set_defaults(command=lambda options: run_from_stdin(Path(options.spool), profiles_of(options)))

    redecode = commands.add_parser("redecode", help="用现在的驱动重新解码本地缓存中的原始数据，每行一个参数的概况")
    redecode.add_argument("--spool", required=True, help="本地缓存目录")
    redecode.add_argument("--device", required=True, help="设备标识")
    redecode.add_argument("--from", dest="begin", required=True, metavar="TIME", help="如 2026-05-01T08:00+08:00")
    redecode.add_argument("--to", dest="end", required=True, metavar="TIME")
    redecode.add_argument("--driver", help="改用这个驱动")
    add_profiles_argument(redecode)
    redecode.set_defaults(command=_redecode)


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _transports(options: argparse.Namespace) -> list[dict[str, Any]]:
    if options.serial:
        fixed = {"baudrate": options.baud} if options.baud else {}
        fixed |= {"parity": options.parity} if options.parity else {}
        return serial_candidates(options.serial, fixed)
    for kind, given in (("tcp_listener", options.listen), ("tcp_client", options.connect), ("udp", options.udp)):
        if given:
            host, port = address(given)
            return [{"kind": kind, "host": host, "port": port}]
    raise ValueError("请给出要监听的线路")


def _listen(options: argparse.Namespace) -> int:
    drivers = (
        [get_driver(options.driver)] if options.driver else [d for d in DRIVERS.values() if d.name != SILENT_FAMILY]
    )
    heard = asyncio.run(listen(_transports(options), drivers, options.seconds, ask=options.ask, tell=_tell))
    if heard is None:
        _tell("没有收到任何数据。请检查线缆、设备的输出设置；设备只应答时加 --ask。")
        return 1
    driver = describe(heard, DRIVERS, _tell)
    if driver is None:
        return 1
    config = configuration(heard, driver, options.device_id)
    sys.stdout.write(json.dumps(config.to_json(), ensure_ascii=False) + "\n")
    if options.save:
        Path(options.save).write_text(json.dumps([config.to_json()], ensure_ascii=False, indent=2), encoding="utf-8")
    _tell(f"在系统中登记：{form_path(config)}")
    return 0


def _redecode(options: argparse.Namespace) -> int:
    spool = Path(options.spool)
    known = {config.device_id: config for config in load_devices(spool / "devices.json")}
    config = known.get(options.device) or DeviceConfig(options.device, options.driver or "", {})
    if options.driver:
        config = replace(config, driver=options.driver)
    begin, end = (round(datetime.fromisoformat(text).timestamp() * 1000) for text in (options.begin, options.end))
    worker = Redecoder(config, [config], begin, end, profiles_of(options))
    pieces = read_raw(spool / "spool.sqlite", [config.device_id], begin - WARM_UP_MS, end + AFTERWARDS_MS)
    found = worker.run(pieces)
    for code, column in sorted(found.columns.items()):
        line = {"code": code, "count": len(column.times), "low": min(column.values), "high": max(column.values)}
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    _tell(json.dumps(found.summary(), ensure_ascii=False))
    return 0 if found.covered else 1


def _requeue(options: argparse.Namespace) -> int:
    spool = Spool(Path(options.spool), options.bridge)
    try:
        count = spool.requeue_dead(wall_ms())
        left = spool.backlog()[1]
    finally:
        spool.close()
    _tell(f"已重新排队 {count} 批" + (f"；{left} 批没有得到答复，不能确认，仍然保留" if left else ""))
    return 0
