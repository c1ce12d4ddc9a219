"""Blood gases that an analyser measured while it was bound to a case: they are results of that patient."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.devices.models import Binding, Device
from app.vitals import queries as vitals

# Drivers of analysers that hand over finished results, and the code of the dictionary for each of their parameters.
DRIVERS = ("astm", "hl7_bloodgas")
_CODES: Mapping[str, str] = {
    "pH": "pH", "pCO2": "pCO2", "pO2": "pO2", "HCO3": "HCO3", "BE": "BE", "ABE": "BE", "Lac": "Lac", "sO2": "sO2",
    "K": "K", "Na": "Na", "Cl": "Cl", "Ca": "iCa", "Glu": "GLU", "tHb": "Hb", "Hct": "Hct", "Crea": "Cr", "tBil": "TBIL",
}  # fmt: skip
# demo, out of range, questionable, unit suspect, invalid, calibration: nothing of these belongs into a form
_DOUBTFUL = 1 | 2 | 4 | 8 | 256 | 512


@dataclass(frozen=True, slots=True)
class GasValue:
    """One measured value, in the unit of the bridge."""

    code: str
    value: Decimal
    unit: str
    taken_at: datetime


def of_cases(case_ids: Sequence[int]) -> dict[int, list[GasValue]]:
    """Values of each case in which an analyser was bound."""
    bindings = db.session.execute(
        select(Binding.case_id, Binding.device_id, Binding.bound_at, Binding.released_at)
        .join(Device, Device.id == Binding.device_id)
        .where(Binding.case_id.in_(case_ids), Device.driver.in_(DRIVERS))
    )
    made: dict[int, list[GasValue]] = defaultdict(list)
    for case_id, device_id, bound, released in bindings:
        end = clock.to_ms(released) if released else clock.now_ms() + 1
        for code, found in vitals.samples(device_id, list(_CODES), clock.to_ms(bound), end).items():
            made[case_id] += [
                GasValue(_CODES[code], _decimal(float(value)), found.unit, clock.from_ms(int(time)))
                for time, value, quality in zip(found.times_ms, found.values, found.qualities, strict=True)
                if not int(quality) & _DOUBTFUL
            ]
    return made


def _decimal(value: float) -> Decimal:
    """As the analyser printed it: a binary fraction is not a measurement."""
    return Decimal(f"{value:.6g}")
