"""From what a codec says to what is kept: effective times, and measurements on demand only once each."""

import json
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from device_bridge.clock_policy import DeviceClock
from device_bridge.drivers.base import (
    Alarm,
    Clocks,
    DeviceInfo,
    Fault,
    MessageBegins,
    Observation,
    Output,
    Routed,
    Send,
)
from device_bridge.parameters import EPISODIC, SAMPLED, conversion
from device_bridge.wire import DeviceAlarm, Quality

Key = TypeVar("Key")
_Values = tuple[tuple[str, float], ...]

_REMEMBERED = 256
_FRESH_MS = 120_000
_INFERRED_WITHIN_MS = 75_000
_KEPT_OVER_RESTART = 20
_MESSAGES_KEPT = 16  # a sender waits for one answer at a time
_STUCK_AFTER = 10
_ALARM_FORGOTTEN_AFTER_S = 30.0


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
        self._episodes: OrderedDict[tuple[int, _Values], float] = OrderedDict()
        self.memory_changed = False
        self._alarms: OrderedDict[tuple[int, str, str], float] = OrderedDict()
        self._messages: OrderedDict[str, None] = OrderedDict()
        self._taken: list[str] = []
        self._same: dict[str, tuple[int | None, float, int]] = {}

    def without_repeats(self, outputs: list[Output]) -> list[Output]:
        """The same outputs without what a message says that was kept before and is sent again for want of an answer.

        Faults, device facts and what is to be sent stay: a repeated message is acknowledged like the first.
        """
        if not any(isinstance(one, MessageBegins) for one in outputs):
            return outputs
        kept: list[Output] = []
        known = False
        for one in outputs:
            if isinstance(one, MessageBegins):
                known = self._is_known(one.identity)
            elif not known or isinstance(one, Send | Fault | DeviceInfo | Routed):
                kept.append(one)
        return kept

    def taken(self) -> list[str]:
        """The messages that became known since the last call."""
        taken, self._taken = self._taken, []
        return taken

    def forget(self, identities: Iterable[str]) -> None:
        """These messages did not reach the disk after all: their repetition counts."""
        for identity in identities:
            self._messages.pop(identity, None)

    def _is_known(self, identity: str) -> bool:
        if not identity:
            return False
        if identity in self._messages:
            return True
        self._messages[identity] = None
        self._taken.append(identity)
        self.memory_changed = True
        while len(self._messages) > _MESSAGES_KEPT:
            self._messages.popitem(last=False)
        return False

    def readings(self, observations: Iterable[Observation], arrived: Clocks) -> list[Reading]:
        """Values that exist, with their effective times. Absent ones (`None`) leave no trace."""
        present = [_canonical(one) for one in observations if one.value is not None]
        self.clock.message(max(_own_times(present), default=None), arrived)
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
            key = (alarm.time_ms, alarm.code, alarm.phase)
            last = self._alarms.get(key)
            _remember(self._alarms, key, arrived.mono_s)
            if last is None or arrived.mono_s - last > _ALARM_FORGOTTEN_AFTER_S:
                fresh.append(alarm if alarm.time_ms else replace(alarm, time_ms=arrived.wall_ms))
        return fresh

    def _episode(self, claim: int, group: list[Observation], arrived: Clocks) -> list[Reading]:
        values = tuple(sorted((one.code, float(one.value or 0.0)) for one in group))
        if self._known(claim, values, inferred=any(one.episode_inferred for one in group)):
            return []
        sampled = all(one.code in SAMPLED for one in group)
        if not sampled and self._episodes and abs(arrived.wall_ms - claim) < 24 * 3600 * 1000:
            self.clock.notice_episode(claim, arrived)
        _remember(self._episodes, (claim, values), arrived.mono_s)
        self.memory_changed = True
        time_ms, flags = self.clock.effective_episode(claim, arrived)
        if arrived.wall_ms - time_ms > _FRESH_MS:
            flags |= Quality.LATE
        return [Reading(one.code, time_ms, float(one.value or 0.0), int(one.quality | flags)) for one in group]

    def _known(self, claim: int, values: _Values, *, inferred: bool) -> bool:
        """Seen before? A moment that the codec only inferred may shift by a minute after a reconnection."""
        if (claim, values) in self._episodes:
            self._episodes.move_to_end((claim, values))
            return True
        if not inferred or not self._episodes:
            return False
        last_claim, last_values = next(reversed(self._episodes))
        return values == last_values and abs(claim - last_claim) <= _INFERRED_WITHIN_MS

    def remember(self) -> str:
        """What must survive a restart so that nothing is taken twice and late data keep their times."""
        self.memory_changed = False
        episodes = [[claim, values] for claim, values in list(self._episodes)[-_KEPT_OVER_RESTART:]]
        return json.dumps(
            {"episodes": episodes, "messages": list(self._messages), "offset_ms": self.clock.measured_offset_ms}
        )

    def recall(self, memory: str) -> None:
        """Inverse of `remember`; anything unreadable is ignored. A plain list are the episodes of an older bridge."""
        try:
            known = json.loads(memory)
            known = {"episodes": known} if isinstance(known, list) else known
            for claim, values in known["episodes"]:
                key = (int(claim), tuple((str(code), float(value)) for code, value in values))
                self._episodes[key] = 0.0
            self._messages.update((str(one), None) for one in known.get("messages", ()))
            offset = known.get("offset_ms")
            if offset is not None:
                self.clock.recall(int(offset))
        except (ValueError, TypeError, KeyError):
            self._episodes.clear()

    def _stuck(self, one: Observation) -> Quality:
        """The same value with the same device time again and again is a frozen source."""
        if one.time_ms is None:
            return Quality.GOOD
        before = self._same.get(one.code)
        value = float(one.value or 0.0)
        count = before[2] + 1 if before and before[:2] == (one.time_ms, value) else 1
        self._same[one.code] = (one.time_ms, value, count)
        return Quality.STUCK if count > _STUCK_AFTER else Quality.GOOD


def _own_times(observations: Iterable[Observation]) -> Iterable[int]:
    """Times that tell of the device's clock: of continuous values, and what a message with a sample states as its own.
    Only the newest does; a value may be older than the message that carries it."""
    return (
        one.time_ms
        for one in observations
        if one.time_ms is not None and (one.code not in EPISODIC or one.code in SAMPLED)
    )


def _canonical(one: Observation) -> Observation:
    """A value stated in the device's own unit becomes the unit of the chart; an unknown unit is flagged."""
    factor = conversion(one.code, one.unit)
    if factor == 1.0:
        return one
    if factor is None:
        return replace(one, quality=one.quality | Quality.UNIT_SUSPECT)
    return replace(one, value=round(float(one.value or 0.0) * factor, 4))


def _remember(memory: OrderedDict[Key, float], key: Key, when: float) -> None:
    memory[key] = when
    memory.move_to_end(key)
    while len(memory) > _REMEMBERED:
        memory.popitem(last=False)
