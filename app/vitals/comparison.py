"""What stands against what was decoded again: value by value, and what would stand afterwards. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.vitals.columns import Samples

TOLERANCE_MS = 500
# Bits that depend on what was known before (clock, repetition, lateness) and not on the value: 16 | 32 | 64 | 128.
_CONTENT = 0xFFFF & ~(16 | 32 | 64 | 128)
_SHOWN = 5
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that would be another, appear or vanish; None: there is none."""

    time_ms: int
    old: float | None
    new: float | None
    old_quality: int = 0
    new_quality: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """One parameter: how many values are the same, changed, added, vanished; some of them; what would stand."""

    code: str
    unit: str
    same: int
    changed: int
    added: int
    vanished: int
    examples: tuple[Difference, ...]
    result: Samples

    @property
    def counts(self) -> list[int]:
        """[same, changed, added, vanished]."""
        return [self.same, self.changed, self.added, self.vanished]

    @property
    def differs(self) -> bool:
        """Anything would be other than it is."""
        return bool(self.changed or self.added or self.vanished)


def compare(code: str, old: Samples, new: Samples, covered: Sequence[Sequence[int]]) -> Comparison:
    """`old` and `new` are of the same span, ascending in time. A value of which the raw bytes say nothing, because
    there are none of its time, stays.
    """
    mine, its = _pairs(old.times_ms, new.times_ms)
    alike = (old.values[mine] == new.values[its]) & (
        (old.qualities[mine] & _CONTENT) == (new.qualities[its] & _CONTENT)
    )
    if old.unit != new.unit and len(old) and len(new):
        alike[:] = False
    changed_old, changed_new = mine[~alike], its[~alike]
    alone = np.setdiff1d(np.arange(len(old)), mine, assume_unique=True)
    vanished = alone[_is_covered(old.times_ms[alone], covered)]
    added = np.setdiff1d(np.arange(len(new)), its, assume_unique=True)
    return Comparison(
        code=code,
        unit=new.unit or old.unit,
        same=len(old) - len(changed_old) - len(vanished),
        changed=len(changed_old),
        added=len(added),
        vanished=len(vanished),
        examples=_examples(old, new, changed_old, changed_new, added, vanished),
        result=_result(old, new, changed_old, changed_new, added, vanished),
    )


def _pairs(old: Indices, new: Indices) -> tuple[Indices, Indices]:
    """Places of values that belong together: the same time first, then the nearest within the tolerance."""
    _, mine, its = np.intersect1d(_keys(old), _keys(new), assume_unique=True, return_indices=True)
    left = np.setdiff1d(np.arange(len(old)), mine, assume_unique=True).tolist()
    right = np.setdiff1d(np.arange(len(new)), its, assume_unique=True).tolist()
    more_old: list[int] = []
    more_new: list[int] = []
    at = 0
    for place in left:
        while at < len(right) and new[right[at]] < old[place] - TOLERANCE_MS:
            at += 1
        if at < len(right) and new[right[at]] <= old[place] + TOLERANCE_MS:
            more_old.append(place)
            more_new.append(right[at])
            at += 1
    return (
        np.concatenate([mine, np.array(more_old, np.int64)]).astype(np.int64),
        np.concatenate([its, np.array(more_new, np.int64)]).astype(np.int64),
    )


def _keys(times: Indices) -> Indices:
    """Times that are all different: the n-th value of the same millisecond is marked as such."""
    nth = np.arange(len(times)) - np.searchsorted(times, times, "left")
    return np.asarray(times * 64 + np.minimum(nth, 63), np.int64)


def _is_covered(times: Indices, covered: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    found = np.zeros(len(times), np.bool_)
    for begin, end in covered:
        found |= (times >= begin) & (times <= end)
    return found


def _result(
    old: Samples, new: Samples, changed_old: Indices, changed_new: Indices, added: Indices, vanished: Indices
) -> Samples:
    values, qualities = old.values.copy(), old.qualities.copy()
    values[changed_old], qualities[changed_old] = new.values[changed_new], new.qualities[changed_new]
    stays = np.ones(len(old), np.bool_)
    stays[vanished] = False
    times = np.concatenate([old.times_ms[stays], new.times_ms[added]])
    order = np.argsort(times, kind="stable")
    return Samples(
        new.unit or old.unit,
        times[order],
        np.concatenate([values[stays], new.values[added]])[order],
        np.concatenate([qualities[stays], new.qualities[added]])[order],
    )


def _examples(
    old: Samples, new: Samples, changed_old: Indices, changed_new: Indices, added: Indices, vanished: Indices
) -> tuple[Difference, ...]:
    found = [
        Difference(
            int(old.times_ms[a]), float(old.values[a]), float(new.values[b]), int(old.qualities[a]),
            int(new.qualities[b]),
        )
        for a, b in list(zip(changed_old.tolist(), changed_new.tolist(), strict=True))[:_SHOWN]
    ]  # fmt: skip
    found += [
        Difference(int(new.times_ms[b]), None, float(new.values[b]), 0, int(new.qualities[b]))
        for b in added.tolist()[:_SHOWN]
    ]
    found += [
        Difference(int(old.times_ms[a]), float(old.values[a]), None, int(old.qualities[a]), 0)
        for a in vanished.tolist()[:_SHOWN]
    ]
    return tuple(sorted(found, key=lambda one: one.time_ms))
