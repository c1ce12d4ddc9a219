"""Pure decisions of printing: what a queue may point at, and what follows from a failure."""

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath

KINDS = {"cups": "CUPS 打印机", "raw9100": "网络打印机（9100 端口直连）", "folder": "文件夹"}
STATES = {"queued": "等待", "printing": "打印中", "done": "已打印", "failed": "失败", "cancelled": "已取消"}
MAX_ATTEMPTS = 3
MAX_COPIES = 20
LEASE = timedelta(minutes=3)
GIVE_UP_AFTER = timedelta(minutes=10)
_CUPS_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,126}")
_HOST_PORT = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a job that was not printed: it waits for `pause`, or it has failed for good."""

    is_final: bool
    pause: timedelta = timedelta(0)


def target_fault(kind: str, target: str) -> str:
    """What is wrong with a target, as a sentence; empty when it may be used."""
    if kind == "cups":
        return "" if _CUPS_NAME.fullmatch(target) else "请填写 CUPS 中的打印机名称（字母、数字、_ . -），例如 OR_LASER"
    if kind == "raw9100":
        return _address_fault(target)
    if kind == "folder":
        path = PurePosixPath(target)
        inside = target and not path.is_absolute() and ".." not in path.parts and "\\" not in target
        return "" if inside else "请填写数据目录内的文件夹名，例如 printed"
    return f"请选择打印方式：{'、'.join(KINDS)}"


def _address_fault(target: str) -> str:
    found = _HOST_PORT.fullmatch(target)
    if not found or not 0 < int(found["port"] or 9100) <= 65535:
        return "请填写打印机地址，例如 192.168.1.50 或 192.168.1.50:9100"
    return ""


def after_failure(attempts: int, is_final: bool) -> Verdict:
    """A job is tried three times, with a pause of 10 s, then 20 s; what may already be on paper is not tried again."""
    if is_final or attempts >= MAX_ATTEMPTS:
        return Verdict(True)
    return Verdict(False, timedelta(seconds=10 * attempts))
