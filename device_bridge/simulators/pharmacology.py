"""Where a drug goes and when it works: compartments with an effect site, for the simulated patient only.

Published parameter sets, in litres and litres a minute; the effect site follows the plasma with `ke0` (1/min):

* propofol: Schnider et al., Anesthesiology 1998;88:1170 and 1999;90:1502
* remifentanil: Minto et al., Anesthesiology 1997;86:10
* sufentanil: Gepts et al., Anesthesiology 1995;83:1194; ke0 from a half-time of 6.2 min (Shafer and Varvel 1991)
* rocuronium: Wierda et al., Can J Anaesth 1991;38:430; effect site Plaud et al., Clin Pharmacol Ther 1995;58:185

The others (midazolam, vasopressors, atropine, reversal) have one compartment whose speed is that of their known
onset and duration. Sevoflurane follows the vaporiser through lung and brain with time constants of minutes, MAC
corrected for age by Mapleson, Br J Anaesth 1996;76:179. For display, training and tests; never for dosing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

STEP_S = 2.0
_LN2 = math.log(2)


@dataclass(frozen=True, slots=True)
class Person:
    """What the models ask about a patient."""

    age: float = 45.0
    weight_kg: float = 62.0
    height_cm: float = 165.0
    female: bool = False

    @property
    def lean_kg(self) -> float:
        """Lean body mass by James, as the models of Schnider and Minto were fitted with."""
        ratio = (self.weight_kg / self.height_cm) ** 2
        lean = 1.07 * self.weight_kg - 148 * ratio if self.female else 1.1 * self.weight_kg - 128 * ratio
        return max(lean, 0.4 * self.weight_kg)


@dataclass(frozen=True, slots=True)
class Kinetics:
    """Central volume (l), clearance (l/min), (volume, clearance) of further compartments, ke0 (1/min)."""

    volume: float
    clearance: float
    others: tuple[tuple[float, float], ...]
    ke0: float


def _propofol(one: Person) -> Kinetics:
    age, lean = one.age - 53, one.lean_kg - 59
    clearance = 1.89 + 0.0456 * (one.weight_kg - 77) - 0.0681 * lean + 0.0264 * (one.height_cm - 177)
    second = (max(5.0, 18.9 - 0.391 * age), max(0.3, 1.29 - 0.024 * age))
    return Kinetics(4.27, max(0.5, clearance), (second, (238.0, 0.836)), 0.456)


def _remifentanil(one: Person) -> Kinetics:
    age, lean = one.age - 40, one.lean_kg - 55
    second = (9.82 - 0.0811 * age + 0.108 * lean, max(0.3, 2.05 - 0.0301 * age))
    third = (5.42, max(0.01, 0.076 - 0.00113 * age))
    return Kinetics(
        5.1 - 0.0201 * age + 0.072 * lean, 2.6 - 0.0162 * age + 0.0191 * lean, (second, third), 0.595 - 0.007 * age
    )


def _sufentanil(_: Person) -> Kinetics:
    return Kinetics(14.3, 0.92, ((63.4, 1.55), (251.9, 0.33)), 0.112)


def _rocuronium(one: Person) -> Kinetics:
    volume = 0.044 * one.weight_kg
    second = (volume * 0.21 / 0.13, volume * 0.21)
    third = (volume * 0.028 / 0.01, volume * 0.028)
    return Kinetics(volume, volume * 0.1, (second, third), 0.168)


def _simple(volume_per_kg: float, half_life_min: float, onset_min: float) -> Callable[[Person], Kinetics]:
    def make(one: Person) -> Kinetics:
        volume = volume_per_kg * one.weight_kg
        return Kinetics(volume, volume * _LN2 / half_life_min, (), _LN2 / onset_min)

    return make


MODELS: dict[str, Callable[[Person], Kinetics]] = {
    "propofol": _propofol,
    "remifentanil": _remifentanil,
    "sufentanil": _sufentanil,
    "rocuronium": _rocuronium,
    "midazolam": _simple(0.6, 90.0, 2.5),
    "phenylephrine": _simple(0.4, 6.0, 0.4),
    "ephedrine": _simple(1.0, 15.0, 0.8),
    "norepinephrine": _simple(0.2, 2.0, 0.3),
    "atropine": _simple(1.0, 40.0, 0.7),
    "neostigmine": _simple(0.5, 40.0, 3.0),
    "sugammadex": _simple(0.2, 120.0, 0.5),
}


class Course:
    """One drug in one patient. Concentrations in mg/l, which is µg/ml."""

    def __init__(self, kinetics: Kinetics) -> None:
        self._kinetics = kinetics
        self._central = 0.0
        self._others = [0.0] * len(kinetics.others)
        self.effect = 0.0

    @property
    def plasma(self) -> float:
        """Concentration in the central compartment."""
        return self._central / self._kinetics.volume

    def give(self, milligrams: float) -> None:
        """A single dose into the central compartment."""
        self._central += milligrams

    def step(self, milligrams_per_min: float, minutes: float) -> None:
        """Let a short time go by (at most a few seconds)."""
        kinetics, plasma = self._kinetics, self.plasma
        change = milligrams_per_min - kinetics.clearance * plasma
        for place, (volume, clearance) in enumerate(kinetics.others):
            flow = clearance * (plasma - self._others[place] / volume)
            self._others[place] += flow * minutes
            change -= flow
        self._central = max(0.0, self._central + change * minutes)
        self.effect += kinetics.ke0 * (plasma - self.effect) * minutes


class Vapour:
    """Sevoflurane in % of an atmosphere: circuit, lung and brain one after the other."""

    _CIRCUIT_MIN, _LUNG_MIN, _BRAIN_MIN, _UPTAKE = 1.0, 2.2, 2.8, 0.88

    def __init__(self) -> None:
        self.inspired = self.expired = self.effect = 0.0

    def step(self, dial: float, minutes: float) -> None:
        """The vaporiser stands at `dial` %."""
        self.inspired += (dial - self.inspired) * minutes / self._CIRCUIT_MIN
        self.expired += (self._UPTAKE * self.inspired - self.expired) * minutes / self._LUNG_MIN
        self.effect += (self.expired - self.effect) * minutes / self._BRAIN_MIN


def mac_percent(age: float) -> float:
    """End-tidal sevoflurane of 1 MAC at this age."""
    return 1.8 * math.pow(10, -0.00269 * (max(age, 1.0) - 40))


def hill(amount: float, half: float, steepness: float = 1.0) -> float:
    """Share of the greatest effect."""
    if amount <= 0:
        return 0.0
    raised = math.pow(amount / half, steepness)
    return raised / (1 + raised)
