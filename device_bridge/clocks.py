"""The bridge's own clocks, read in one place."""

import time

from device_bridge.drivers.base import Clocks


def wall_ms() -> int:
    """Wall clock of the bridge in UTC milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def now() -> Clocks:
    """Both clocks at this moment."""
    return Clocks(wall_ms(), time.monotonic())
