"""Why a shipped field must not be hidden, or must stay required: the shared document, a rule, a signature needs it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from app.documents.definition import Kind, Stage
from app.documents.expressions import Expression
from app.documents.overlays import fields_in, is_optional_entry

# Fields that rules of the whole case read or jump to (app.documents.rules.case), and that signing and export read.
_READ_ELSEWHERE: Mapping[str, frozenset[str]] = {
    "preop_visit": frozenset({"visited_at"}),
    "pacu_record": frozenset({"first_temperature", "warming", "delay_reason"}),
    "analgesia_record": frozenset({"visits"}),
}
_ANYWHERE = frozenset({"signer_relation"})
_NATIONAL = {"safety_check": "国家统一格式的核查内容"}
_EXPRESSIONS = ("from", "low", "high", "at", "at_text", "code_from", "performer", "site", "time_high", "flag", "checked",
                "allergy", "abo", "rh", "name", "product")  # fmt: skip
_FIELDS = ("each", "rows", "drugs", "supplies", "nested_procedure", "each_row", "days_after", "participants")


def protections(kind: Kind) -> dict[str, list[str]]:
    """Field → reasons why it cannot be hidden, in Chinese; a field that is not named may be."""
    found: dict[str, list[str]] = defaultdict(list)
    for key in shared_fields(kind):
        found[key].append(f"共享文档 {kind.code}（WS/T 500）要求")
    for rule in kind.rules:
        for key in _named(rule.when) | ({rule.field} if rule.field else set()):
            found[key].append(f"检查规则“{rule.message}”要用")
    for signatory in kind.signatories:
        for key in _named(signatory.when) if signatory.when else ():
            found[key].append(f"签名位“{signatory.label}”要用")
    for name, owner, expression in _uses(kind):
        for key in _named(expression) - {owner}:
            found[key].append(f"“{name}”的计算或条件要用")
    for _, item in kind.fields():
        if item.explain_in:
            found[item.explain_in].append(f"“{item.label}”的说明写在这里")
        if item.key in _READ_ELSEWHERE.get(kind.key, frozenset()) | _ANYWHERE:
            found[item.key].append("全程检查或签名要用")
        if kind.key in _NATIONAL:
            found[item.key].append(_NATIONAL[kind.key])
    keys = {item.key for _, item in kind.fields()}
    return {key: list(dict.fromkeys(reasons)) for key, reasons in found.items() if key in keys}


def _named(expression: Expression) -> set[str]:
    return fields_in(expression.text)


def _uses(kind: Kind) -> Iterator[tuple[str, str, Expression]]:
    for section in kind.sections:
        if section.visible is not None:
            yield section.title, "", section.visible
        for item in section.fields:
            for expression in (item.compute, item.visible, *(one.when for one in item.required)):
                if expression is not None:
                    yield item.label, item.key, expression


def shared_fields(kind: Kind) -> set[str]:
    """Fields without which the shared document of the kind would be refused."""
    found: set[str] = set()
    if kind.code and kind.cda:
        _collect(kind.cda, found)
    return found & {item.key for _, item in kind.fields()}


def _collect(node: Any, found: set[str]) -> None:
    if isinstance(node, Mapping):
        for name, value in node.items():
            if name in _FIELDS and isinstance(value, str):
                found.add(value)
            elif name in _EXPRESSIONS and isinstance(value, str) and not is_optional_entry(node):
                found |= fields_in(value)
            _collect(value, found)
    elif isinstance(node, list):
        for value in node:
            _collect(value, found)


def change_faults(kind: Kind, content: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(field, entry, sentence) of changes that an overlay must not make to the shipped `kind`."""
    guarded, shared = protections(kind), shared_fields(kind)
    for change in content.get("changes") or ():
        key = str(change.get("field", ""))
        item = kind.find(key)
        label = item.label if item else key
        if change.get("hidden"):
            if not str(change.get("reason") or "").strip():
                yield key, "reason", f"隐藏「{label}」须写明理由"
            if reasons := guarded.get(key):
                yield key, "hidden", f"「{label}」不能隐藏：{'；'.join(reasons[:3])}"
        elif "required" in change and key in shared and item is not None and item.required:
            stage = change["required"]
            if stage not in ("save", "sign", True):
                yield key, "stage", f"「{label}」是共享文档 {kind.code} 的内容，最迟在{Stage.SIGN.label}必填"
