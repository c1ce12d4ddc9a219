"""A patient who behaves: awake, induced, intubated, operated on, waking up.

Deterministic for a seed: the same second of the case always gives the same numbers. Effects are the ones an
anesthesiologist expects to see; the numbers are for display and tests, not for teaching pharmacology.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

PROFILES = ("general", "hypotensive", "stable")

INDUCTION_S = 180
INTUBATION_S = 330
INCISION_S = 900
EMERGENCE_S = 5_400
EXTUBATION_S = 5_880
CASE_S = 6_600


@dataclass(frozen=True, slots=True)
class Baseline:
    """Resting values of this patient."""

    heart_rate: float
    systolic: float
    diastolic: float
    temperature: float
    breaths: float


class SimulatedPatient:
    """`profile`: general (a usual general anesthesia), hypotensive (deep dip after induction), stable (awake)."""

    MECHANICS: ClassVar[Mapping[str, float]] = {"Pmean": 8, "Compl": 48, "Raw": 9}

    def __init__(self, seed: int, profile: str = "general") -> None:
        if profile not in PROFILES:
            raise ValueError(f"未知的病人类型 {profile!r}；可用：{'、'.join(PROFILES)}")
        chance = random.Random(seed)  # noqa: S311 - a believable patient, not a secret
        self.seed = seed
        self.profile = profile
        self.baseline = Baseline(
            heart_rate=chance.uniform(66, 84),
            systolic=chance.uniform(118, 142),
            diastolic=chance.uniform(68, 84),
            temperature=chance.uniform(36.4, 36.9),
            breaths=chance.uniform(12, 16),
        )

    def _noise(self, name: str, second: int, size: float) -> float:
        return random.Random(f"{self.seed}/{name}/{second}").gauss(0, size)  # noqa: S311 - as above

    def _wander(self, name: str, second: int, size: float) -> float:
        phase = random.Random(f"{self.seed}/{name}").uniform(0, 6.28)  # noqa: S311 - as above
        return size * math.sin(second / 97 + phase) + 0.5 * size * math.sin(second / 23 + 2 * phase)

    def depth(self, second: int) -> float:
        """How anesthetised, 0 to 1."""
        if self.profile == "stable":
            return 0.0
        second %= CASE_S
        rise = _ramp(second, INDUCTION_S, INDUCTION_S + 75)
        fall = _ramp(second, EMERGENCE_S, EXTUBATION_S)
        return max(0.0, rise - fall)

    def ventilated(self, second: int) -> bool:
        """Between intubation and extubation."""
        return self.profile != "stable" and INTUBATION_S <= second % CASE_S < EXTUBATION_S

    def _stress(self, second: int) -> float:
        """Intubation and incision: short answers of pulse and pressure."""
        second %= CASE_S
        return 1.0 * _bump(second, INTUBATION_S, 150) + 0.5 * _bump(second, INCISION_S, 240)

    def pressure(self, second: int) -> tuple[float, float, float]:
        """Systolic, diastolic, mean in mmHg."""
        depth = self.depth(second)
        drop = 0.40 if self.profile == "hypotensive" else 0.24
        dip = 0.10 * _bump(second % CASE_S, INDUCTION_S + 90, 300) if depth else 0.0
        factor = 1 - drop * depth - dip + 0.22 * self._stress(second) * min(1.0, depth + 0.2)
        systolic = self.baseline.systolic * factor + self._wander("bp", second, 3) + self._noise("bp", second, 1)
        diastolic = self.baseline.diastolic * factor + self._wander("dia", second, 2)
        diastolic = min(diastolic, systolic - 15)
        return systolic, diastolic, diastolic + (systolic - diastolic) / 3

    def values(self, second: int) -> dict[str, float]:
        """Continuous values of this second of the case in canonical codes and units."""
        depth, stress = self.depth(second), self._stress(second)
        rate = self.baseline.heart_rate * (1 - 0.12 * depth) + 18 * stress + self._wander("hr", second, 2.5)
        rate += self._noise("hr", second, 0.8)
        case_second = second % CASE_S
        apnea = 2.5 * _bump(case_second, INTUBATION_S - 20, 60) if self.profile != "stable" else 0.0
        saturation = min(100.0, 98.2 + 1.2 * depth - apnea + self._noise("spo2", second, 0.3))
        cooling = 0.7 * min(1.0, max(0, case_second - INDUCTION_S) / 5_400) if self.profile != "stable" else 0
        out = {
            "HR": round(rate),
            "PR": round(rate + self._noise("pr", second, 0.5)),
            "SpO2": round(saturation),
            "PI": round(max(0.3, 2.4 + 2.2 * depth + self._wander("pi", second, 0.4)), 1),
            "T1": round(self.baseline.temperature - cooling, 1),
            "ST_II": round(0.2 + self._wander("st", second, 0.1), 1),
        }
        out |= self._breathing(second, depth)
        return out

    def _breathing(self, second: int, depth: float) -> dict[str, float]:
        if not self.ventilated(second):
            rate = self.baseline.breaths * (1 - 0.6 * depth) + self._wander("rr", second, 0.7)
            return {"RR": max(4, round(rate))}
        elapsed = second % CASE_S - INTUBATION_S
        settle = math.exp(-elapsed / 120)
        agent = 2.1 * (1 - math.exp(-elapsed / 240)) * max(0.05, depth)
        return self.ventilation(second, settle) | {
            "EtSEV": round(agent, 1),
            "FiSEV": round(agent * 1.15 + 0.1 * depth, 1),
            "MAC": round(agent / 2.0, 1),
        }

    def ventilation(self, second: int, settle: float) -> dict[str, float]:
        """A ventilated patient; `settle`: 1 just after the tube was placed, 0 later."""
        return {
            "RR": 12,
            "awRR": 12,
            "EtCO2": round(36 + 6 * settle + self._wander("co2", second, 1)),
            "FiCO2": 0,
            "FiO2": round(50 + 48 * settle),
            "EtO2": round(45 + 46 * settle),
            "Ppeak": round(17 + self._wander("paw", second, 0.8)),
            "Pplat": 15,
            "PEEP": 5,
            "TVe": round(450 + self._wander("tv", second, 8)),
            "TVi": round(458 + self._wander("tv", second, 8)),
            "MV": round(5.4 + self._wander("mv", second, 0.1), 1),
        }

    def brain(self, second: int) -> dict[str, float]:
        """Depth of hypnosis and cerebral saturation of this second."""
        depth = self.depth(second)
        index = round(96 - 52 * depth + self._wander("bis", second, 3))
        saturation = round(66 + 4 * depth + self._wander("rso2", second, 1.5), 1)
        return {
            "BIS": index,
            "CSI": index,
            "SQI": 95,
            "EMG": round(max(20.0, 46 - 20 * depth + self._wander("emg", second, 2))),
            "SR": 0,
            "BS": 0,
            "SEF": round(24 - 10 * depth + self._wander("sef", second, 0.6), 1),
            "rSO2": saturation,
            "rSO2_L": saturation,
            "rSO2_R": round(saturation - 1.2, 1),
        }

    def lungs(self, second: int) -> dict[str, float]:
        """What a ventilator adds while it breathes for the patient."""
        return dict(self.MECHANICS) if self.ventilated(second) else {}

    def cuff(self, second: int) -> dict[str, float]:
        """A cuff measurement taken at this second."""
        systolic, diastolic, mean = self.pressure(second)
        return {"NIBP_S": round(systolic), "NIBP_D": round(diastolic), "NIBP_M": round(mean)}

    def arterial(self, second: int) -> dict[str, float]:
        """The arterial line."""
        systolic, diastolic, mean = self.pressure(second)
        return {"ART_S": round(systolic + 2), "ART_D": round(diastolic - 1), "ART_M": round(mean)}


def _ramp(second: float, start: float, end: float) -> float:
    return min(1.0, max(0.0, (second - start) / (end - start)))


def _bump(second: float, start: float, length: float) -> float:
    """Rises fast and fades: 0 before `start`, 1 at a fifth of `length`, 0 after."""
    place = (second - start) / length
    if not 0 <= place <= 1:
        return 0.0
    return place / 0.2 if place < 0.2 else (1 - place) / 0.8
