"""Curves of a simulated patient as raw DRI counts: they look like a patient's and have the patient's rates."""

import math
import time
from collections.abc import Callable, Mapping, Sequence

from device_bridge.drivers.ge_dri import layout

PIECE_S = 0.25
# position in the beat, width, height of P, Q, R, S and T
_ECG = ((0.16, 0.025, 0.12), (0.24, 0.010, -0.12), (0.26, 0.011, 1.1), (0.285, 0.011, -0.25), (0.48, 0.05, 0.28))
_PULSE = ((0.18, 0.07, 1.0), (0.36, 0.10, 0.45), (0.55, 0.16, 0.18))


def _bumps(phase: float, shape: Sequence[tuple[float, float, float]]) -> float:
    return sum(height * math.exp(-(((phase - at) / width) ** 2) / 2) for at, width, height in shape)


def sample(code: str, beat: float, breath: float) -> float:
    """Physical value at phases (0 to 1) of the heart beat and of the breath."""
    if code.startswith("ECG"):
        return _bumps(beat, _ECG)
    if code == "PLETH":
        return 20 * _bumps(beat, _PULSE) * (1 + 0.1 * math.sin(2 * math.pi * breath))
    if code.startswith("P"):
        return 78 + 45 * _bumps(beat, _PULSE)
    if code in ("CO2", "N2O", "AA"):
        return 5.0 / (1 + math.exp(-60 * (breath - 0.45))) if breath < 0.97 else 5.0 * (1 - breath) / 0.03
    if code == "O2":
        return 52 - sample("CO2", beat, breath)
    if code == "AWP":
        return 4 + 14 * min(breath / 0.3, 1.0) if breath < 0.4 else 4 + 14 * math.exp(-(breath - 0.4) / 0.04)
    if code == "FLOW":
        return 32.0 if breath < 0.35 else -45 * math.exp(-(breath - 0.35) / 0.12)
    if code == "RESP":
        return math.sin(2 * math.pi * breath)
    return 12 * math.sin(2 * math.pi * 9.7 * beat) + 6 * math.sin(2 * math.pi * 3.1 * breath)


class CurveSource:
    """Gives what has become due since the last call, in pieces of a quarter of a second."""

    def __init__(self, values: Callable[[int], Mapping[str, float]]) -> None:
        self._values = values
        self._kinds: list[int] = []
        self._next = 0.0
        self._beat = self._breath = 0.0

    def ask(self, kinds: list[int]) -> None:
        """Begin with these kinds, or stop with none."""
        self._kinds, self._next = kinds, time.monotonic() + PIECE_S

    def due(self, second: Callable[[], int]) -> list[tuple[int, list[int]]] | None:
        """(kind, raw samples) of the next piece, or None while it is not time yet."""
        if not self._kinds or time.monotonic() < self._next:
            return None
        self._next += PIECE_S
        values = self._values(second())
        beat_hz = max(values.get("HR", 70.0), 1.0) / 60
        breath_hz = max(values.get("awRR", values.get("RR", 12.0)), 1.0) / 60
        piece = [(kind, self._samples(layout.WAVES[kind], beat_hz, breath_hz)) for kind in self._kinds]
        self._beat = (self._beat + PIECE_S * beat_hz) % 1
        self._breath = (self._breath + PIECE_S * breath_hz) % 1
        return piece

    def _samples(self, kind: layout.WaveKind, beat_hz: float, breath_hz: float) -> list[int]:
        count = round(kind.rate_hz * PIECE_S)
        return [
            round(
                sample(
                    kind.code,
                    (self._beat + n / kind.rate_hz * beat_hz) % 1,
                    (self._breath + n / kind.rate_hz * breath_hz) % 1,
                )
                / kind.scale
            )
            for n in range(count)
        ]
