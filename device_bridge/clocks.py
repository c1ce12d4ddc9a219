"""The bridge's own clocks, read in one place."""

import time
from collections.abc import Callable

from device_bridge.drivers.base import Clocks


def wall_ms() -> int:
    """Wall clock of the bridge in UTC milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _monotonic() -> Callable[[], float]:
    """A clock that nobody sets. On Linux one that goes on while the computer sleeps, as that of Windows does: otherwise
    every awakening would look as if the wall clock had been set."""
    read, name = getattr(time, "clock_gettime", None), getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic if read is None or name is None else lambda: float(read(name))


_mono_s = _monotonic()


def now() -> Clocks:
    """Both clocks at this moment."""
    return Clocks(wall_ms(), _mono_s())
