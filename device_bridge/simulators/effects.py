"""What the drugs at their effect sites do to the signs that monitors show. Pure functions.

Hypnosis: additive surface of propofol and opioid on BIS by Bouillon et al., Anesthesiology 2004;100:1353 (half
effects 4.47 µg/ml and 19.3 ng/ml, steepness 1.43); sevoflurane joins with a half effect of about 1.5 %.
Neuromuscular block: half effect 0.82 µg/ml, steepness 4.8 (Plaud 1995). Opioids: sufentanil counts as ten times
remifentanil. Circulation and breathing: sizes as anesthetists see them, without a claim to more.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from device_bridge.simulators.pharmacology import hill, mac_percent

_AWAKE = 97.0


@dataclass(frozen=True, slots=True)
class Signs:
    """Factors against the resting values, and what is measured directly."""

    bis: float
    suppression: float
    mac: float
    block: float  # 0 none … 1 complete
    drive: float  # of breathing: 1 awake, 0 apnoea
    pressure: float  # factor
    rate: float  # factor
    rate_more: float  # beats a minute on top


def signs(effect: Mapping[str, float], vapour: float, expired: float, age: float, stimulus: float) -> Signs:
    """`effect`: mg/l at the effect site by drug; `vapour`: % in the brain; `stimulus`: 0 none … 1 laryngoscopy."""
    opioid = 1000 * (effect.get("remifentanil", 0.0) + 10 * effect.get("sufentanil", 0.0))  # ng/ml of remifentanil
    propofol = effect.get("propofol", 0.0)
    depth = propofol / 4.47 + opioid / 19.3 + vapour / 1.5 + effect.get("midazolam", 0.0) / 0.3
    hypnosis = hill(depth, 1.0, 1.43)
    felt = stimulus * (1 - hill(opioid, 4.0, 1.5)) * (1 - 0.5 * hypnosis)
    mac = expired / mac_percent(age)
    # sugammadex binds mole by mole (weight 2178 against 610), neostigmine only helps against what is left
    relaxant = max(0.0, effect.get("rocuronium", 0.0) - effect.get("sugammadex", 0.0) * 610 / 2178)
    block = hill(relaxant, 0.82 * (1 + 1.5 * hill(effect.get("neostigmine", 0.0), 0.02)), 4.8)
    drive = (1 - hill(opioid, 2.2, 2.0)) * (1 - hill(propofol + 1.2 * vapour, 4.0, 3.0)) * (1 - block)
    return Signs(
        bis=max(0.0, _AWAKE * (1 - hypnosis) + 12 * felt * hypnosis),
        suppression=100 * hill(max(0.0, depth - 1.9), 1.2, 2.0),
        mac=mac,
        block=block,
        drive=drive,
        pressure=_pressure(effect, propofol, opioid, mac) * (1 + 0.30 * felt),
        rate=_rate(effect, propofol, opioid),
        rate_more=45 * hill(effect.get("atropine", 0.0), 0.012) + 28 * felt,
    )


def _pressure(effect: Mapping[str, float], propofol: float, opioid: float, mac: float) -> float:
    lower = (1 - 0.34 * hill(propofol, 4.0, 1.6)) * (1 - 0.14 * hill(opioid, 5.0)) * (1 - 0.22 * hill(mac, 1.0, 1.5))
    tone = 0.45 * hill(effect.get("phenylephrine", 0.0), 0.006) + 0.32 * hill(effect.get("ephedrine", 0.0), 0.15)
    return lower * (1 + tone + 0.6 * hill(effect.get("norepinephrine", 0.0), 0.002))


def _rate(effect: Mapping[str, float], propofol: float, opioid: float) -> float:
    slower = (1 - 0.26 * hill(opioid, 4.0)) * (1 - 0.06 * hill(propofol, 3.0))
    slower *= (
        1 - 0.20 * hill(effect.get("phenylephrine", 0.0), 0.006) - 0.12 * hill(effect.get("neostigmine", 0.0), 0.06)
    )
    return slower * (1 + 0.20 * hill(effect.get("ephedrine", 0.0), 0.15))
