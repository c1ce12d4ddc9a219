"""From what a codec says to what is kept: effective times, and measurements on demand only once each."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from device_bridge.clock_policy import DeviceClock
from device_bridge.drivers.base import Alarm, Clocks, Observation
from device_bridge.parameters import EPISODIC
from device_bridge.wire import DeviceAlarm, Quality

Key = TypeVar("Key")

_REMEMBERED = 256
_FRESH_MS = 120_000
_STUCK_AFTER = 10


@dataclass(frozen=True, slots=True)
class Reading:
    """One value ready for the spool: effective time in UTC milliseconds."""

    code: str
    time_ms: int
    value: float
    quality: int


class Normaliser:
    """Belongs to one device and survives reconnections, so that a repeated NIBP stays a single one."""

    def __init__(self) -> None:
        self.clock = DeviceClock()
        self._episodes: OrderedDict[tuple[int, tuple[tuple[str, float], ...]], None] = OrderedDict()
        self._seen_episode = False
        self._alarms: OrderedDict[tuple[int, str, str], None] = OrderedDict()
        self._same: dict[str, tuple[int | None, float, int]] = {}

    def readings(self, observations: Iterable[Observation], arrived: Clocks) -> list[Reading]:
        """Values that exist, with their effective times. Absent ones (`None`) leave no trace."""
        present = [one for one in observations if one.value is not None]
        for claim in sorted({one.time_ms for one in present if one.time_ms is not None and one.code not in EPISODIC}):
            self.clock.notice(claim, arrived)
        out: list[Reading] = []
        episodes: dict[int, list[Observation]] = {}
        for one in present:
            if one.code in EPISODIC:
                if one.episode_ms is not None:
                    episodes.setdefault(one.episode_ms, []).append(one)
                continue
            time_ms, flags = self.clock.effective(one.time_ms, arrived)
            flags |= self._stuck(one)
            out.append(Reading(one.code, time_ms, float(one.value or 0.0), int(one.quality | flags)))
        for claim, group in sorted(episodes.items()):
            out += self._episode(claim, group, arrived)
        return out

    def alarms(self, alarms: Iterable[Alarm], arrived: Clocks) -> list[DeviceAlarm]:
        """Alarms not seen before; monitors repeat the whole list every second."""
        fresh: list[DeviceAlarm] = []
        for one in alarms:
            alarm = one.alarm
            key = (0 if alarm.time_ms == arrived.wall_ms else alarm.time_ms, alarm.code, alarm.phase)
            if key in self._alarms:
                self._alarms.move_to_end(key)
                continue
            _remember(self._alarms, key)
            fresh.append(alarm)
        return fresh

    def _episode(self, claim: int, group: list[Observation], arrived: Clocks) -> list[Reading]:
        key = (claim, tuple(sorted((one.code, float(one.value or 0.0)) for one in group)))
        if key in self._episodes:
            self._episodes.move_to_end(key)
            return []
        fresh = self._seen_episode and abs(arrived.wall_ms - claim) < 24 * 3600 * 1000
        if fresh:
            self.clock.notice_episode(claim, arrived)
        self._seen_episode = True
        _remember(self._episodes, key)
        time_ms, flags = self.clock.effective_episode(claim, arrived)
        if arrived.wall_ms - time_ms > _FRESH_MS:
            flags |= Quality.LATE
        return [
            Reading(one.code, time_ms, float(one.value or 0.0), int(one.quality | flags)) for one in group
        ]

    def _stuck(self, one: Observation) -> Quality:
        """The same value with the same device time again and again is a frozen source."""
        if one.time_ms is None:
            return Quality.GOOD
        before = self._same.get(one.code)
        value = float(one.value or 0.0)
        count = before[2] + 1 if before and before[:2] == (one.time_ms, value) else 1
        self._same[one.code] = (one.time_ms, value, count)
        return Quality.STUCK if count > _STUCK_AFTER else Quality.GOOD


def _remember(memory: "OrderedDict[Key, None]", key: Key) -> None:
    memory[key] = None
    while len(memory) > _REMEMBERED:
        memory.popitem(last=False)
