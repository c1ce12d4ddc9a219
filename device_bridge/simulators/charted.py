"""A patient who answers to what is charted.

Whoever charts writes a small file, whole and by renaming, and the simulated devices of the room read it again when
it changes. Times are milliseconds since 1970 UTC, doses mg, rates mg/min, sevoflurane the vaporiser in %:

    {"case": "12", "since_ms": …, "age": 54, "weight_kg": 61, "height_cm": 160, "female": true,
     "doses": [{"drug": "propofol", "at_ms": …, "mg": 110}],
     "rates": [{"drug": "propofol", "at_ms": …, "mg_per_min": 4.0}],      from here on, until the next of this drug
     "events": {"intubation": …, "incision": …, "surgery_end": …, "extubation": …}}

Without a file, or without a case in it, the patient follows his script. A dose that is corrected or struck out
changes the whole course from its beginning, as if it had never been otherwise.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from device_bridge.clocks import wall_ms
from device_bridge.simulators.effects import Signs, signs
from device_bridge.simulators.patient import SimulatedPatient
from device_bridge.simulators.pharmacology import MODELS, STEP_S, Course, Person, Vapour, mac_percent

_STEP_MS = round(STEP_S * 1000)
_LONGEST_MS = 24 * 3_600_000
_APNOEA = 0.25  # drive below which somebody ventilates the patient
_GAS = "sevoflurane"


@dataclass(frozen=True, slots=True)
class Chart:
    """What was charted so far; `given` are (ms, drug, mg) and `rates` (ms, drug, mg/min), both in order of time."""

    since_ms: int
    person: Person
    given: tuple[tuple[int, str, float], ...] = ()
    rates: tuple[tuple[int, str, float], ...] = ()
    events: Mapping[str, int] = field(default_factory=dict)


def parse_chart(text: str) -> Chart | None:
    """From the file; None when it has no case. Raises `ValueError` when it cannot be understood."""
    try:
        data: dict[str, Any] = json.loads(text)
        if not data.get("case"):
            return None
        person = Person(
            float(data.get("age", 45)), float(data.get("weight_kg", 62)), float(data.get("height_cm", 165)),
            bool(data.get("female", False)),
        )  # fmt: skip
        known = set(MODELS) | {_GAS}
        given = sorted((int(d["at_ms"]), str(d["drug"]), float(d["mg"])) for d in data.get("doses", ()))
        rates = sorted((int(r["at_ms"]), str(r["drug"]), float(r["mg_per_min"])) for r in data.get("rates", ()))
        events = {str(name): int(at) for name, at in data.get("events", {}).items()}
        return Chart(
            int(data["since_ms"]),
            person,
            tuple(one for one in given if one[1] in known),
            tuple(one for one in rates if one[1] in known),
            events,
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("not a chart") from error


class Simulation:
    """The drugs of one chart from the beginning of the case on."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self._at = chart.since_ms
        self._courses: dict[str, Course] = {}
        self._rates: dict[str, float] = {}
        self._vapour = Vapour()
        self._dose = self._rate = 0

    def signs(self, now_ms: int) -> Signs:
        """Go on to this moment and say how the patient is."""
        self._advance(min(now_ms, self.chart.since_ms + _LONGEST_MS))
        effect = {drug: course.effect for drug, course in self._courses.items()}
        return signs(effect, self._vapour.effect, self._vapour.expired, self.chart.person.age, self._stimulus(now_ms))

    def gas(self) -> tuple[float, float]:
        """Inspired and expired sevoflurane in %."""
        return self._vapour.inspired, self._vapour.expired

    def _advance(self, to_ms: int) -> None:
        while self._at + _STEP_MS <= to_ms:
            self._at += _STEP_MS
            self._take_due()
            for drug, course in self._courses.items():
                course.step(self._rates.get(drug, 0.0), STEP_S / 60)
            self._vapour.step(self._rates.get(_GAS, 0.0), STEP_S / 60)

    def _take_due(self) -> None:
        given, rates = self.chart.given, self.chart.rates
        while self._dose < len(given) and given[self._dose][0] <= self._at:
            _, drug, amount = given[self._dose]
            if drug in MODELS:
                self._course(drug).give(amount)
            self._dose += 1
        while self._rate < len(rates) and rates[self._rate][0] <= self._at:
            _, drug, rate = rates[self._rate]
            self._rates[drug] = rate
            if drug in MODELS:
                self._course(drug)
            self._rate += 1

    def _course(self, drug: str) -> Course:
        return self._courses.setdefault(drug, Course(MODELS[drug](self.chart.person)))

    def _stimulus(self, now_ms: int) -> float:
        """Laryngoscopy hurts for minutes; surgery most at the incision and less until its end."""
        events = self.chart.events
        felt = _fading(now_ms, events.get("intubation"), 90) + 0.7 * _fading(now_ms, events.get("extubation"), 180)
        incision, end = events.get("incision"), events.get("surgery_end")
        if incision is not None and now_ms >= incision and (end is None or now_ms < end):
            felt += 0.25 + 0.4 * _fading(now_ms, incision, 300)
        return min(1.0, felt)


def _fading(now_ms: int, at_ms: int | None, seconds: float) -> float:
    if at_ms is None or now_ms < at_ms:
        return 0.0
    return math.exp(-(now_ms - at_ms) / 1000 / seconds)


class ChartedPatient(SimulatedPatient):
    """Follows the file; every device of the room that reads it shows the same patient."""

    def __init__(self, scripted: SimulatedPatient, file: Path) -> None:
        super().__init__(scripted.seed, scripted.profile)
        self._file = file
        self._stamp = 0
        self._simulation: Simulation | None = None

    def _now(self) -> tuple[Simulation, Signs] | None:
        try:
            stamp = self._file.stat().st_mtime_ns
            if stamp != self._stamp:
                chart = parse_chart(self._file.read_text(encoding="utf-8"))
                self._stamp, self._simulation = stamp, Simulation(chart) if chart else None
        except FileNotFoundError:
            self._stamp, self._simulation = 0, None
        except (OSError, ValueError):
            pass  # what was understood last stays
        if self._simulation is None:
            return None
        return self._simulation, self._simulation.signs(wall_ms())

    def pressure(self, second: int) -> tuple[float, float, float]:
        """Systolic, diastolic, mean in mmHg."""
        found = self._now()
        if found is None:
            return super().pressure(second)
        factor = found[1].pressure
        systolic = self.baseline.systolic * factor + self._wander("bp", second, 3) + self._noise("bp", second, 1)
        diastolic = min(self.baseline.diastolic * factor + self._wander("dia", second, 2), systolic - 15)
        return systolic, diastolic, diastolic + (systolic - diastolic) / 3

    def values(self, second: int) -> dict[str, float]:
        """Continuous values as the drugs make them."""
        found = self._now()
        if found is None:
            return super().values(second)
        simulation, one = found
        rate = self.baseline.heart_rate * one.rate + one.rate_more
        rate += self._wander("hr", second, 2.5) + self._noise("hr", second, 0.8)
        minutes = max(0.0, wall_ms() - simulation.chart.since_ms) / 60_000
        cooling = 0.7 * min(1.0, minutes / 90)
        out = {
            "HR": round(rate),
            "PR": round(rate + self._noise("pr", second, 0.5)),
            "SpO2": round(min(100.0, 98.4 + (1 - one.drive) + self._noise("spo2", second, 0.3))),
            "PI": round(max(0.3, 4.0 - 1.6 * one.pressure + self._wander("pi", second, 0.4)), 1),
            "T1": round(self.baseline.temperature - cooling, 1),
            "ST_II": round(0.2 + self._wander("st", second, 0.1), 1),
        }
        return out | self._breath(second, simulation, one)

    def _breath(self, second: int, simulation: Simulation, one: Signs) -> dict[str, float]:
        events, now = simulation.chart.events, wall_ms()
        tube = events.get("intubation", now + 1) <= now < events.get("extubation", now + 1)
        if not tube and one.drive >= _APNOEA:
            return {"RR": max(4, round(self.baseline.breaths * one.drive + self._wander("rr", second, 0.7)))}
        inspired, expired = simulation.gas()
        return self.ventilation(second, settle=0.0) | {
            "EtSEV": round(expired, 1),
            "FiSEV": round(inspired, 1),
            "MAC": round(expired / mac_percent(simulation.chart.person.age), 1),
        }

    def lungs(self, second: int) -> dict[str, float]:
        """Mechanics while the machine breathes."""
        if self._now() is None:
            return super().lungs(second)
        return dict(self.MECHANICS) if "TVe" in self.values(second) else {}

    def brain(self, second: int) -> dict[str, float]:
        """Depth of hypnosis as the drugs make it; the saturation follows the pressure."""
        found = self._now()
        if found is None:
            return super().brain(second)
        one = found[1]
        index = round(min(98.0, max(0.0, one.bis + self._wander("bis", second, 1.5))))
        saturation = round(68 + 0.12 * min(0.0, self.pressure(second)[2] - 75) + self._wander("rso2", second, 1), 1)
        suppression = round(min(100.0, one.suppression))
        return {
            "BIS": index,
            "CSI": index,
            "SQI": 95,
            "EMG": round(26 + 18 * (1 - one.block) * index / 97 + self._wander("emg", second, 1)),
            "SR": suppression,
            "BS": suppression,
            "SEF": round(10 + index / 7 + self._wander("sef", second, 0.6), 1),
            "rSO2": saturation,
            "rSO2_L": saturation,
            "rSO2_R": round(saturation - 1.2, 1),
        }
