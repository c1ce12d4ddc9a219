"""From a YAML mapping to a `Kind`: strict, with every fault told by file, section and field."""

from collections.abc import Mapping
from typing import Any

from app.documents.definition import (
    Due,
    Field,
    FieldType,
    Kind,
    Option,
    Requirement,
    Rule,
    Scale,
    ScoreItem,
    Section,
    Signatory,
    Stage,
)
from app.documents.expressions import Expression
from app.documents.reader import DefinitionError, Fault, Library, Reader

STAGES = {"save": Stage.SAVE, "sign": Stage.SIGN, "archive": Stage.ARCHIVE}
_WITH_OPTIONS = (FieldType.CHOICE, FieldType.MULTI_CHOICE)
_FIELD_KEYS = frozenset(
    [
        "key",
        "label",
        "type",
        "hint",
        "unit",
        "low",
        "high",
        "soft_low",
        "soft_high",
        "places",
        "max_length",
        "options",
        "unknown",
        "yes",
        "no",
        "scale",
        "columns",
        "source",
        "compute",
        "visible",
        "required",
        "explain",
        "element",
        "value_set",
        "other",
        "diagram",
        "wide",
        "hospital",
    ]
)
_SECTION_KEYS = frozenset(["key", "title", "fields", "visible", "note", "columns", "package"])
_KIND_KEYS = frozenset(
    [
        "kind",
        "title",
        "category",
        "version",
        "basis",
        "code",
        "due",
        "when",
        "retention_years",
        "outpatient_years",
        "repeatable",
        "chart",
        "sections",
        "signatories",
        "rules",
        "cda",
    ]
)
_SIGNATORY_KEYS = frozenset(["slot", "label", "roles", "order", "required", "covers", "group", "when"])
DRUG_COLUMNS: tuple[Mapping[str, Any], ...] = (
    {"key": "name", "label": "药品", "required": "save", "max_length": 50},
    {"key": "amount", "label": "剂量", "type": "number", "low": 0, "high": 1000000},
    {"key": "unit", "label": "单位", "max_length": 10},
    {"key": "route", "label": "途径", "max_length": 20},
    {"key": "at", "label": "时间", "type": "datetime"},
    {"key": "end", "label": "结束", "type": "datetime"},
    {"key": "remark", "label": "用法", "max_length": 100},
)


def load_kind(raw: Mapping[str, Any], library: Library, place: str = "") -> Kind:
    """Build a kind. Raises `DefinitionError` with every fault found."""
    reader = Reader(library)
    where = place or str(raw.get("kind", "定义"))
    top = reader.mapping(raw, where, _KIND_KEYS)
    sections = tuple(
        _section(reader, item, f"{where}：第 {number} 章节")
        for number, item in enumerate(reader.rows(top.get("sections"), where), 1)
    )
    kind = Kind(
        key=reader.key(top, "kind", where),
        title=reader.text(top, "title", where, limit=60),
        category=reader.text(top, "category", where, "anesthesia", 30),
        version=reader.whole(top, "version", where, 1, 1, 100000),
        sections=sections,
        signatories=tuple(
            _signatory(reader, item, f"{where}：签名 {number}")
            for number, item in enumerate(reader.rows(top.get("signatories"), where), 1)
        ),
        rules=tuple(
            rule
            for number, item in enumerate(reader.rows(top.get("rules"), where), 1)
            if (rule := _rule(reader, item, f"{where}：规则 {number}"))
        ),
        raw=dict(raw),
        basis=reader.text(top, "basis", where),
        code=reader.text(top, "code", where, limit=8),
        due=_due(reader, top.get("due"), where),
        when=reader.expression(top, "when", where),
        retention_years=reader.whole(top, "retention_years", where, 30, 1, 100),
        outpatient_years=reader.whole(top, "outpatient_years", where, 15, 1, 100),
        repeatable=reader.flag(top, "repeatable", where),
        chart=reader.flag(top, "chart", where),
        cda=dict(top["cda"]) if isinstance(top.get("cda"), Mapping) else None,
    )
    _check_whole(reader, kind, where)
    if reader.faults:
        raise DefinitionError(reader.faults)
    return kind


def load_scale(key: str, raw: Mapping[str, Any], place: str) -> Scale:
    """Build a scale from `{title, items: {key: {label, options: {points: label}}}, bands: {low: words}}`."""
    reader = Reader(Library())
    top = reader.mapping(raw, place, frozenset({"title", "items", "bands", "source"}))
    items = []
    for item_key, item in (top.get("items") or {}).items():
        options = item.get("options") if isinstance(item, Mapping) else None
        if not isinstance(options, Mapping) or not options:
            reader.fault(f"{place}：{item_key}", "缺少 options")
            continue
        items.append(ScoreItem(item_key, str(item.get("label", "")), _options(reader, options, place)))
    bands = tuple(sorted((int(low), str(words)) for low, words in (top.get("bands") or {}).items()))
    if reader.faults:
        raise DefinitionError(reader.faults)
    return Scale(key, str(top.get("title", key)), tuple(items), bands, str(top.get("source", "")))


def _section(reader: Reader, raw: Any, place: str) -> Section:
    top = reader.mapping(raw, place, _SECTION_KEYS)
    title = reader.text(top, "title", place, limit=80)
    where = f"{place}（{title}）"
    return Section(
        key=reader.key(top, "key", where),
        title=title,
        fields=tuple(
            item
            for number, raw_field in enumerate(reader.rows(top.get("fields"), where), 1)
            if (item := load_field(reader, raw_field, f"{where}：第 {number} 字段"))
        ),
        visible=reader.expression(top, "visible", where),
        note=reader.text(top, "note", where, limit=6000),
        columns=reader.whole(top, "columns", where, 3, 1, 6),
        package=reader.text(top, "package", where, limit=48),
    )


def load_field(reader: Reader, raw: Any, place: str) -> Field | None:
    """Read one field; None when it is hopeless (the fault is noted)."""
    top = reader.mapping(raw, place, _FIELD_KEYS)
    where = f"{place}（{top.get('label') or top.get('key') or ''}）"
    kind = reader.one_of(top.get("type", "text"), FieldType, where, "type")
    if kind is None:
        return None
    columns = DRUG_COLUMNS if kind is FieldType.DRUG_ROWS else reader.rows(top.get("columns"), where)
    explain = top.get("explain") or {}
    if not isinstance(explain, Mapping):
        reader.fault(where, "explain 应为 {答案: 说明字段}")
        explain = {}
    answer, target = next(iter(explain.items()), ("", ""))
    scale = None
    if kind is FieldType.SCORE:
        scale = _scale(reader, top.get("scale"), str(top.get("key", "")), where)
    made = Field(
        key=reader.key(top, "key", where),
        label=reader.text(top, "label", where, limit=120),
        type=kind,
        hint=reader.text(top, "hint", where, limit=400),
        unit=reader.text(top, "unit", where, limit=16),
        low=reader.decimal(top, "low", where),
        high=reader.decimal(top, "high", where),
        soft_low=reader.decimal(top, "soft_low", where),
        soft_high=reader.decimal(top, "soft_high", where),
        places=reader.whole(top, "places", where, 2, 0, 6) if "places" in top else None,
        max_length=reader.whole(top, "max_length", where, 4000 if kind is FieldType.LONG_TEXT else 200, 1, 20000),
        options=_field_options(reader, top, kind, where),
        unknown=reader.flag(top, "unknown", where, True),
        yes=reader.text(top, "yes", where, "是", 20),
        no=reader.text(top, "no", where, "否", 20),
        scale=scale,
        columns=tuple(
            column
            for number, item in enumerate(columns, 1)
            if (column := load_field(reader, item, f"{where}：第 {number} 列"))
        ),
        source=reader.expression(top, "source", where),
        compute=reader.expression(top, "compute", where),
        visible=reader.expression(top, "visible", where),
        required=_requirements(reader, top.get("required"), where),
        explain_when=str(answer),
        explain_in=str(target),
        element=reader.text(top, "element", where, limit=24),
        value_set=reader.text(top, "value_set", where, limit=40),
        other=reader.flag(top, "other", where),
        diagram=reader.text(top, "diagram", where, limit=24),
        wide=reader.flag(top, "wide", where, kind in (FieldType.LONG_TEXT, FieldType.TABLE, FieldType.DRUG_ROWS)),
        hospital=reader.flag(top, "hospital", where),
    )
    _check_field(reader, made, where)
    return made


def _scale(reader: Reader, raw: Any, key: str, where: str) -> Scale | None:
    """A scale of the library by its key, or one of the field's own."""
    if not isinstance(raw, Mapping):
        return reader.one_of(raw, lambda name: reader.library.scales[name], where, "scale")
    try:
        made = load_scale(key, raw, where)
    except (DefinitionError, ValueError) as error:
        reader.faults += getattr(error, "faults", [Fault(where, "评分的分值应为整数")])
        return None
    points = [option.code for item in made.items for option in item.options]
    if not points or not all(code.removeprefix("-").isdecimal() for code in points):
        reader.fault(where, "评分应有项目，分值应为整数")
        return None
    return made


def _check_field(reader: Reader, made: Field, where: str) -> None:
    if not made.label:
        reader.fault(where, "缺少 label")
    if made.type is FieldType.COMPUTED and made.compute is None:
        reader.fault(where, "computed 字段缺少 compute")
    if made.type is FieldType.TABLE and not made.columns:
        reader.fault(where, "表格缺少 columns")
    if made.type in _WITH_OPTIONS and not made.options:
        reader.fault(where, "缺少 options 或 value_set")
    if made.low is not None and made.high is not None and made.low > made.high:
        reader.fault(where, "low 大于 high")
    keys = [column.key for column in made.columns]
    if len(set(keys)) != len(keys):
        reader.fault(where, "列名重复")
    if any(column.type in (FieldType.TABLE, FieldType.DRUG_ROWS, FieldType.SIGNATURE) for column in made.columns):
        reader.fault(where, "表格里不能再放表格或签名")


def _field_options(reader: Reader, top: Mapping[str, Any], kind: FieldType, where: str) -> tuple[Option, ...]:
    if kind not in _WITH_OPTIONS:
        return ()
    if top.get("options") is not None:
        return _options(reader, top["options"], where)
    if top.get("value_set") is None:
        return ()
    values = reader.one_of(top["value_set"], lambda key: reader.library.value_sets[key], where, "value_set")
    return tuple(Option(code, label, code) for code, label in (values or {}).items())


def _options(reader: Reader, raw: Any, where: str) -> tuple[Option, ...]:
    if isinstance(raw, Mapping):
        made = tuple(Option(str(code), str(label)) for code, label in raw.items())
    else:
        made = tuple(Option(str(label), str(label)) for label in reader.rows(raw, where))
    if len({option.code for option in made}) != len(made):
        reader.fault(where, "选项代码重复")
    return made


def _requirements(reader: Reader, raw: Any, where: str) -> tuple[Requirement, ...]:
    if raw is None or raw is False:
        return ()
    if raw is True:
        raw = "sign"
    if isinstance(raw, str):
        raw = {raw: True}
    if not isinstance(raw, Mapping):
        reader.fault(where, "required 应为 save、sign、archive 或 {阶段: 条件}")
        return ()
    made = []
    for name, condition in raw.items():
        stage = reader.one_of(name, lambda key: STAGES[key], where, "required")
        when = None if condition is True else reader.expression({"required": condition}, "required", where)
        if stage is not None:
            made.append(Requirement(stage, when))
    return tuple(made)


def _signatory(reader: Reader, raw: Any, place: str) -> Signatory:
    top = reader.mapping(raw, place, _SIGNATORY_KEYS)
    roles = tuple(str(role) for role in reader.rows(top.get("roles"), place))
    if not roles:
        reader.fault(place, "缺少 roles")
    return Signatory(
        slot=reader.key(top, "slot", place),
        label=reader.text(top, "label", place, limit=40),
        roles=roles,
        order=reader.whole(top, "order", place, 1, 1, 20),
        required=reader.flag(top, "required", place, True),
        covers=tuple(str(key) for key in reader.rows(top.get("covers"), place)),
        group=reader.text(top, "group", place, "all", 40),
        when=reader.expression(top, "when", place),
    )


def _rule(reader: Reader, raw: Any, place: str) -> Rule | None:
    top = reader.mapping(raw, place, frozenset({"stage", "when", "message", "field", "blocking"}))
    stage = reader.one_of(top.get("stage", "sign"), lambda key: STAGES[key], place, "stage")
    when = reader.expression(top, "when", place)
    message = reader.text(top, "message", place, limit=200)
    if stage is None or when is None or not message:
        reader.fault(place, "规则需要 when 和 message")
        return None
    return Rule(stage, when, message, reader.text(top, "field", place), reader.flag(top, "blocking", place, True))


def _due(reader: Reader, raw: Any, where: str) -> Due | None:
    if raw is None:
        return None
    top = reader.mapping(raw, f"{where}：due", frozenset({"event", "minutes"}))
    return Due(reader.text(top, "event", where), reader.whole(top, "minutes", where, 0, -14400, 43200))


def _check_whole(reader: Reader, kind: Kind, where: str) -> None:
    if not kind.title:
        reader.fault(where, "缺少 title")
    if not kind.sections:
        reader.fault(where, "缺少 sections")
    keys = [item.key for _, item in kind.fields()]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        reader.fault(where, f"字段 {key} 重复")
    section_keys = [section.key for section in kind.sections]
    if len(set(section_keys)) != len(section_keys):
        reader.fault(where, "章节 key 重复")
    known = set(keys)
    for section, item in kind.fields():
        if item.explain_in and item.explain_in not in known:
            reader.fault(f"{where}：{section.title}：{item.label}", f"说明字段 {item.explain_in} 不存在")
    slots = [item.slot for item in kind.signatories]
    if len(set(slots)) != len(slots):
        reader.fault(where, "签名位 slot 重复")
    for signatory in kind.signatories:
        for key in set(signatory.covers) - set(section_keys):
            reader.fault(f"{where}：签名 {signatory.label}", f"covers 里没有章节 {key}")
    for text, expression in expressions_of(kind):
        for name in sorted(expression.fields - known):
            reader.fault(f"{where}：{text}", f"表达式里没有字段 {name}")


def expressions_of(kind: Kind) -> list[tuple[str, Expression]]:
    """Every expression of a kind outside table columns, with a word for where it stands."""
    found: list[tuple[str, Expression | None]] = [("when", kind.when)]
    for section in kind.sections:
        found.append((section.title, section.visible))
        for item in section.fields:
            found += [(item.label, e) for e in (item.source, item.compute, item.visible)]
            found += [(item.label, requirement.when) for requirement in item.required]
    found += [(rule.message, rule.when) for rule in kind.rules]
    found += [(signatory.label, signatory.when) for signatory in kind.signatories]
    return [(text, expression) for text, expression in found if expression is not None]
