"""What goes wrong on a line, on request: noise, flipped bits, cut and lost writes, two devices in one line, a cable
that is out, restarts, a clock that jumps.

Faults are words `name:amount`; a file of them, one a line, is read again whenever it changes, so that they can be
switched while the simulator runs.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Chances are per byte (`noise`, `flip`) or per write (`cut`, `lost`, `twin`), 0 to 1; `restart` and `clock` are
    seconds; `out` is 1 while the cable is out.
    """

    noise: float = 0.0
    flip: float = 0.0
    cut: float = 0.0
    lost: float = 0.0
    twin: float = 0.0
    restart: float = 0.0
    clock: float = 0.0
    out: float = 0.0


_CHANCES = ("noise", "flip", "cut", "lost", "twin")
NAMES = tuple(one.name for one in fields(FaultPlan))


def parse_faults(words: Sequence[str]) -> FaultPlan:
    """A plan from words such as `noise:0.01`, `restart:30`, `clock:-3600`, `out`. Raises `ValueError` in Chinese."""
    plan = FaultPlan()
    for word in words:
        name, _, text = word.strip().partition(":")
        if name not in NAMES:
            raise ValueError(f"不认识的故障 {name!r}；可用：{'、'.join(NAMES)}，写作 名称:数值")
        try:
            amount = float(text) if text else 1.0
        except ValueError:
            raise ValueError(f"故障 {name} 的数值应为数字，而不是 {text!r}") from None
        if name in _CHANCES and not 0 <= amount <= 1:
            raise ValueError(f"故障 {name} 是概率，应在 0 与 1 之间")
        if name == "restart" and amount < 0:
            raise ValueError("故障 restart 是两次重启之间的秒数，不能为负")
        plan = replace(plan, **{name: amount})
    return plan


class FaultyLine:
    """Damages what a simulated device writes, as its plan says. Deterministic for a seed."""

    def __init__(self, plan: FaultPlan, seed: int, file: Path | None = None) -> None:
        self.plan = plan
        self._chance = random.Random(seed)  # noqa: S311 - faults of a simulator, not a secret
        self._file, self._file_stamp = file, 0
        self._previous = b""
        self._started = time.monotonic()

    def refresh(self) -> None:
        """Read the file again when it changed; a mistake in it leaves the faults as they are."""
        if self._file is None or not self._file.exists():
            return
        stamp = self._file.stat().st_mtime_ns
        if stamp == self._file_stamp:
            return
        self._file_stamp = stamp
        try:
            self.plan = parse_faults(self._file.read_text(encoding="utf-8").split())
        except ValueError as error:
            print(f"故障文件未采用：{error}", flush=True)  # noqa: T201 - a tool at a terminal

    @property
    def clock_offset_ms(self) -> int:
        """How far the device's clock is off."""
        return round(self.plan.clock * 1000)

    def must_restart(self) -> bool:
        """Whether the device drops the line now and begins anew."""
        if not self.plan.restart or time.monotonic() - self._started < self.plan.restart:
            return False
        self._started = time.monotonic()
        return True

    def damage(self, data: bytes) -> bytes:
        """What of a write arrives."""
        self.refresh()
        plan, chance = self.plan, self._chance
        if plan.out or (plan.lost and chance.random() < plan.lost):
            return b""
        before, self._previous = self._previous, data
        if plan.cut and chance.random() < plan.cut:
            data = data[: chance.randrange(len(data) + 1)]
        if plan.twin and before and chance.random() < plan.twin:
            place = chance.randrange(len(data) + 1)
            data = data[:place] + before + data[place:]
        if plan.noise or plan.flip:
            data = bytes(self._touched(byte) for byte in data)
        return data

    def _touched(self, byte: int) -> int:
        if self.plan.noise and self._chance.random() < self.plan.noise:
            return self._chance.randrange(256)
        if self.plan.flip and self._chance.random() < self.plan.flip:
            return byte ^ (1 << self._chance.randrange(8))
        return byte
