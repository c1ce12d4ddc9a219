"""Start times of pieces of a curve, so that a steady curve has neither seams nor overlaps.

Devices state the time of a piece to the second at best and the line adds jitter. A piece that arrives where the
previous one ended, give or take `TOLERANCE_MS`, continues it exactly; anything else is a break and starts anew.
"""

from device_bridge.clock_policy import DeviceClock
from device_bridge.drivers.base import NO_SAMPLE, Clocks, Wave
from device_bridge.wire_waves import WavePiece, pack_samples

TOLERANCE_MS = 1_500
_MAX_CHANNELS = 64


class WaveClock:
    """Belongs to one device; one running end per channel."""

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}

    def place(self, wave: Wave, clock: DeviceClock, arrived: Clocks) -> WavePiece | None:
        """The piece with its time; None for an empty one or one channel too many."""
        count = len(wave.samples)
        if not count or not 0 < wave.rate_hz <= 100_000 or count > 100_000:
            return None
        if wave.code not in self._ends and len(self._ends) >= _MAX_CHANNELS:
            return None
        length_ms = count * 1000 / wave.rate_hz
        claimed, _ = clock.effective(wave.time_ms, arrived)
        start = arrived.wall_ms - length_ms if wave.time_ms is None else float(claimed)
        expected = self._ends.get(wave.code)
        if expected is not None and abs(start - expected) <= TOLERANCE_MS:
            start = expected
        self._ends[wave.code] = start + length_ms
        samples = [one if -0x8000 <= one <= 0x7FFF else NO_SAMPLE for one in wave.samples]
        return WavePiece(
            wave.code[:32],
            wave.unit[:16],
            round(start),
            wave.rate_hz,
            wave.scale,
            wave.offset,
            count,
            pack_samples(samples),
        )


def wanted(options: object) -> frozenset[str]:
    """The channels that the registry asks for: `{"waves": ["ECG1", "PLETH"]}`; `*` stands for all."""
    listed = options.get("waves", ()) if isinstance(options, dict) else ()
    return frozenset(str(one) for one in listed) if isinstance(listed, list | tuple) else frozenset()
