"""How one entry of an exchange mapping becomes elements: values, codes, what is nested."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.documents.cda.elements import (
    ELEMENTS,
    ICD9,
    XSI,
    Node,
    add,
    make,
    plain,
    time14,
    to_decimal,
)
from app.documents.cda.options import CdaOptions
from app.documents.expressions import is_filled, parse
from app.documents.facts import FormEnvironment
from app.documents.registry import read_value_sets
from app.documents.rules.completeness import Filled

Entry = Mapping[str, Any]
_TYPES_WITHOUT_SCHEMA = {
    "C0010": {"TS", "INT"}, "C0011": {"TS", "INT"}, "C0012": {"INT"}, "C0013": {"TS"}, "C0019": {"TS", "INT"},
    "C0022": {"PQ", "TS", "INT"}, "C0026": {"PQ", "BL", "TS", "INT"}, "C0027": {"PQ", "TS", "INT"},
    "C0028": {"PQ", "BL", "INT"}, "C0044": {"BL", "INT"},
}  # fmt: skip


@dataclass(slots=True)
class Writer:
    """Writes entries and notes what is missing as `数据元 名称`."""

    code: str
    filled: Filled
    options: CdaOptions
    missing: list[str] = field(default_factory=list)

    @property
    def environment(self) -> FormEnvironment:
        """Values of the document."""
        return self.filled.environment

    def note(self, entry: Entry, name: str = "") -> None:
        """Remember a missing data element when the mapping says it is required."""
        if entry.get("required"):
            element = str(entry.get("observation") or "")
            self.missing.append(f"{element} {name or entry.get('name', '')}".strip())

    def value(self, text: Any, row: Mapping[str, Any] | None = None) -> Any:
        """Value of an expression of the mapping."""
        if not isinstance(text, str) or not text:
            return None
        environment = self.environment.with_row(row) if row is not None else self.environment
        return parse(text).value(environment)


def observation(writer: Writer, entry: Entry, row: Mapping[str, Any] | None = None) -> Node | None:
    """One observation with its value and what is nested; None when the value is missing."""
    value = writer.value(entry.get("from"), row)
    if not is_filled(value):
        writer.note(entry)
        return None
    node = make("observation", classCode="OBS", moodCode="EVN")
    write_code(writer, node, entry)
    if entry.get("time_high"):
        moment = writer.value(entry["time_high"], row)
        if isinstance(moment, datetime):
            add(add(node, "effectiveTime"), "high", value=time14(moment))
        else:
            writer.note(entry, f"{entry['name']}的时间")
    if not write_value(writer, node, entry, value):
        writer.note({**entry, "required": True}, f"{entry['name']}（取值不符合要求）")
        return None
    for nested in entry.get("nested", ()):
        nest(writer, node, nested, row)
    _hands(writer, node, entry, row)
    return node


def write_code(writer: Writer, node: Node, entry: Entry) -> None:
    """The code of a data element."""
    number = str(entry["observation"])
    if writer.options.element_suffix and entry.get("suffix"):
        number += str(entry["suffix"])
    add(node, "code", code=number, codeSystem=ELEMENTS[0], codeSystemName=ELEMENTS[1], displayName=str(entry["name"]))


def write_value(writer: Writer, node: Node, entry: Entry, value: Any) -> bool:
    """Append the value element; False when the value has no legal form."""
    kind = str(entry.get("type", "ST"))
    if kind == "CD":
        values = read_value_sets()[str(entry["set"])]
        code = str(value)
        if code not in values["values"]:
            return False
        child = add(node, "value", code=code, codeSystem=str(values["oid"]), codeSystemName=str(values["name"]),
                    displayName=str(values["values"][code]))  # fmt: skip
    elif kind == "PQ":
        number = to_decimal(value)
        if number is None:
            return False
        places = entry.get("places")
        words = plain(number) if places is None else format(round(number, places), "f")
        child = add(node, "value", value=words, unit=str(entry["unit"]))
    elif kind == "INT":
        number = to_decimal(value)
        if number is None:
            return False
        child = add(node, "value", value=str(int(number)))
    elif kind == "BL":
        if value not in ("yes", "no"):  # 不详 is neither true nor false
            return False
        child = add(node, "value", value="true" if value == "yes" else "false")
    elif kind == "TS":
        if not isinstance(value, datetime):
            return False
        child = add(node, "value", value=time14(value))
    else:
        text = _words(writer, entry, value)
        child = add(node, "value", text[: int(entry["cut"])] if entry.get("cut") else text)
    if not entry.get("plain"):
        typed(writer, child, kind)
    return True


def typed(writer: Writer, node: Node, kind: str) -> None:
    """Write xsi:type where the schema of the document knows the type."""
    if writer.options.write_types and kind not in _TYPES_WITHOUT_SCHEMA.get(writer.code, ()):
        node.set(f"{{{XSI}}}type", kind)


def _words(writer: Writer, entry: Entry, value: Any) -> str:
    """Words of a value that is written as text: a choice by its label, a time by its figures."""
    if isinstance(value, datetime):
        return time14(value)
    if entry.get("unit"):
        return f"{plain(value)} {entry['unit']}" if to_decimal(value) is not None else str(value)
    item = writer.filled.kind.find(str(entry.get("from", "")))
    if item is not None and item.options and not entry.get("as_code"):
        return writer.filled.words(item)
    if isinstance(value, list):
        return "，".join(str(part.get("name", "")) if isinstance(part, Mapping) else str(part) for part in value)
    return str(value)


def nest(writer: Writer, node: Node, entry: Entry, row: Mapping[str, Any] | None) -> None:
    """Write what stands below an element: an observation, a procedure, a span of time or a product."""
    if "nested_procedure" in entry:
        for item in writer.environment.field(entry["nested_procedure"]) or []:
            holder = add(add(node, "entryRelationship", typeCode="COMP"), "procedure", classCode="PROC", moodCode="EVN")
            add(holder, "code", code=item["code"] or "-", codeSystem=ICD9[0], codeSystemName=ICD9[1],
                displayName=item["name"])  # fmt: skip
            if not item["code"]:
                writer.note(entry, f"{entry['name']}编码")
        return
    if "span" in entry:
        low, high = (writer.value(entry["span"][side], row) for side in ("low", "high"))
        if isinstance(low, datetime) and isinstance(high, datetime):
            holder = add(add(node, "entryRelationship", typeCode="COMP"), "organizer", classCode="CLUSTER",
                         moodCode="EVN")  # fmt: skip
            add(holder, "statusCode", "")
            interval(holder, low, high)
        else:
            writer.note(entry)
        return
    if "product" in entry:
        _product(writer, node, entry, row)
        return
    child = observation(writer, entry, row)
    if child is not None:
        add(node, "entryRelationship", typeCode="COMP").append(child)


def _product(writer: Writer, node: Node, entry: Entry, row: Mapping[str, Any] | None) -> None:
    code, values = writer.value(entry["product"], row), read_value_sets()[str(entry["set"])]
    if code not in values["values"]:
        writer.note(entry)
        return
    holder = add(add(node, "entryRelationship", typeCode="COMP"), "substanceAdministration", classCode="SBADM",
                 moodCode="EVN")  # fmt: skip
    material = add(add(add(holder, "consumable"), "manufacturedProduct"), "manufacturedMaterial")
    add(material, "code", code=str(code), codeSystem=str(values["oid"]), codeSystemName=str(values["name"]),
        displayName=str(values["values"][code]))  # fmt: skip


def interval(node: Node, low: datetime | None, high: datetime | None) -> None:
    """Beginning and end of something."""
    holder = add(node, "effectiveTime")
    if low is not None:
        add(holder, "low", value=time14(low))
    if high is not None:
        add(holder, "high", value=time14(high))


def _hands(writer: Writer, node: Node, entry: Entry, row: Mapping[str, Any] | None) -> None:
    if author := entry.get("author"):
        at, name = writer.value(author["at"], row), writer.value(author["name"], row)
        if isinstance(at, datetime) and is_filled(name):
            holder = add(node, "author")
            add(holder, "time", value=time14(at))
            assigned = add(holder, "assignedAuthor")
            add(assigned, "id", root="2.16.156.10011.1.4", extension=str(name))
            add(assigned, "code", displayName=str(author["code"]))
            add(add(assigned, "assignedPerson"), "name", str(name))
        else:
            writer.note(entry, "交接护士及交接时间")
    if person := entry.get("participant"):
        name = writer.value(person["name"], row)
        if is_filled(name):
            role = add(add(node, "participant", typeCode="ATND"), "participantRole", classCode="ASSIGNED")
            add(role, "id", root="2.16.156.10011.1.4", extension=str(name))
            add(role, "code", displayName=str(person["code"]))
            add(add(role, "playingEntity", classCode="PSN", determinerCode="INSTANCE"), "name", str(name))
        else:
            writer.note(entry, str(person["code"]))
