"""Command line of the interface engine."""

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from app.core.errors import SettingsError
from app.core.logging import configure_logging
from app.core.settings import load_settings
from integrations.application import make_application
from integrations.engine import Engine, options_of
from integrations.hl7.charset import known_codec
from integrations.hl7.codes import PeerProfile, load_profile
from integrations.hl7.errors import MessageError
from integrations.hl7.preview import as_json, describe, preview
from integrations.simulators.his import Fault, HisSimulator, Options

ACCEPTED, REFUSED, UNUSABLE = 0, 1, 2


def build_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(prog="python -m integrations", description="麻沸接口引擎")
    commands = parser.add_subparsers(dest="command", required=True, title="命令")
    parse = commands.add_parser("parse", help="试读 HL7 文件：每条消息会做什么、会得到什么应答（不写数据库）")
    parse.add_argument("file", metavar="文件", help="HL7 文件（单条、批量或 MLLP 抓包均可），- 表示标准输入")
    parse.add_argument("--charset", default="", help="发送方字符集（utf-8 或 gb18030），默认自动判断")
    parse.add_argument("--profile", type=Path, help="本院对照文件（YAML：codes、fields、charset）")
    parse.add_argument("--json", action="store_true", help="以 JSON 输出")
    parse.set_defaults(run=run_parse)
    _add_engine(commands.add_parser("run", help="运行接口引擎：接收 HIS 消息，发送排班与状态"))
    _add_simulator(commands.add_parser("his-simulator", help="模拟 HIS：发送患者与手术申请，接收排班与状态"))
    return parser


def _add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mllp-host", default="", metavar="主机", help="监听地址，默认取 MAFEI_MLLP_HOST")
    parser.add_argument("--mllp-port", type=int, metavar="端口", help="监听端口，默认取 MAFEI_MLLP_PORT（2575）")
    parser.add_argument("--his-host", default="", metavar="主机", help="HIS 地址，默认取 MAFEI_HIS_HOST")
    parser.add_argument("--his-port", type=int, metavar="端口", help="HIS 端口，默认取 MAFEI_HIS_PORT（2576）")
    parser.add_argument("--charset", default="", help="发给 HIS 的字符集（utf-8 或 gb18030，默认 utf-8）")
    parser.add_argument("--profile", type=Path, help="本院对照文件，默认 instance/his-profile.yaml（有则使用）")
    parser.add_argument("--pacing", type=float, default=0.0, metavar="秒", help="两条消息之间的间隔（默认 0）")
    parser.add_argument(
        "--allow", action="append", default=[], metavar="地址", help="只允许这些地址连接，可多次给出（默认不限）"
    )
    parser.set_defaults(run=run_engine)


def _add_simulator(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--send-to", type=_address, metavar="主机:端口", help="麻沸接口的地址")
    parser.add_argument("--listen", type=_address, metavar="主机:端口", help="接收排班与状态的地址")
    parser.add_argument("--seed", type=int, default=1, help="随机种子；同一天同一种子的内容相同（默认 1）")
    parser.add_argument("--rate", type=float, default=0.5, metavar="条/分", help="首批之后每分钟几条（默认 0.5）")
    parser.add_argument("--first", type=int, default=12, metavar="N", help="启动时立即发送的申请数（默认 12）")
    parser.add_argument("--once", type=int, metavar="N", help="只发送 N 个申请（及其修改、取消）后退出")
    parser.add_argument("--speed", type=float, default=1.0, help="速度倍数，例如 10（默认 1）")
    parser.add_argument("--charset", default="utf-8", help="utf-8 或 gb18030（默认 utf-8）")
    parser.add_argument("--received", type=Path, metavar="文件", help="把收到的消息逐行写成 JSON")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        type=_fault,
        metavar="名称[:每几条]",
        help=f"故障开关，可多次给出：{'、'.join(Fault)}（默认每 5 条一次）",
    )
    parser.set_defaults(run=run_simulator)


def _address(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"应写成 主机:端口，现在是 {text}")
    return host.strip("[]") or "127.0.0.1", int(port)


def _fault(text: str) -> tuple[Fault, int]:
    name, _, every = text.partition(":")
    try:
        return Fault(name), max(int(every or 5), 1)
    except ValueError:
        raise argparse.ArgumentTypeError(f"不认识的故障 {text}，可用：{'、'.join(Fault)}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, give the exit code."""
    options = build_parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (MessageError, SettingsError) as error:
        print(getattr(error, "message", error), file=sys.stderr)
        return UNUSABLE
    except BrokenPipeError:
        # the reader of our output (head, less) is gone; keep the interpreter from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ACCEPTED


def profile_of(options: argparse.Namespace) -> PeerProfile:
    """The profile file, or the default one with the charset of the command line. Raises `MessageError`."""
    if options.charset and known_codec(options.charset) is None:
        raise MessageError(f"不认识的字符集 {options.charset}，可用 utf-8 或 gb18030。")
    base = load_profile(options.profile) if options.profile else PeerProfile()
    charset = options.charset or base.charset
    return PeerProfile(base.name, charset, base.version, base.codes, base.paths)


def run_parse(options: argparse.Namespace) -> int:
    """`parse`: 0 when everything would be accepted, 1 when something would be refused, 2 when not readable."""
    profile = profile_of(options)
    shown = preview(_read(options.file), profile)
    if options.json:
        print(json.dumps([as_json(item) for item in shown], ensure_ascii=False, indent=2))
    else:
        for item in shown:
            print(describe(item))
            print()
        refused = sum(not item.item.is_acceptable for item in shown)
        print(f"共 {len(shown)} 条，可接受 {len(shown) - refused} 条，拒绝 {refused} 条。")
    return ACCEPTED if all(item.item.is_acceptable for item in shown) else REFUSED


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise MessageError(f"读不到文件 {name}：{error.strerror}。请检查路径与权限。") from None


def run_simulator(options: argparse.Namespace) -> int:
    """`his-simulator`: 0, or 1 when `--once` left messages that were not taken."""
    if known_codec(options.charset) is None:
        raise MessageError(f"不认识的字符集 {options.charset}，可用 utf-8 或 gb18030。")
    if options.send_to is None and options.listen is None:
        raise MessageError("请至少给出 --send-to 或 --listen。")
    simulator = HisSimulator(
        Options(
            send_to=options.send_to,
            listen=options.listen,
            seed=options.seed,
            per_minute=options.rate * options.speed,
            first_batch=options.first,
            once=options.once,
            charset=options.charset,
            received=options.received,
            faults=dict(options.fault),
        ),
        say=lambda text: print(text, flush=True),
    )
    simulator.start()
    try:
        with stopped_by_signals(simulator.stopping):
            return REFUSED if simulator.run() else ACCEPTED
    finally:
        simulator.stop()


def run_engine(options: argparse.Namespace) -> int:
    """`run`: until SIGTERM or SIGINT."""
    if options.charset and known_codec(options.charset) is None:
        raise MessageError(f"不认识的字符集 {options.charset}，可用 utf-8 或 gb18030。")
    settings = load_settings()
    configure_logging(settings.log_level)
    chosen = options_of(
        settings,
        mllp_host=options.mllp_host,
        mllp_port=options.mllp_port,
        his_host=options.his_host,
        his_port=options.his_port,
        charset=options.charset,
        profile=options.profile,
        pacing_seconds=options.pacing,
        allowed=frozenset(options.allow),
    )
    stopping = threading.Event()
    with stopped_by_signals(stopping), Engine(make_application(settings), chosen) as engine:
        host, port = chosen.his
        print(f"接口引擎已启动：监听 {chosen.listen[0]}:{engine.server.port}，HIS {host}:{port}", flush=True)
        stopping.wait()
    return ACCEPTED


@contextlib.contextmanager
def stopped_by_signals(stopping: threading.Event) -> Iterator[None]:
    """Let SIGTERM and SIGINT end a loop in good order; the former handlers come back afterwards."""

    def _stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    former = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
