"""One field between the designer's entries and a definition: options, columns, scores, formulas, conditions."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from app.documents.designer.conditions import condition_of, expression_of, is_set
from app.documents.designer.keys import new_key
from app.documents.designer.words import to_expression, to_words
from app.documents.expressions import ExpressionError
from app.documents.loader import load_field
from app.documents.reader import Reader
from app.documents.registry import catalogue

TYPES: Mapping[str, str] = {
    "text": "文字", "long_text": "长文字", "number": "数值", "datetime": "日期时间", "choice": "单选",
    "multi_choice": "多选", "yes_no_unknown": "是／否／不详", "score": "评分", "table": "表格", "computed": "计算",
    "drug_rows": "用药表", "diagnosis": "诊断", "procedure": "手术操作", "mark": "人体图标注", "signature": "手写签名图",
}  # fmt: skip
COLUMN_TYPES = ("text", "number", "datetime", "choice", "yes_no_unknown")
STAGES: Mapping[str, str] = {"": "不必填", "save": "提交保存前", "sign": "签名前", "archive": "归档前"}
_WITH_OPTIONS = ("choice", "multi_choice")
_SPLIT = re.compile(r"[、，,;；\n]")
_POINTS = re.compile(r"^(?P<words>.*?)[\s=＝:：]*(?P<points>-?\d+)\s*分?$")
_BAND = re.compile(r"^(?P<low>-?\d+)\s*分?[\s=＝:：]*(?P<words>.+)$")
_EDITED = frozenset({"key", "label", "type", "hint", "unit", "low", "high", "options", "value_set", "columns", "scale",
                     "compute", "source", "visible", "required", "element", "wide", "hospital"})  # fmt: skip
Item = dict[str, Any]
FieldFault = tuple[str, str]  # entry of the inspector, Chinese sentence


def keys_of(fields: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Label → key of fields and of their columns (`表格.列`); of equal labels the first counts."""
    found: dict[str, str] = {}
    for field in fields:
        found.setdefault(field.get("label", ""), field["key"])
        for column in field.get("columns") or ():
            found.setdefault(f"{field.get('label', '')}.{column.get('label', '')}", f"{field['key']}.{column['key']}")
    return {label: key for label, key in found.items() if label}


def new_item(type_name: str, label: str, taken: Sequence[str]) -> Item:
    """An empty field of a type."""
    return field_item({"key": new_key(label, taken), "label": label, "type": type_name}, {})


def field_item(raw: Mapping[str, Any], keys: Mapping[str, str]) -> Item:
    """A field of a definition as the designer shows it."""
    required, visible, compute = raw.get("required"), raw.get("visible"), raw.get("compute")
    stage, when = next(iter(required.items()), ("", True)) if isinstance(required, Mapping) else (required or "", True)
    scale = raw.get("scale")
    return {
        "key": raw["key"], "label": raw.get("label", ""), "type": raw.get("type", "text"), "hint": raw.get("hint", ""),
        "unit": raw.get("unit", ""), "low": str(raw.get("low", "")), "high": str(raw.get("high", "")),
        "options": _options_text(raw.get("options") or []), "value_set": raw.get("value_set", ""),
        "columns": [_column_item(column) for column in raw.get("columns") or ()],
        "scale": scale if isinstance(scale, str) else "",
        "score_items": _score_text(scale) if isinstance(scale, Mapping) else "",
        "score_bands": _bands_text(scale) if isinstance(scale, Mapping) else "",
        "formula": to_words(compute, keys) if compute else "", "source": raw.get("source", ""),
        "visible": condition_of(visible, keys) if visible else {},
        "stage": "sign" if stage is True else stage,
        "needed": condition_of(when, keys) if isinstance(when, str) else {},
        "element": raw.get("element", ""), "wide": bool(raw.get("wide")),
        "rest": {name: value for name, value in raw.items() if name not in _EDITED},
    }  # fmt: skip


def _options_text(options: Any) -> str:
    if isinstance(options, Mapping):
        return "\n".join(str(label) if code == label else f"{code}={label}" for code, label in options.items())
    return "\n".join(str(label) for label in options)


def _column_item(column: Mapping[str, Any]) -> Item:
    return {"key": column["key"], "label": column.get("label", ""), "type": column.get("type", "text"),
            "more": "、".join(_options_text(column.get("options") or []).split("\n")) if column.get("options")
            else column.get("unit", ""), "required": bool(column.get("required")),
            "rest": {name: value for name, value in column.items()
                     if name not in ("key", "label", "type", "unit", "options", "required")}}  # fmt: skip


def _score_text(scale: Mapping[str, Any]) -> str:
    return "\n".join(f"{item['label']}：" + "、".join(f"{label}={points}" for points, label in item["options"].items())
                     for item in scale["items"].values())  # fmt: skip


def _bands_text(scale: Mapping[str, Any]) -> str:
    return "\n".join(f"{low} {words}" for low, words in (scale.get("bands") or {}).items())


def field_definition(
    item: Item, keys: Mapping[str, str], types: Mapping[str, str], faults: list[FieldFault]
) -> dict[str, Any]:
    """The field as a definition writes it; what is wrong is told with the entry where it stands."""
    kind = item["type"]
    made: dict[str, Any] = {**item.get("rest", {}), "key": item["key"], "label": item["label"].strip(), "type": kind,
                            "hospital": True}  # fmt: skip
    if not made["label"] or len(made["label"]) > 60:
        faults.append(("label", "请填写名称，不超过 60 字"))
    made |= {name: item[name].strip() for name in ("hint", "unit", "source", "element") if item[name].strip()}
    if item["wide"]:
        made["wide"] = True
    if kind == "number":
        made |= {name: item[name].strip() for name in ("low", "high") if item[name].strip()}
    elif kind in _WITH_OPTIONS:
        made |= _options(item, faults)
    elif kind == "table":
        made["columns"] = _columns(item, faults)
    elif kind == "score":
        made["scale"] = item["scale"] or _scale(item, faults)
    elif kind == "computed":
        made["compute"] = _expression("formula", lambda: to_expression(item["formula"], keys).text, faults)
    if is_set(item["visible"]):
        made["visible"] = _expression("visible", lambda: expression_of(item["visible"], types, keys), faults)
    if item["stage"]:
        made["required"] = item["stage"]
        if is_set(item["needed"]):
            made["required"] = {item["stage"]: _expression("needed", lambda: expression_of(item["needed"], types, keys),
                                                           faults)}  # fmt: skip
    if not faults:
        faults += _loading_faults(made)
    return made


_NAMES = {"low": "最小值", "high": "最大值", "unit": "单位", "hint": "填写提示", "element": "数据元", "label": "名称"}


def _loading_faults(made: Mapping[str, Any]) -> list[FieldFault]:
    reader = Reader(catalogue().library)
    load_field(reader, {name: value for name, value in made.items() if name not in ("section", "after")}, "")
    found = []
    for fault in reader.faults:
        name = next((name for name in _NAMES if fault.message.startswith(name)), "")
        words = fault.message.replace("low 大于 high", "最小值大于最大值")
        found.append(
            (name or "label", words.replace(name, _NAMES[name], 1) if name and words == fault.message else words)
        )
    return found


def _expression(name: str, make: Any, faults: list[FieldFault]) -> str:
    try:
        return str(make())
    except ExpressionError as error:
        faults.append((name, str(error)))
        return ""


def _options(item: Item, faults: list[FieldFault]) -> dict[str, Any]:
    if item["value_set"]:
        if item["value_set"] not in catalogue().library.value_sets:
            faults.append(("value_set", "没有这个值域"))
        return {"value_set": item["value_set"]}
    options = _option_values(item["options"])
    if len(options) < 2:
        faults.append(("options", "至少要有两个选项，一行一个"))
    return {"options": options}


def _option_values(text: str) -> Any:
    words = [part.strip() for part in _SPLIT.split(text) if part.strip()]
    if any("=" in word for word in words):
        return {word.partition("=")[0].strip(): word.partition("=")[2].strip() or word for word in words}
    return list(dict.fromkeys(words))


def _columns(item: Item, faults: list[FieldFault]) -> list[dict[str, Any]]:
    made, taken = [], {column["key"] for column in item["columns"]}
    for number, column in enumerate(item["columns"], 1):
        label, more = column["label"].strip(), column["more"].strip()
        if not label:
            if more:
                faults.append(("columns", f"第 {number} 列没有名称"))
            continue
        field: dict[str, Any] = {**column.get("rest", {}), "key": column["key"] or new_key(label, taken), "label": label,
                                 "type": column["type"] if column["type"] in COLUMN_TYPES else "text"}  # fmt: skip
        column["key"] = field["key"]
        taken.add(field["key"])
        if field["type"] == "choice":
            field["options"] = _option_values(more)
            if len(field["options"]) < 2:
                faults.append(("columns", f"第 {number} 列「{label}」至少要有两个选项，用顿号分开"))
        elif more and field["type"] == "number":
            field["unit"] = more
        if column["required"]:
            field["required"] = "save"
        made.append(field)
    if not made:
        faults.append(("columns", "表格至少要有一列"))
    return made


def _scale(item: Item, faults: list[FieldFault]) -> dict[str, Any]:
    items: dict[str, Any] = {}
    for number, line in enumerate(filter(str.strip, item["score_items"].splitlines()), 1):
        label, _, rest = line.strip().replace(":", "：").partition("：")
        options: dict[str, str] = {}
        for part in (part.strip() for part in re.split(r"[、，,;；]", rest) if part.strip()):
            found = _POINTS.match(part)
            if found is None or not found["words"].strip():
                faults.append(("score_items", f"第 {number} 行「{part}」应写成 选项=分值，例如 完全清醒=2"))
            elif found["points"] in options:
                faults.append(("score_items", f"第 {number} 行有两个选项都是 {found['points']} 分，请合并或改分值"))
            else:
                options[found["points"]] = found["words"].strip()
        if len(options) < 2 and not faults:
            faults.append(("score_items", f"第 {number} 行「{label}」至少要有两个选项"))
        items[f"i_{number}"] = {"label": label.strip(), "options": options}
    if not items:
        faults.append(("score_items", "请写评分项目，一行一项，例如 清醒程度：完全清醒=2、有反应=1、无反应=0"))
    bands: dict[str, str] = {}
    for line in filter(str.strip, item["score_bands"].splitlines()):
        found = _BAND.match(line.strip())
        if found is None:
            faults.append(("score_bands", f"「{line.strip()}」应以最低分开头，例如 4 达到离室标准"))
        else:
            bands[found["low"]] = found["words"].strip()
    return {"title": item["label"].strip() or "评分", "items": items, **({"bands": bands} if bands else {})}
