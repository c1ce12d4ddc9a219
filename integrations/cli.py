"""Command line of the interface engine."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from integrations.hl7.charset import known_codec
from integrations.hl7.codes import PeerProfile, load_profile
from integrations.hl7.errors import MessageError
from integrations.hl7.preview import as_json, describe, preview

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
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, give the exit code."""
    options = build_parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except MessageError as error:
        print(error.message, file=sys.stderr)
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
