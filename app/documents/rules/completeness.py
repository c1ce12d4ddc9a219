"""还差什么: what a document still needs before it may be saved, signed or archived."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.documents.definition import Field, FieldType, Kind, Section, Signatory, Stage
from app.documents.expressions import Expression, is_filled
from app.documents.facts import CaseFacts, FormEnvironment
from app.documents.rules.values import from_fact, native, natives, shown, warning
from app.labs.rules import canonical_unit


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is missing or wrong. `path` is the field (or `sign.<slot>`) to jump to."""

    path: str
    label: str
    message: str
    stage: Stage
    section: str = ""
    blocking: bool = True


@dataclass(frozen=True, slots=True)
class Filled:
    """A document as the rules see it: stored values, computed values, and what is visible."""

    kind: Kind
    values: Mapping[str, Any]
    computed: Mapping[str, Any]
    environment: FormEnvironment
    hidden: frozenset[str]  # keys of fields and sections that do not apply

    def is_visible(self, section: Section, field: Field) -> bool:
        """Whether the field applies."""
        return section.key not in self.hidden and field.key not in self.hidden

    def value(self, field: Field) -> Any:
        """Canonical or computed value."""
        return self.computed.get(field.key) if field.type is FieldType.COMPUTED else self.values.get(field.key)

    def words(self, field: Field) -> str:
        """Value in Chinese words."""
        value = self.value(field)
        if field.type is FieldType.COMPUTED:
            if value is None:
                return ""
            return f"{_plain(value)} {field.unit}".strip()
        return shown(field, value)


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize() if value % 1 else value.quantize(Decimal(1)), "f")
    return str(value)


def fill(kind: Kind, values: Mapping[str, Any], facts: CaseFacts) -> Filled:
    """Compute and decide visibility. Computed fields may use earlier computed fields."""
    known = natives(kind, values)
    environment = FormEnvironment(known, facts)
    computed: dict[str, Any] = {}
    for _, item in kind.fields():
        if item.compute is not None:
            result = item.compute.value(environment)
            computed[item.key] = known[item.key] = result if isinstance(result, Decimal | str) else None
    hidden = set()
    for section in kind.sections:
        if section.visible is not None and not section.visible.holds(environment):
            hidden.add(section.key)
        for item in section.fields:
            if item.visible is not None and not item.visible.holds(environment):
                hidden.add(item.key)
    return Filled(kind, values, computed, environment, frozenset(hidden))


@dataclass(frozen=True, slots=True)
class Default:
    """A value that the case can fill in, where it comes from, and since when it is true (None: not dated)."""

    value: Any
    origin: str
    since: datetime | None = None


def default_values(kind: Kind, facts: CaseFacts) -> dict[str, Default]:
    """Values that the case can fill in, by field."""
    environment = FormEnvironment({}, facts)
    found: dict[str, Default] = {}
    for _, item in kind.fields():
        if item.source is None:
            continue
        value = item.source.value(environment)
        if is_filled(value) and not unfit(item, facts):
            found[item.key] = Default(value, *origin_of(item, value, facts))
    return found


def unfit(field: Field, facts: CaseFacts) -> str:
    """Why a result that is known is not filled into a field: a unit that cannot be made the field's own; else empty."""
    for code in sorted(field.source.labs) if field.source else ():
        fact = facts.labs.get(code)
        if fact is None:
            continue
        if fact.note:
            return fact.note
        if field.type is FieldType.NUMBER and fact.unit and canonical_unit(field.unit) != canonical_unit(fact.unit):
            return f"{fact.origin}：单位与本栏的「{field.unit or '无单位'}」不同，未带入"
    return ""


def lab_note(filled: Filled, field: Field, is_taken_over: bool) -> str:
    """What to say of results beside a field: why one was not filled in, or that another stands by now.

    `is_taken_over`: the value was filled in and nobody has changed it since.
    """
    source, facts = field.source, filled.environment.facts
    if source is None or not source.labs:
        return ""
    value = filled.values.get(field.key)
    if value is None:
        return unfit(field, facts)
    if not is_taken_over:
        return ""
    now = source.value(FormEnvironment({}, facts))
    if not is_filled(now):
        return "这项结果现在没有有效值（可能已被检验科撤回），请核对"
    return f"检验有新的结果：{origin_of(field, now, facts)[0]}，请核对" if from_fact(field, now) != value else ""


def origin_of(field: Field, value: Any, facts: CaseFacts) -> tuple[str, datetime | None]:
    """Where a default comes from and since when. Of several sources it is the one that holds the value."""
    source = field.source
    if source is None:
        return "", None
    known = list(_origins(source, facts))
    for told, origin, since in known:
        if told == value:
            return origin, since
    if known:
        return known[0][1:]
    return ("", None) if source.facts or source.labs or source.charts else ("模板", None)


def _origins(source: Expression, facts: CaseFacts) -> Iterator[tuple[Any, str, datetime | None]]:
    for path in sorted(source.facts):
        fact = facts.values.get(path)
        if fact is not None:
            yield fact.value, fact.origin, fact.at
        elif path.startswith("times.") and (moment := facts.get(path)) is not None:
            yield moment, "手术流程时间", None
    for code in sorted(source.labs):
        if (lab := facts.labs.get(code)) is not None:
            yield lab.value, lab.origin or "检验", lab.at
    for code, event in sorted(source.charts):
        if (point := facts.chart_at(code, event)) is not None:
            yield point.value, "麻醉记录", point.at


def gaps(filled: Filled, stage: Stage, sections: Collection[str] = ()) -> list[Gap]:
    """What is missing or contradictory up to `stage`; only in the named sections when some are named."""
    found: list[Gap] = []
    for section in filled.kind.sections:
        if sections and section.key not in sections:
            continue
        for item in section.fields:
            if filled.is_visible(section, item):
                found += _field_gaps(filled, section, item, stage)
    found += _rule_gaps(filled, stage, sections)
    return found


def _field_gaps(filled: Filled, section: Section, item: Field, stage: Stage) -> list[Gap]:
    value = filled.value(item)
    found = []
    for requirement in item.required:
        if requirement.stage > stage or (requirement.when and not requirement.when.holds(filled.environment)):
            continue
        if not is_filled(value) or (item.type is FieldType.SCORE and value.get("total") is None):
            verb = "未评完" if item.type is FieldType.SCORE and value else "未填写"
            found.append(Gap(item.key, item.label, f"{item.label}{verb}", requirement.stage, section.key))
            break
    if item.explain_when and stage >= Stage.SIGN and value == item.explain_when:
        target = filled.kind.find(item.explain_in)
        if target and not is_filled(filled.value(target)) and not any(gap.path == target.key for gap in found):
            words = shown(item, value)
            found.append(
                Gap(target.key, target.label, f"「{item.label}」为{words}，请填写说明", Stage.SIGN, section.key)
            )
    if text := warning(item, value):
        found.append(Gap(item.key, item.label, text, Stage.SIGN, section.key, blocking=False))
    return found


def _rule_gaps(filled: Filled, stage: Stage, sections: Collection[str]) -> list[Gap]:
    found = []
    homes = {item.key: section.key for section, item in filled.kind.fields()}
    for rule in filled.kind.rules:
        home = homes.get(rule.field, "")
        if rule.stage > stage or (sections and home and home not in sections) or rule.field in filled.hidden:
            continue
        if rule.when.holds(filled.environment):
            item = filled.kind.find(rule.field)
            label = item.label if item else filled.kind.title
            found.append(Gap(rule.field, label, rule.message, rule.stage, home, rule.blocking))
    return found


def active_slots(filled: Filled) -> list[Signatory]:
    """The places to sign that exist for this document, in signing order."""
    slots = [s for s in filled.kind.signatories if s.when is None or s.when.holds(filled.environment)]
    return sorted(slots, key=lambda s: s.order)


def signature_gaps(filled: Filled, signed: Collection[str]) -> list[Gap]:
    """Required signatures that are still open."""
    return [
        Gap(f"sign.{slot.slot}", slot.label, f"{slot.label}未签名", Stage.ARCHIVE)
        for slot in active_slots(filled)
        if slot.required and slot.slot not in signed
    ]


def blocking(found: list[Gap]) -> list[Gap]:
    """Those that stop the action."""
    return [gap for gap in found if gap.blocking]


def cell(field: Field, row: Mapping[str, Any], key: str) -> Any:
    """Native value of a cell."""
    column = next((c for c in field.columns if c.key == key), None)
    return native(column, row.get(key)) if column else None
