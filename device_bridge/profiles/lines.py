"""A line of a profile, and a profile after all its files were laid over each other."""

from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT = "default"
SETTING = "$"  # a unit that begins with it is decided by the setting of that name


class ProfileError(ValueError):
    """A profile cannot be used; the message (Chinese) names file, line and what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """One native item. Canonical value = ((raw - zero) * factor / divisor), then from `unit` to the canonical unit."""

    native: str
    code: str
    unit: str = ""  # blank: the message states it; "$name": a setting decides
    factor: float = 1.0
    divisor: float = 1.0
    zero: float = 0.0
    low: float | None = None  # believable range of this model in the canonical unit
    high: float | None = None
    after: str = ""  # stands in for this other item while that one has no value
    doubt: bool = False  # not confirmed on a device: values are flagged questionable
    source: str = ""
    where: str = ""  # file and line


@dataclass(frozen=True, slots=True)
class Curve:
    """What a hospital found with a calibration pulse: physical value = (what the driver gives - zero) * factor."""

    code: str
    unit: str
    factor: float = 1.0
    zero: float = 0.0
    source: str = ""
    where: str = ""


@dataclass(frozen=True, eq=False)
class Profile:
    """All lines that hold for one model of one driver. Compared by identity, so that tables can be remembered."""

    driver: str
    model: str
    title: str
    models: str
    lines: Mapping[str, Line]
    units: Mapping[str, str]  # spelling in messages → unit
    settings: Mapping[str, str | float]
    ignored: frozenset[str]  # items that are left out on purpose
    curves: Mapping[str, Curve]
    files: tuple[str, ...]
