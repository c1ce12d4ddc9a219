"""Which time a value gets.

Three clocks are known: the device's claim, the bridge's wall clock at arrival, and a monotonic clock. The
offset of a device is the median of (arrival - claim) over the last minute. Under 2 s the device is believed;
under 24 h the claim is shifted by the offset and flagged; beyond that the arrival counts and is flagged.
The bridge never sets a device clock.

A sender that held its messages back while nobody answered lets its clock look slow: its times advance faster than
they arrive. Such messages say nothing about the clock, and after a restart the offset of before counts until a
minute of new ones has come.

A device clock that leaps (daylight saving, somebody sets it) shows in one message: its times go back, or lie in the
future. From that message on its times are shifted to the arrival, until the offset is known anew; nothing is kept an
hour from where it was measured. When the clock of this computer leaps (its time service corrects it), the monotonic
clock knows by how much, and all that was measured is shifted with it.
"""

from collections import deque
from statistics import median

from device_bridge.drivers.base import Clocks
from device_bridge.wire import Quality

WINDOW_S = 60.0
BELIEVED_MS = 2_000
CORRECTABLE_MS = 24 * 3600 * 1000
_MAX_SAMPLES = 240
_LATE_MS = 500
_CATCHING_UP_MS = 100  # gained on the arrivals from one message to the next
_JUMP_AFTER = 2  # samples that agree with the newest one
_WEIGHT_OF_BEFORE = 20  # samples
_LEAP_MS = 5_000
_STEP_MS = 1_000  # of this computer's clock against the monotonic one, between two messages


class DeviceClock:
    """Measures one device's clock and decides the effective time of its values."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque(maxlen=_MAX_SAMPLES)
        self._offset_ms: int | None = None
        self._episode_offset_ms: int | None = None
        self._last_claim: int | None = None
        self._last_wall_ms = 0
        self._before: int | None = None  # the offset that was measured before a restart
        self._began_s: float | None = None
        self._newest_ms: int | None = None  # the newest time of the last message
        self._leapt_ms: int | None = None  # the offset to go by while a leap is not confirmed
        self._seen: Clocks | None = None
        self.jumps = 0
        self.steps = 0

    @property
    def offset_ms(self) -> int | None:
        """Arrival minus device time in milliseconds; None when the device states no time."""
        return self._offset_ms if self._offset_ms is not None else self._episode_offset_ms

    @property
    def measured_offset_ms(self) -> int | None:
        """The offset from continuous values only."""
        return self._offset_ms

    def recall(self, offset_ms: int) -> None:
        """What the offset was before a restart."""
        self._offset_ms = self._before = offset_ms

    def message(self, newest_ms: int | None, arrived: Clocks) -> None:
        """A message came, and this is the newest time in it. Called before the times of its values are asked for."""
        self._follow_step(arrived)
        if newest_ms is None:
            return
        sample = arrived.wall_ms - newest_ms
        late = sample - (self._offset_ms if self._offset_ms is not None else sample)
        went_back = self._newest_ms is not None and newest_ms < self._newest_ms - _LEAP_MS
        goes_on = self._leapt_ms is not None and abs(sample - self._leapt_ms) <= BELIEVED_MS
        has_leapt = abs(late) > _LEAP_MS and (late < 0 or went_back or goes_on)
        self._leapt_ms = sample if has_leapt else None
        self._newest_ms = newest_ms
        self.notice(newest_ms, arrived)

    def _follow_step(self, arrived: Clocks) -> None:
        """Shift what is known when the clock of this computer was set."""
        before, self._seen = self._seen, arrived
        if before is None:
            return
        step = arrived.wall_ms - before.wall_ms - round((arrived.mono_s - before.mono_s) * 1000)
        if abs(step) < _STEP_MS:
            return
        self.steps += 1
        self._samples = deque(((at, one + step) for at, one in self._samples), maxlen=_MAX_SAMPLES)
        self._last_wall_ms += step
        self._offset_ms = _plus(self._offset_ms, step)
        self._episode_offset_ms = _plus(self._episode_offset_ms, step)
        self._before = _plus(self._before, step)

    def notice(self, claim_ms: int, arrived: Clocks) -> None:
        """A continuous value came with this time. Called once a frame is enough."""
        if claim_ms == self._last_claim and self._samples and arrived.mono_s - self._samples[-1][0] < 0.5:
            return
        catching_up = self._is_catching_up(claim_ms, arrived)
        self._last_claim, self._last_wall_ms = claim_ms, arrived.wall_ms
        if catching_up:
            return
        sample = arrived.wall_ms - claim_ms
        if self._offset_ms is not None and abs(sample - self._offset_ms) > max(BELIEVED_MS, 5_000):
            self._jump(sample)
        self._samples.append((arrived.mono_s, sample))
        while self._samples and arrived.mono_s - self._samples[0][0] > WINDOW_S:
            self._samples.popleft()
            if len(self._samples) == 1 and self._offset_ms is not None:  # silent for long: what was known counts
                self._before, self._began_s = self._offset_ms, None
        before = self._offset_ms
        if self._began_s is None:
            self._began_s = arrived.mono_s
        elif arrived.mono_s - self._began_s > WINDOW_S:
            self._before = None
        held = [] if self._before is None else [self._before] * _WEIGHT_OF_BEFORE
        self._offset_ms = round(median([*held, *(value for _, value in self._samples)]))
        if before is not None and abs(before - self._offset_ms) > BELIEVED_MS:
            self.jumps += 1

    def _is_catching_up(self, claim_ms: int, arrived: Clocks) -> bool:
        """Later than usual, and the times advance faster than they arrive: messages that had to wait."""
        if self._last_claim is None or self._offset_ms is None:
            return False
        faster = (claim_ms - self._last_claim) - (arrived.wall_ms - self._last_wall_ms)
        return faster > _CATCHING_UP_MS and arrived.wall_ms - claim_ms - self._offset_ms > _LATE_MS

    def _jump(self, sample: int) -> None:
        """Three samples in a row far from the median: somebody set a clock; start a new epoch."""
        recent = list(self._samples)[-_JUMP_AFTER:]
        if len(recent) == _JUMP_AFTER and all(abs(one - sample) <= BELIEVED_MS for _, one in recent):
            self._samples.clear()
            self._before = None
            self.jumps += 1

    def notice_episode(self, claim_ms: int, arrived: Clocks) -> None:
        """A fresh measurement on demand was announced; the only hint for devices without other times."""
        self._episode_offset_ms = arrived.wall_ms - claim_ms

    def effective(self, claim_ms: int | None, arrived: Clocks) -> tuple[int, Quality]:
        """Effective time of a continuous value and the flags it earns."""
        if claim_ms is None:
            return arrived.wall_ms, Quality.GOOD
        known = self._leapt_ms if self._leapt_ms is not None else self._offset_ms
        return _apply(claim_ms, known if known is not None else arrived.wall_ms - claim_ms, arrived)

    def effective_episode(self, claim_ms: int, arrived: Clocks) -> tuple[int, Quality]:
        """Effective time of a measurement on demand.

        With a known offset the claim is shifted by it. Without, a claim in the past may simply be an old
        measurement and stays as it is; a claim in the future is a wrong clock and is shifted to the arrival.
        """
        known = self._leapt_ms if self._leapt_ms is not None else self._offset_ms
        if known is not None:
            return _apply(claim_ms, known, arrived)
        age = arrived.wall_ms - claim_ms
        if self._episode_offset_ms is not None and abs(self._episode_offset_ms) > 60_000:
            return _apply(claim_ms, self._episode_offset_ms, arrived)
        if age < -BELIEVED_MS:
            return _apply(claim_ms, age, arrived)
        if age >= CORRECTABLE_MS:
            return arrived.wall_ms, Quality.CLOCK_UNTRUSTED
        return claim_ms, Quality.GOOD


def _plus(offset_ms: int | None, step_ms: int) -> int | None:
    return None if offset_ms is None else offset_ms + step_ms


def _apply(claim_ms: int, offset_ms: int, arrived: Clocks) -> tuple[int, Quality]:
    if abs(offset_ms) < BELIEVED_MS:
        return claim_ms, Quality.GOOD
    if abs(offset_ms) < CORRECTABLE_MS:
        return claim_ms + offset_ms, Quality.CLOCK_CORRECTED
    return arrived.wall_ms, Quality.CLOCK_UNTRUSTED
