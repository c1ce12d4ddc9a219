"""Checks that need all definitions at once: names of facts, exchange mappings, due events. Used by the command."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.documents.definition import Kind
from app.documents.expressions import Expression, ExpressionError, parse
from app.documents.facts import CHART_CODES, EVENTS, known
from app.documents.loader import expressions_of, load_kind
from app.documents.models import DocumentOverlay
from app.documents.protection import change_faults
from app.documents.reader import Fault
from app.documents.registry import catalogue, compose, read_value_sets

_EXTRA_SETS = ("icd10", "icd9")
_EXPRESSION_KEYS = ("from", "low", "high", "at", "at_text", "code_from", "performer", "site", "time_high")


def lint() -> list[Fault]:
    """Everything that is wrong with what is shipped; raises `DefinitionError` when it cannot even be read."""
    faults: list[Fault] = []
    for kind in catalogue().kinds.values():
        faults += lint_kind(kind)
    return faults


def lint_overlay(row: DocumentOverlay) -> list[Fault]:
    """What is wrong with a version of the hospital's, also one of a later day, alone and with every specialty package."""
    place = f"{row.kind} 第 {row.version} 版"
    if row.is_new_kind:
        made = [load_kind(row.content, catalogue().library, place)]
    else:
        if faults := lint_changes(row.kind, row.content):  # it would not even load without what is hidden
            return [Fault(f"{place}：{fault.place}", fault.message) for fault in faults]
        packages = [package.key for package in catalogue().packages.values() if row.kind in package.adds]
        made = [compose(row.kind, chosen, [row.content]) for chosen in ([], *([key] for key in packages))]
    found = {str(fault): fault for kind in made for fault in lint_kind(kind)}
    return [Fault(f"{place}：{fault.place}", fault.message) for fault in found.values()]


def lint_changes(kind: str, content: Mapping[str, Any]) -> list[Fault]:
    """What an overlay hides or relaxes although something needs it."""
    shipped = catalogue().kinds.get(kind)
    return [Fault(kind, words) for _, _, words in change_faults(shipped, content)] if shipped else []


def lint_kind(kind: Kind) -> list[Fault]:
    """Names that nobody can fill, unknown events, and mappings that point nowhere."""
    faults = []
    keys = {item.key for _, item in kind.fields()}
    for text, expression in expressions_of(kind):
        faults += [Fault(f"{kind.key}：{text}", message) for message in _unknown(expression, keys)]
    if kind.due and kind.due.event not in EVENTS:
        faults.append(Fault(kind.key, f"due 里没有事件 {kind.due.event}"))
    if kind.cda:
        for entry in _entries(kind.cda.get("sections", [])):
            faults += [Fault(f"{kind.key}：cda", message) for message in _entry_faults(entry, keys)]
    return faults


def _unknown(expression: Expression, keys: set[str]) -> Iterator[str]:
    for path in sorted(expression.facts):
        head = path.partition(".")[0]
        if head not in keys and head != "row" and not known(path):
            yield f"没有事实 {path}"
    for code, event in sorted(expression.charts):
        if code not in CHART_CODES or event not in EVENTS:
            yield f"没有体征 {code}@{event}"


def _entries(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, Mapping):
        yield node
        for value in node.values():
            yield from _entries(value)
    elif isinstance(node, list):
        for value in node:
            yield from _entries(value)


def _entry_faults(entry: Mapping[str, Any], keys: set[str]) -> Iterator[str]:
    for name in _EXPRESSION_KEYS:
        if isinstance(entry.get(name), str) and entry[name]:
            try:
                expression = parse(entry[name])
            except ExpressionError as error:
                yield f"{name}：{error}"
                continue
            yield from _unknown(expression, keys)
            yield from (f"{name} 里没有字段 {key}" for key in sorted(expression.fields - keys - {"row"}))
    for name in ("each", "rows", "drugs", "supplies", "nested_procedure"):
        if isinstance(entry.get(name), str) and entry[name] not in keys:
            yield f"{name} 里没有字段 {entry[name]}"
    value_set = entry.get("set")
    if isinstance(value_set, str) and value_set not in read_value_sets() and value_set not in _EXTRA_SETS:
        yield f"没有值域 {value_set}"
