"""Command line of the device bridge: `python -m device_bridge`."""

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from device_bridge import json_log
from device_bridge.cli_listen import add_commands
from device_bridge.cli_profiles import add_profiles_argument, add_profiles_command, profiles_of
from device_bridge.decode_file import Summary, decode
from device_bridge.drivers.base import CodecOptions
from device_bridge.drivers.registry import DRIVERS, UnknownDriver, get_driver
from device_bridge.service import BridgeService, BridgeSettings, stop_on_signals
from device_bridge.simulators.base import SimulatedDevice, SimulatorSettings
from device_bridge.simulators.faults import parse_faults
from device_bridge.simulators.patient import PROFILES
from device_bridge.simulators.registry import SIMULATORS
from device_bridge.tools import (
    address,
    capture,
    read_file,
    replay_connecting,
    replay_listening,
    simulate,
    transport_argument,
)

_BYTES_PER_S = 2_000.0
_ANALYSERS = frozenset({"astm", "hl7_bloodgas"})
_SAMPLE_EVERY_S = 1800.0  # of an analyser beside a patient


def main(arguments: list[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    with contextlib.suppress(AttributeError, ValueError):
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        sys.stderr.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except ZoneInfoNotFoundError:
        print("错误：没有这个时区", file=sys.stderr)
        return 2
    except (UnknownDriver, ValueError, OSError) as error:
        print(f"错误：{error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="device_bridge", description="设备数据采集（只采集，不控制）")
    commands = parser.add_subparsers(required=True, metavar="命令")

    run = commands.add_parser("run", help="采集设备数据并送往系统")
    run.add_argument("--url", required=True, help="系统地址，例如 http://127.0.0.1:5000")
    run.add_argument("--token-file", required=True, help="存放采集令牌的文件")
    run.add_argument("--bridge", required=True, help="本采集点的名称")
    run.add_argument("--spool", required=True, help="本地缓存目录")
    run.add_argument("--devices", help="设备清单 JSON；不给则向系统查询")
    run.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    add_profiles_argument(run)
    run.add_argument("--log-file", help="日志写入文件（每 5 MB 轮换，保留 5 个），不给则写到标准错误")
    run.set_defaults(command=_run)

    one = commands.add_parser("decode", help="解码一个采集文件，每行一个 JSON")
    one.add_argument("--driver", required=True)
    one.add_argument("--all", action="store_true", help="无效值也输出")
    one.add_argument("--tz", default="Asia/Shanghai", help="设备时区")
    one.add_argument("--profile", default="", metavar="型号", help="型号对照表，见 profiles 命令")
    add_profiles_argument(one)
    one.add_argument("file")
    one.set_defaults(command=_decode)

    replay = commands.add_parser("replay", help="像设备一样播放采集文件")
    replay.add_argument("file")
    replay.add_argument("--driver", required=True)
    where = replay.add_mutually_exclusive_group(required=True)
    where.add_argument("--listen", metavar="HOST:PORT")
    where.add_argument("--connect", metavar="HOST:PORT")
    replay.add_argument("--speed", type=float, default=1.0, help="倍速")
    replay.set_defaults(command=_replay)

    simulation = commands.add_parser("simulate", help="模拟一台设备")
    simulation.add_argument("--driver", required=True)
    place = simulation.add_mutually_exclusive_group(required=True)
    place.add_argument("--listen", metavar="HOST:PORT", help="等待采集服务来连接（或来问）")
    place.add_argument("--to", metavar="HOST:PORT", help="主动送往采集服务（网关、血气中间件、主动发数据报的设备）")
    simulation.add_argument("--also", action="append", default=[], metavar="DRIVER=HOST:PORT",
                            help="同一病人身边的另一台设备，可重复；在同一进程中等待采集服务来连接")  # fmt: skip
    simulation.add_argument("--seed", type=int, default=1)
    simulation.add_argument("--profile", choices=PROFILES, default="general")
    simulation.add_argument("--case-clock", type=int, default=0, metavar="SECONDS", help="从手术的第几秒开始")
    simulation.add_argument("--nibp-every", type=float, default=300.0, metavar="SECONDS")
    simulation.add_argument("--interval", type=float, default=1.0, metavar="SECONDS", help="发送间隔（迈瑞）")
    simulation.add_argument("--arterial", action="store_true", help="带有创动脉压")
    simulation.add_argument("--name", default="SIM", help="设备/床位名")
    simulation.add_argument("--fault", action="append", default=[], metavar="名称:数值",
                            help="故障，可重复：noise、flip、cut、lost、twin（概率），restart、clock（秒），out")  # fmt: skip
    simulation.add_argument("--fault-file", metavar="FILE", help="故障文件，运行中改动即生效")
    simulation.add_argument("--charted", metavar="FILE", help="病人对该文件中记录的用药作出反应（演示科室自动写）")
    simulation.add_argument("--count-file", help="记录真正发出的每个值（JSON 行）")
    simulation.set_defaults(command=_simulate)

    record = commands.add_parser("capture", help="把一条线路上的原始数据写入文件（不发送任何数据）")
    record.add_argument("--from", dest="source", required=True, help="HOST:PORT 或 JSON 连接参数")
    record.add_argument("--seconds", type=float, default=0, help="时长，0 = 直到中断")
    record.add_argument("file")
    record.set_defaults(command=_capture)

    add_commands(commands)
    add_profiles_command(commands)

    drivers = commands.add_parser("drivers", help="列出驱动")
    drivers.set_defaults(command=_drivers)
    return parser


def _run(options: argparse.Namespace) -> int:
    json_log.set_up(options.log_level, Path(options.log_file) if options.log_file else None)
    token = Path(options.token_file).read_text(encoding="utf-8-sig").strip()  # Notepad puts a mark before it
    settings = BridgeSettings(
        url=options.url,
        token=token,
        bridge=options.bridge,
        spool_dir=Path(options.spool),
        devices_file=Path(options.devices) if options.devices else None,
        profiles_dir=Path(options.profiles) if options.profiles else None,
    )

    async def body() -> None:
        await BridgeService(settings).run()

    asyncio.run(body())
    return 0


def _decode(options: argparse.Namespace) -> int:
    driver = get_driver(options.driver)
    profile = profiles_of(options).get(driver.name, options.profile)
    codec_options = CodecOptions(timezone=options.tz, profile=profile)
    summary = Summary()
    for line in decode(driver, read_file(options.file), codec_options, summary, everything=options.all):
        print(line)
    print("\n".join(summary.lines()), file=sys.stderr)
    return 0


def _until_stopped(body: Callable[[asyncio.Event], Coroutine[Any, Any, Any]]) -> Any:
    async def outer() -> Any:
        stop = asyncio.Event()
        stop_on_signals(asyncio.get_running_loop(), stop)
        return await body(stop)

    return asyncio.run(outer())


def _announce(host: str) -> Callable[[int], None]:
    return lambda port: print(f"listening {host}:{port}", flush=True)


def _replay(options: argparse.Namespace) -> int:
    data = get_driver(options.driver).prepare_file(read_file(options.file))
    pace = _BYTES_PER_S * max(options.speed, 0.001)
    if options.connect:
        asyncio.run(replay_connecting(data, address(options.connect), pace))
        return 0
    host, port = address(options.listen)
    _until_stopped(lambda stop: replay_listening(data, (host, port), pace, _announce(host), stop))
    return 0


def _simulate(options: argparse.Namespace) -> int:
    host, port = address(options.listen or options.to)
    settings = SimulatorSettings(
        host=host,
        port=port,
        seed=options.seed,
        profile=options.profile,
        case_clock_s=options.case_clock,
        nibp_every_s=options.nibp_every,
        interval_s=max(options.interval, 0.05),
        count_file=Path(options.count_file) if options.count_file else None,
        name=options.name,
        arterial=options.arterial,
        faults=parse_faults(options.fault),
        fault_file=Path(options.fault_file) if options.fault_file else None,
        charted=Path(options.charted) if options.charted else None,
    )
    devices = [_simulator(options.driver, settings, is_server=bool(options.listen))]
    for word in options.also:
        driver, _, where = word.partition("=")
        host, port = address(where)
        every_s = max(settings.nibp_every_s, _SAMPLE_EVERY_S) if driver in _ANALYSERS else settings.nibp_every_s
        beside = replace(settings, host=host, port=port, nibp_every_s=every_s, count_file=None)
        devices.append(_simulator(driver, beside, is_server=True))

    async def all_of(stop: asyncio.Event) -> None:
        await asyncio.gather(*(simulate(device, _told(device), stop) for device in devices))

    _until_stopped(all_of)
    return 0


def _simulator(driver: str, settings: SimulatorSettings, *, is_server: bool) -> SimulatedDevice:
    make = SIMULATORS.get(driver)
    if make is None:
        get_driver(driver)
        raise ValueError(f"驱动 {driver} 没有模拟器；可用：{'、'.join(sorted(SIMULATORS))}")
    device = make(settings)
    if device.is_server != is_server:
        raise ValueError(f"{driver} 的模拟器要用 {'--listen' if device.is_server else '--to'} HOST:PORT")
    return device


def _told(device: SimulatedDevice) -> Callable[[int], None]:
    def announce(port: int) -> None:
        _announce(device.settings.host)(port)
        if device.address:
            print(f"设备地址 {device.address}", flush=True)

    return announce


def _capture(options: argparse.Namespace) -> int:
    source = transport_argument(options.source)
    with Path(options.file).open("ab") as out:
        count = _until_stopped(lambda stop: capture(source, out, options.seconds, stop))
    print(f"已写入 {count} 字节", file=sys.stderr)
    return 0


def _drivers(_: argparse.Namespace) -> int:
    for driver in DRIVERS.values():
        simulated = "，有模拟器" if driver.name in SIMULATORS else ""
        print(f"{driver.name:<16} {driver.title}（{'/'.join(driver.capabilities)}{simulated}）")
    return 0
