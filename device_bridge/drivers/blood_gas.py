"""What every blood gas driver shares: names of analytes, units and the way analysers write a result.

An analyser's name for an analyte is a convention of its maker; the table below lists the spellings of
Radiometer ABL, GEM Premier, cobas b and i-STAT, and LOINC codes of middleware. Names that are not listed are
reported as unmapped, never guessed.
"""

from device_bridge.drivers.base import Observation, Output, Unmapped, observe_as_stated
from device_bridge.drivers.mllp import parse_number
from device_bridge.parameters import PARAMETERS
from device_bridge.wire import Quality

_SPELLINGS: dict[str, str] = {
    "pH": "ph 11558-4 2744-1",
    "pH_T": "ph(t) ph,t pht",
    "pCO2": "pco2 11557-6 2019-8",
    "pCO2_T": "pco2(t) pco2,t pco2t",
    "pO2": "po2 11556-8 2703-7",
    "pO2_T": "po2(t) po2,t po2t",
    "Na": "na na+ cna+ 2947-0 2951-2",
    "K": "k k+ ck+ 6298-4 2823-3",
    "Ca": "ca++ ca2+ ica ca cca2+ 1994-3 1995-0",
    "Cl": "cl cl- ccl- 2069-3 2075-0",
    "Glu": "glu glucose cglu 2339-0 41652-9",
    "Lac": "lac lact lactate clac 32693-4 2518-9",
    "tHb": "thb cthb hb hgb 718-7 30313-1 30350-3",
    "Hct": "hct 20570-8 4544-3",
    "sO2": "so2 so2(c) 2708-6 20564-1",
    "COHb": "cohb fcohb 20563-3 2030-5",
    "MetHb": "methb fmethb 2614-6 2615-3",
    "RHb": "rhb hhb fhhb",
    "O2Hb": "o2hb fo2hb 11559-2 2714-4",
    "HCO3": "hco3 hco3- chco3 hco3act 1959-6 1960-4",
    "SBC": "sbc hco3std chco3-std 19229-4",
    "BE": "be 11555-0 1925-7",
    "ABE": "abe be(b) beb",
    "SBE": "sbe be(ecf) beecf 19235-1",
    "AnGap": "aniongap angap ag",
    "Crea": "crea creat ccrea 2160-0 38483-4",
    "tBil": "tbil tbili ctbil 1975-2",
}
ANALYTES: dict[str, str] = {spelling: code for code, all_ in _SPELLINGS.items() for spelling in all_.split()}

_UNITS: dict[str, str] = {
    "mmhg": "mmHg",
    "kpa": "kPa",
    "mmol/l": "mmol/L",
    "meq/l": "mEq/L",
    "mg/dl": "mg/dL",
    "g/dl": "g/dL",
    "g/l": "g/L",
    "umol/l": "µmol/L",
    "µmol/l": "µmol/L",
    "μmol/l": "µmol/L",
    "%": "%",
}
# Quantities without dimension: no unit printed means a fraction of one, and pH needs none.
_FRACTIONS = frozenset({"sO2", "COHb", "MetHb", "RHb", "O2Hb", "Hct"})
_INPUT_TYPES = frozenset({"I", "D"})


def canonical_code(name: str) -> str | None:
    """The code of an analyte by the analyser's name or a LOINC code; None when it is not in the table."""
    return ANALYTES.get(name.replace(" ", "").lower())


def parse_result(text: str) -> tuple[float | None, Quality]:
    """A printed result: `?` questionable, `<` and `>` outside of what can be reported, dots = no result."""
    text = text.strip()
    quality = Quality.GOOD
    while text[:1] in ("?", "<", ">", "↑", "↓") and text:
        quality |= Quality.QUESTIONABLE if text[0] == "?" else Quality.OUT_OF_RANGE
        text = text[1:].strip()
    value = parse_number(text)
    return (None, Quality.INVALID) if value is None else (value, quality)


def result(
    name: str,
    text: str,
    unit: str,
    *,
    kind: str = "",
    sample_ms: int,
    inferred: bool,
    message_ms: int | None,
    quality: Quality = Quality.GOOD,
) -> Output | None:
    """One result line as an observation, None for what a person typed in (type I or D).

    `sample_ms` is the moment of the sample, `message_ms` the analyser's clock when it sent the message; the
    difference to the arrival shows how wrong that clock is.
    """
    if kind in _INPUT_TYPES:
        return None
    code = canonical_code(name)
    if code is None:
        return Unmapped(name[:40], "blood gas", "")
    value, flags = parse_result(text)
    times = {"time_ms": message_ms, "episode_ms": sample_ms}
    if value is None:
        return Observation(code, None, PARAMETERS[code].unit, quality | flags, **times, episode_inferred=inferred)
    stated = unit.strip()
    if not stated:
        stated = "%" if code in _FRACTIONS else PARAMETERS[code].unit if code.startswith("pH") else ""
        if code in _FRACTIONS and value <= 1:
            value *= 100
    known = _UNITS.get(stated.lower(), stated)
    return observe_as_stated(code, value, known, **times, episode_inferred=inferred, quality=quality | flags)
