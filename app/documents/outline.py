"""A form written as lines, as people note it down: `# 章节` and `- 名称 | 类型 | 单位或选项 | 必填`.

A number may carry its range behind the unit (`℃ 30~45`). Keys come from the pinyin of the names, so that a later
version of the form keeps the values of the same field together.
"""

import re
from typing import Any

from app.core.pinyin import initials
from app.documents.reader import DefinitionError, Fault

TYPES = {
    "文字": "text", "长文字": "long_text", "数值": "number", "日期时间": "datetime", "单选": "choice",
    "多选": "multi_choice", "是否": "yes_no_unknown",
}  # fmt: skip
STAGES = {"": "", "签名前": "sign", "归档前": "archive"}
_RANGE = re.compile(r"^(?P<unit>.*?)\s*(?P<low>-?\d+(?:\.\d+)?)\s*[~～]\s*(?P<high>-?\d+(?:\.\d+)?)$")
MAX_LINES = 300


def read_outline(text: str) -> list[dict[str, Any]]:
    """Sections of a definition. Raises `DefinitionError` with one fault a line, named by its number."""
    sections: list[dict[str, Any]] = []
    faults: list[Fault] = []
    keys: set[str] = set()
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        raise DefinitionError([Fault("字段", f"最多 {MAX_LINES} 行")])
    for number, line in enumerate(lines, 1):
        words = line.strip()
        if not words:
            continue
        try:
            if words.startswith("#"):
                title = _name(words.lstrip("#"))
                sections.append({"key": _key(title, keys), "title": title, "fields": []})
            elif not sections:
                raise ValueError("第一行应为章节，例如「# 一般情况」")
            else:
                sections[-1]["fields"].append(_field(words.lstrip("-"), keys))
        except ValueError as error:
            faults.append(Fault(f"第 {number} 行", str(error)))
    if not faults and not any(section["fields"] for section in sections):
        faults.append(Fault("字段", "至少要有一个章节和一个字段"))
    if faults:
        raise DefinitionError(faults)
    return sections


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > 60:
        raise ValueError("名称应为 1–60 字")
    return name


def _key(name: str, keys: set[str]) -> str:
    base = "h_" + (re.sub(r"[^a-z0-9]", "", initials(name))[:24] or "x")
    key, number = base, 1
    while key in keys:
        number += 1
        key = f"{base}_{number}"
    keys.add(key)
    return key


def _field(text: str, keys: set[str]) -> dict[str, Any]:
    label, kind, more, stage, *rest = [*(part.strip() for part in text.split("|")), "", "", "", ""]
    if any(rest):
        raise ValueError("最多四栏：名称 | 类型 | 单位或选项 | 必填")
    if (kind or "文字") not in TYPES:
        raise ValueError(f"类型「{kind}」不对，可用：{'、'.join(TYPES)}")
    if stage not in STAGES:
        raise ValueError(f"必填「{stage}」不对，可用：签名前、归档前，或留空")
    name = _name(label)
    made: dict[str, Any] = {"key": _key(name, keys), "label": name, "type": TYPES[kind or "文字"], "hospital": True}
    if made["type"] in ("choice", "multi_choice"):
        made["options"] = [option.strip() for option in re.split(r"[、，,]", more) if option.strip()]
        if len(made["options"]) < 2:
            raise ValueError("单选、多选至少要有两个选项，用顿号分开")
    elif made["type"] == "number":
        found = _RANGE.match(more)
        made |= {"unit": found["unit"], "low": found["low"], "high": found["high"]} if found else {"unit": more}
    elif more:
        made["hint"] = more
    if STAGES[stage]:
        made["required"] = STAGES[stage]
    return made
