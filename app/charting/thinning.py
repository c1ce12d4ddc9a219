"""Which readings get a symbol or a figure when there is no room for all; the fine line still passes through all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from app.charting.frame import Frame
from app.charting.record import Limits, VitalPoint


@dataclass(frozen=True, slots=True)
class Shown:
    """A reading that gets a symbol, and the footnotes of readings it stands for."""

    point: VitalPoint
    x: float
    footnotes: tuple[int, ...]
    edited: bool


def thin(
    points: Sequence[VitalPoint], frame: Frame, interval_minutes: int, least_gap: float, limits: Limits
) -> list[Shown]:
    """At most one reading a stretch of ``least_gap``. Within a stretch an edited value wins, then one beyond its
    limits, then the one nearest the grid line; no two chosen ones are nearer than ``least_gap``."""
    slot = interval_minutes * frame.per_minute
    stretch = slot * max(1, ceil(least_gap / slot - 1e-9))
    chosen: list[Shown] = []
    for members in _stretches(points, frame, stretch).values():
        best = min(members, key=lambda member: _rank(member[1], limits, member[0], frame.left, stretch))
        _add(chosen, _shown(best, [point for _, point in members]), least_gap)
    return chosen


def _stretches(points: Sequence[VitalPoint], frame: Frame, stretch: float) -> dict[int, list[tuple[float, VitalPoint]]]:
    found: dict[int, list[tuple[float, VitalPoint]]] = {}
    half_slot = frame.per_minute / 2  # a reading just before its grid line belongs to that line
    for point in points:
        x = frame.x(point.at)
        found.setdefault(int((x - frame.left + half_slot) // stretch), []).append((x, point))
    return found


def _rank(point: VitalPoint, limits: Limits, x: float, left: float, stretch: float) -> tuple[bool, bool, float]:
    offset = (x - left) % stretch
    return not point.edited, not limits.breached_by(point.value), min(offset, stretch - offset)


def _shown(best: tuple[float, VitalPoint], members: Sequence[VitalPoint]) -> Shown:
    notes = tuple(sorted({point.footnote for point in members if point.footnote is not None}))
    return Shown(best[1], best[0], notes, any(point.edited for point in members))


def _add(chosen: list[Shown], new: Shown, least_gap: float) -> None:
    """Append unless it would touch the last one; the edited one of two stays and keeps both footnotes."""
    if not chosen or new.x - chosen[-1].x >= least_gap - 1e-6:
        chosen.append(new)
        return
    last = chosen[-1]
    notes = tuple(sorted({*last.footnotes, *new.footnotes}))
    far_enough = len(chosen) < 2 or new.x - chosen[-2].x >= least_gap - 1e-6
    stays = new if new.point.edited and not last.point.edited and far_enough else last
    chosen[-1] = Shown(stays.point, stays.x, notes, last.edited or new.edited)
