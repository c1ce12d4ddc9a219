"""Pure parser of the command line of a theatre: "bbf 100" → 丙泊酚 100 mg iv, offered before anything is written.

Words: a drug, fluid, loss or event by initials, pinyin, alias, name or code; then an amount or rate with or without
unit, a route, and a time such as 14:05. Without a unit the amount is taken as a single dose or as a rate by where the
drug's usual spans hold it; when both hold it, both are offered and nothing is `ready`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from app.clinical.dosing import (
    LEVEL_UNITS,
    UnitError,
    convert,
    dimension,
    plain,
    rate_unit_name,
    unit_name,
    unit_text,
)
from app.terminology.queries import TermRow

_NUMBER = re.compile(r"^(\d+(?:\.\d+)?)(.*)$")
_TIME = re.compile(r"^@?([01]?\d|2[0-3])[:：]([0-5]\d)$")
_MOST = 8


class Action(StrEnum):
    """What would be written."""

    BOLUS = "bolus"
    INFUSION = "infusion"
    INTAKE = "intake"
    OUTPUT = "output"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Interpretation:
    """One understanding of a line. `hour_minute`: hospital time of day when it was typed; `warning`: ask once more."""

    action: Action
    term_code: str
    name: str
    text: str
    amount: Decimal | None = None
    unit: str = ""
    route: str = ""
    category: str = ""
    hour_minute: tuple[int, int] | None = None
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Understood:
    """All understandings, the likeliest first, or why there is none."""

    candidates: tuple[Interpretation, ...] = ()
    problem: str = ""

    @property
    def ready(self) -> Interpretation | None:
        """The one understanding that may be written with Enter; None when there are several or none."""
        return self.candidates[0] if len(self.candidates) == 1 else None


@dataclass(slots=True)
class _Words:
    """A line taken apart."""

    subject: str = ""
    number: Decimal | None = None
    unit: str = ""
    route: str = ""
    hour_minute: tuple[int, int] | None = None
    unknown: list[str] = field(default_factory=list)


def understand(line: str, terms: Sequence[TermRow]) -> Understood:
    """Understandings of a line among the terms (drugs, fluids, outputs, events) of the department."""
    words = _split(line, terms)
    if not words.subject:
        return Understood(problem="请输入药名拼音，例如 bbf 100")
    if words.unknown:
        return Understood(problem=f"看不懂「{' '.join(words.unknown)}」")
    found = _matching(words.subject, terms)
    if not found:
        return Understood(problem=f"没有找到「{words.subject}」")
    candidates: list[Interpretation] = []
    problem = ""
    for term in found:
        try:
            candidates += _interpret(term, words)
        except UnitError as error:
            problem = problem or str(error)
    if candidates:
        return Understood(tuple(candidates[:_MOST]))
    return Understood(problem=problem or "请补充剂量")


def _split(line: str, terms: Sequence[TermRow]) -> _Words:
    words = _Words()
    routes = {route for term in terms for route in term.words("routes")}
    for word in line.replace("，", " ").split():
        time, number = _TIME.match(word), _NUMBER.match(word)
        if time:
            words.hour_minute = int(time[1]), int(time[2])
        elif not words.subject:
            words.subject = word.lower()
        elif number and words.number is None:
            words.number, words.unit = Decimal(number[1]), number[2].strip()
        elif word in routes:
            words.route = word
        elif words.number is not None and not words.unit:
            words.unit = word
        else:
            words.unknown.append(word)
    return words


def _matching(subject: str, terms: Iterable[TermRow]) -> list[TermRow]:
    """Terms by the best kind of match that any term has, so that `na` does not offer what merely contains it."""
    ranked: dict[int, list[TermRow]] = {}
    for term in terms:
        rank = _rank(subject, term)
        if rank is not None:
            ranked.setdefault(rank, []).append(term)
    return ranked[min(ranked)] if ranked else []


def _rank(subject: str, term: TermRow) -> int | None:
    aliases = [alias.lower() for alias in term.aliases]
    if subject in (term.pinyin, term.name.lower(), term.code.lower(), term.pinyin_full, *aliases):
        return 0
    if term.pinyin.startswith(subject) or term.name.lower().startswith(subject):
        return 1
    if any(alias.startswith(subject) for alias in aliases) or term.pinyin_full.startswith(subject):
        return 2
    return 3 if len(subject) > 1 and subject in term.name.lower() else None


def _interpret(term: TermRow, words: _Words) -> list[Interpretation]:
    if term.kind == "drug":
        return _drug(term, words)
    if term.kind == "event":
        return _event(term, words)
    return _volume(term, words)


def _event(term: TermRow, words: _Words) -> list[Interpretation]:
    if words.number is not None or words.unit or words.route:
        return []
    return [Interpretation(Action.EVENT, term.code, term.name, f"事件：{term.name}", hour_minute=words.hour_minute)]


def _volume(term: TermRow, words: _Words) -> list[Interpretation]:
    is_fluid = term.kind == "fluid"
    number = words.number
    if number is None:
        number = Decimal(term.text("default_ml")) if is_fluid and term.text("default_ml") else None
    if number is None or words.route:
        return []
    unit = words.unit or "ml"
    if dimension(unit) != "volume":
        raise UnitError(f"{term.name}的单位应为 ml")
    volume = convert(number, unit, "ml")
    action = Action.INTAKE if is_fluid else Action.OUTPUT
    return [
        Interpretation(
            action,
            term.code,
            term.name,
            f"{'输注' if is_fluid else '出量'}：{term.name} {plain(volume)} ml",
            volume,
            "ml",
            category=term.text("category") if is_fluid else term.text("output_kind"),
            hour_minute=words.hour_minute,
        )
    ]


def _drug(term: TermRow, words: _Words) -> list[Interpretation]:
    if words.number == 0:
        raise UnitError("剂量应大于 0；停药请用「停止」")
    if words.unit:
        return [_infusion(term, words) if _is_rate(words.unit) else _bolus(term, words)]
    if words.number is None:
        return _defaults(term, words)
    may_be = [mode for mode in ("bolus", "infusion") if _within(term, mode, words.number)]
    if not may_be:
        may_be = [term.text("mode") or "bolus"]
    may_be.sort(key=lambda mode: mode != term.text("mode"))
    return [_infusion(term, words) if mode == "infusion" else _bolus(term, words) for mode in may_be]


def _is_rate(unit: str) -> bool:
    return "/" in unit or unit in LEVEL_UNITS


def _within(term: TermRow, mode: str, number: Decimal) -> bool:
    suffix = "single" if mode == "bolus" else "rate"
    low, high = term.text(f"min_{suffix}"), term.text(f"max_{suffix}")
    return bool(low and high) and Decimal(low) <= number <= Decimal(high)


def _defaults(term: TermRow, words: _Words) -> list[Interpretation]:
    """Without a number the usual dose or rate is offered."""
    if term.text("mode") == "infusion" and term.text("default_rate"):
        filled = _Words(words.subject, Decimal(term.text("default_rate")), "", words.route, words.hour_minute)
        return [_infusion(term, filled)]
    if term.text("default_dose"):
        filled = _Words(words.subject, Decimal(term.text("default_dose")), "", words.route, words.hour_minute)
        return [_bolus(term, filled)]
    return []


def _bolus(term: TermRow, words: _Words) -> Interpretation:
    number = words.number or Decimal(0)
    usual = term.text("unit") or "mg"
    unit = unit_name(words.unit or usual)
    if dimension(unit) not in (dimension(usual), "volume") and not dimension(unit).startswith("count"):
        raise UnitError(f"{term.name}的剂量单位应为 {unit_text(usual)}")
    route = words.route or _bolus_route(term)
    warning = ""
    most = term.text("max_single")
    if most and dimension(unit) == dimension(usual) and convert(number, unit, usual) > Decimal(most):
        warning = f"超过常用单次上限 {most} {unit_text(usual)}"
    text = f"{term.name} {plain(number)} {unit_text(unit)} {route}".strip()
    return Interpretation(
        Action.BOLUS, term.code, term.name, text, number, unit, route, hour_minute=words.hour_minute, warning=warning
    )


def _bolus_route(term: TermRow) -> str:
    """A drug that mostly runs by pump is still pushed by hand when it is given as a single dose."""
    route = term.text("route")
    return route.removesuffix("泵注") if route.endswith("泵注") else route


def _infusion(term: TermRow, words: _Words) -> Interpretation:
    number = words.number or Decimal(0)
    usual = term.text("rate_unit")
    unit = rate_unit_name(words.unit or usual or "ml/h")
    route = words.route or _pump_route(term)
    warning = ""
    most = term.text("max_rate")
    if most and unit == usual and number > Decimal(most):
        warning = f"超过常用上限 {most} {unit_text(usual)}"
    text = f"{term.name} {plain(number)} {unit_text(unit)} {route}".strip()
    return Interpretation(
        Action.INFUSION, term.code, term.name, text, number, unit, route, hour_minute=words.hour_minute, warning=warning
    )


def _pump_route(term: TermRow) -> str:
    route = term.text("route")
    pumped = [word for word in term.words("routes") if word.endswith("泵注")]
    return pumped[0] if route == "iv" and pumped else route
