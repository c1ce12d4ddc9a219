"""What of the live values travels to the pages of a case: what a tile shows, when it changed, in few bytes.

A monitor tells twenty values a second and a page shows ten, most of them unchanged; a ward network carries many
pages. Nothing here makes an old value look new: every value travels with the second in which it was measured.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

# Codes of the tiles; of a group the first that the device tells travels (the others stand in when it is silent).
FIGURES: tuple[tuple[str, ...], ...] = (
    ("HR", "PR"), ("SpO2",), ("NIBP_S",), ("NIBP_D",), ("NIBP_M",), ("ART_S",), ("ART_D",), ("ART_M",), ("EtCO2",),
    ("awRR", "RR"), ("T1", "TEMP", "T2", "TB"),
)  # fmt: skip
_ONE_DECIMAL = frozenset(FIGURES[-1])
_CUFF = frozenset({"NIBP_S", "NIBP_D", "NIBP_M"})
# Measured now and then: told again from memory for a page that missed it; the others only when they are measured.
_RARE = _CUFF | _ONE_DECIMAL
_REPEAT_MS, _REPEAT_RARE_MS = 4_000, 60_000  # well below the age at which a tile fades (10 s, 300 s)
_KEPT_MS = 15 * 60_000

Numeric = Sequence[Any]  # code, value, unit, ms since 1970, quality bits


@dataclass(slots=True)
class _Told:
    """A value as it was last told to the pages of a case."""

    value: float
    quality: int
    time_ms: int
    told_ms: int


@dataclass(slots=True)
class CaseFigures:
    """What the pages of one case know."""

    told: dict[str, _Told] = field(default_factory=dict)
    seen_ms: int = 0

    def message(self, numerics: Sequence[Numeric]) -> list[Any]:
        """What to tell of newly measured values: [second, code, value, …]; empty when nothing is worth telling.

        A value of another second, or with quality bits, stands as [code, value, second, bits].
        """
        if not numerics:
            return []
        due = self._due(_chosen(numerics))
        newest = max(int(row[3]) for row in numerics)
        self.seen_ms = max(self.seen_ms, newest)
        for code, value, _unit, time_ms, quality in due:
            self.told[code] = _Told(_rounded(code, value), int(quality), int(time_ms), newest)
        return self._words(newest // 1000, [row[0] for row in due] + self._again(newest))

    def known(self) -> list[Any]:
        """What the pages know, for one that comes late: every value with its own second."""
        codes = [code for code, one in self.told.items() if self.seen_ms - one.time_ms < _KEPT_MS]
        return self._words(self.seen_ms // 1000, codes)

    def _words(self, second: int, codes: Sequence[str]) -> list[Any]:
        parts: list[Any] = []
        for code in codes:
            one = self.told[code]
            shown = int(one.value) if one.value == int(one.value) else one.value
            at = one.time_ms // 1000
            parts += [code, shown] if at == second and not one.quality else [[code, shown, at, one.quality]]
        return [second, *parts] if parts else []

    def _due(self, fresh: Sequence[Numeric]) -> list[Numeric]:
        """What is news. Values of one cuff measurement travel together: a tile shows no pair of two measurements."""
        news = {row[0] for row in fresh if self._is_news(row)}
        if news & _CUFF:
            news |= _CUFF
        return [row for row in fresh if row[0] in news]

    def _is_news(self, fresh: Numeric) -> bool:
        code, value, _unit, time_ms, quality = fresh
        held = self.told.get(code)
        if held is None:
            return True
        if int(time_ms) < held.time_ms:
            return False  # late: the pages know a newer one
        if (_rounded(code, value), int(quality)) != (held.value, held.quality):
            return True
        return (code not in _RARE and int(time_ms) - held.told_ms >= _REPEAT_MS) or (
            code in _RARE and int(time_ms) - held.time_ms >= _REPEAT_RARE_MS
        )

    def _again(self, now_ms: int) -> list[str]:
        """Rare values that a page may have missed."""
        found = []
        for code, held in self.told.items():
            if code in _RARE and now_ms - held.told_ms >= _REPEAT_RARE_MS and now_ms - held.time_ms < _KEPT_MS:
                held.told_ms = now_ms
                found.append(code)
        return found


def _rounded(code: str, value: float) -> float:
    return round(value, 1 if code in _ONE_DECIMAL else 0)


def _chosen(numerics: Sequence[Numeric]) -> list[Numeric]:
    by_code = {row[0]: row for row in numerics}
    found = (next((by_code[code] for code in group if code in by_code), None) for group in FIGURES)
    return [row for row in found if row is not None]


class Figures:
    """The figures of all cases under way; safe to use from several threads."""

    def __init__(self) -> None:
        self._cases: dict[str, CaseFigures] = {}
        self._lock = threading.Lock()

    def message(self, topic: str, numerics: Sequence[Numeric]) -> list[Any]:
        """See `CaseFigures.message`; cases that have been silent for long are forgotten."""
        with self._lock:
            case = self._cases.get(topic)
            if case is None:
                newest = max((int(row[3]) for row in numerics), default=0)
                for old in [name for name, one in self._cases.items() if newest - one.seen_ms > _KEPT_MS]:
                    del self._cases[old]
                case = self._cases[topic] = CaseFigures()
            return case.message(numerics)

    def known(self, topic: str) -> list[Any]:
        """See `CaseFigures.known`; empty for a case of which nothing was told."""
        with self._lock:
            case = self._cases.get(topic)
            return case.known() if case else []
