"""The body of a document, written from the exchange mapping of its kind."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.documents.cda.elements import (
    ELEMENTS,
    ICD9,
    ICD10,
    LOINC,
    XSI,
    Node,
    add,
    make,
    plain,
    time14,
    to_decimal,
    two_places,
)
from app.documents.cda.options import CdaOptions
from app.documents.expressions import is_filled, parse
from app.documents.facts import FormEnvironment
from app.documents.registry import read_value_sets
from app.documents.rules.completeness import Filled

Entry = Mapping[str, Any]
_ROUTES = (
    ("静脉", "404"), ("肌", "403"), ("皮下", "401"), ("皮内", "402"), ("吸入", "5"), ("口服", "1"), ("直肠", "2"),
    ("舌下", "3"), ("硬膜外", "601"), ("鞘内", "601"), ("椎管", "601"), ("蛛网膜", "601"), ("表面", "6"), ("局部", "6"),
    ("神经", "609"), ("阻滞", "609"),
)  # fmt: skip
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


def write_body(root: Node, sections: Sequence[Entry], writer: Writer, one_entry: bool) -> None:
    """Append the structured body; a section without entries is left out."""
    body = add(add(root, "component"), "structuredBody")
    for section in sections:
        entries = [node for entry in section["entries"] for node in _entry(writer, entry)]
        for group in [[node] for node in entries] if one_entry else [entries]:
            if group:
                _section(body, section, group)


def _section(body: Node, section: Entry, nodes: Sequence[Node]) -> None:
    holder = add(add(body, "component"), "section")
    if section.get("code"):
        add(holder, "code", code=str(section["code"]), displayName=str(section["name"]), codeSystem=LOINC[0],
            codeSystemName=LOINC[1])  # fmt: skip
    else:
        add(holder, "code", displayName=str(section["name"]))
    add(holder, "text", _narrative(nodes))
    for node in nodes:
        add(holder, "entry").append(node)


def _narrative(nodes: Sequence[Node]) -> str:
    lines = []
    for node in nodes:
        for item in node.iter("{urn:hl7-org:v3}observation"):
            code, value = item.find("{*}code"), item.find("{*}value")
            if code is not None and value is not None:
                words = value.text or value.get("displayName") or " ".join(
                    filter(None, (value.get("value"), value.get("unit")))
                )  # fmt: skip
                lines.append(f"{code.get('displayName', '')}：{words}")
    return "；".join(lines)


def _entry(writer: Writer, entry: Entry) -> Iterator[Node]:
    if "blood_group" in entry:
        yield from _blood_group(writer, entry)
    elif "drugs" in entry:
        yield from _drugs(writer, entry)
    elif "supplies" in entry:
        yield from _supplies(writer, entry)
    elif "allergy" in entry:
        yield from _allergy(writer, entry)
    elif "checked" in entry:
        yield from _checked(writer, entry)
    elif "procedure" in entry:
        yield from _procedures(writer, entry)
    else:
        yield from _observations(writer, entry)


def _observations(writer: Writer, entry: Entry) -> Iterator[Node]:
    if "each" in entry:
        items = writer.environment.field(entry["each"]) or []
        for item in items:
            yield from _coded_observation(writer, entry, item)
        if not items:
            writer.note(entry)
        return
    rows: Sequence[Mapping[str, Any] | None] = [None]
    if "rows" in entry:
        rows = writer.environment.field(entry["rows"]) or []
        if not rows:
            writer.note(entry)
    for row in rows:
        node = observation(writer, entry, row)
        if node is not None:
            yield node


def _coded_observation(writer: Writer, entry: Entry, item: Mapping[str, str]) -> Iterator[Node]:
    if not item.get("code"):
        writer.note({**entry, "required": True}, f"{entry['name']}（「{item.get('name', '')}」没有编码）")
        return
    node = make("observation", classCode="OBS", moodCode="EVN")
    _code(writer, node, entry)
    system = ICD10 if entry.get("set") == "icd10" else ICD9
    _typed(writer, add(node, "value", code=item["code"], codeSystem=system[0], codeSystemName=system[1],
                       displayName=item["name"]), "CD")  # fmt: skip
    yield node


def observation(writer: Writer, entry: Entry, row: Mapping[str, Any] | None = None) -> Node | None:
    """One observation with its value and what is nested; None when the value is missing."""
    value = writer.value(entry.get("from"), row)
    if not is_filled(value):
        writer.note(entry)
        return None
    node = make("observation", classCode="OBS", moodCode="EVN")
    _code(writer, node, entry)
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
        _nest(writer, node, nested, row)
    _hands(writer, node, entry, row)
    return node


def _code(writer: Writer, node: Node, entry: Entry) -> None:
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
        child = add(node, "value", value="true" if value == "yes" else "false")
    elif kind == "TS":
        if not isinstance(value, datetime):
            return False
        child = add(node, "value", value=time14(value))
    else:
        text = _words(writer, entry, value)
        child = add(node, "value", text[: int(entry["cut"])] if entry.get("cut") else text)
    if not entry.get("plain"):
        _typed(writer, child, kind)
    return True


def _typed(writer: Writer, node: Node, kind: str) -> None:
    if writer.options.write_types and kind not in _TYPES_WITHOUT_SCHEMA.get(writer.code, ()):
        node.set(f"{{{XSI}}}type", kind)


def _words(writer: Writer, entry: Entry, value: Any) -> str:
    """Words of a value that is written as text: a choice by its label, a time by its figures."""
    if isinstance(value, datetime):
        return time14(value)
    item = writer.filled.kind.find(str(entry.get("from", "")))
    if item is not None and item.options and not entry.get("as_code"):
        return writer.filled.words(item)
    if isinstance(value, list):
        return "，".join(str(part.get("name", "")) if isinstance(part, Mapping) else str(part) for part in value)
    return str(value)


def _nest(writer: Writer, node: Node, entry: Entry, row: Mapping[str, Any] | None) -> None:
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
            _interval(holder, low, high)
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


def _interval(node: Node, low: datetime | None, high: datetime | None) -> None:
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


def _blood_group(writer: Writer, entry: Entry) -> Iterator[Node]:
    node = make("organizer", classCode="BATTERY", moodCode="EVN")
    add(node, "statusCode", "")
    parts = ((("abo"), "DE04.50.001.00", "ABO血型代码"), ("rh", "DE04.50.010.00", "Rh(D)血型代码"))
    for key, element, name in parts:
        part = {"observation": element, "name": name, "type": "CD", "set": key, "from": entry["blood_group"][key],
                "required": entry.get("required")}  # fmt: skip
        child = observation(writer, part)
        if child is not None:
            add(node, "component", typeCode="COMP", **({"contextConductionInd": "true"} if writer.code == "C0012" else {})
                ).append(child)  # fmt: skip
    if writer.code == "C0019":
        for component in node.findall("{*}component"):
            component.attrib.clear()
    if node.find("{*}component") is not None:
        yield node


def _allergy(writer: Writer, entry: Entry) -> Iterator[Node]:
    flag = writer.value(entry["flag"])
    if not is_filled(flag):
        writer.note(entry, "DE02.10.023.00 过敏史标志")
        return
    node = make("act", classCode="ACT", moodCode="EVN")
    add(node, "code", "")
    item = add(add(node, "entryRelationship", typeCode="SUBJ"), "observation", classCode="OBS", moodCode="EVN")
    add(item, "code", code="DE02.10.023.00", codeSystem=ELEMENTS[0], codeSystemName=ELEMENTS[1],
        displayName="过敏史标志")  # fmt: skip
    _typed(writer, add(item, "value", value="true" if flag == "yes" else "false"), "BL")
    role = add(add(item, "participant", typeCode="CSM"), "participantRole", classCode="MANU")
    entity = add(role, "playingEntity", classCode="MMAT")
    add(entity, "code", code="DE02.10.022.00", codeSystem=ELEMENTS[0], codeSystemName=ELEMENTS[1],
        displayName="过敏史")  # fmt: skip
    add(entity, "desc", str(writer.value(entry["allergy"]) or "无"))
    yield node


def _checked(writer: Writer, entry: Entry) -> Iterator[Node]:
    items, flag = writer.value(entry["checked"]), writer.value(entry["flag"])
    if not is_filled(items) or not is_filled(flag):
        writer.note(entry, f"{entry['element']} {entry['flag_name']}")
        return
    node = make("organizer", classCode="CLUSTER", moodCode="EVN")
    add(node, "code", str(entry["flag_name"]))
    add(node, "statusCode", "")
    item = add(add(node, "component"), "observation", classCode="OBS", moodCode="EVN")
    add(item, "code", code=str(entry["element"]), codeSystem=ELEMENTS[0], codeSystemName=ELEMENTS[1],
        displayName=str(entry["name"]))  # fmt: skip
    _typed(writer, add(item, "value", str(items)), "ST")
    inner = add(add(item, "entryRelationship", typeCode="COMP"), "observation", classCode="OBS", moodCode="EVN")
    add(inner, "code", code=str(entry["flag_element"]), codeSystem=ELEMENTS[0], codeSystemName=ELEMENTS[1],
        displayName=str(entry["flag_name"]))  # fmt: skip
    _typed(writer, add(inner, "value", value="true" if flag == "yes" else "false"), "BL")
    yield node


def _procedures(writer: Writer, entry: Entry) -> Iterator[Node]:
    shape: Entry = entry["procedure"]
    rows: Sequence[Mapping[str, Any] | None] = [None]
    if "rows" in shape or "each" in shape:
        rows = writer.environment.field(shape.get("rows") or shape["each"]) or []
        if not rows:
            writer.note(shape)
        if shape.get("first_only"):
            rows = rows[:1]
    for row in rows:
        node = _procedure(writer, entry, shape, row)
        if node is not None:
            yield node


def _procedure(writer: Writer, entry: Entry, shape: Entry, row: Mapping[str, Any] | None) -> Node | None:
    node = make("procedure", classCode="PROC", moodCode="EVN")
    if not _procedure_code(writer, node, shape, row):
        return None
    if "status" in shape:
        status = str(shape["status"])
        add(node, "statusCode", **({"code": status} if status else {}))
    _procedure_time(writer, node, shape, row)
    if shape.get("site"):
        site = writer.value(shape["site"], row)
        if is_filled(site):
            add(node, "targetSiteCode", code="9", displayName=str(site), codeSystem="2.16.156.10011.2.3.1.266",
                codeSystemName="手术目标部位名称代码表")  # fmt: skip
        else:
            writer.note(shape, f"{shape['name']}目标部位")
    _performer(writer, node, shape, row)
    for nested in entry.get("nested", ()):
        _nest(writer, node, nested, row)
    if shape.get("room_only") and node.find("{*}entryRelationship") is None:
        return None
    return node


def _procedure_code(writer: Writer, node: Node, shape: Entry, row: Mapping[str, Any] | None) -> bool:
    if "each" in shape and row is not None:
        if not row.get("code"):
            writer.note({"required": True}, f"DE06.00.093.00 手术及操作编码（「{row.get('name', '')}」没有编码）")
            return False
        add(node, "code", code=str(row["code"]), codeSystem=ICD9[0], codeSystemName=ICD9[1],
            displayName=str(row["name"]))  # fmt: skip
    elif "code_from" in shape:
        code, values = writer.value(shape["code_from"], row), read_value_sets()[str(shape["set"])]
        if code not in values["values"]:
            writer.note(shape, f"{shape['name']}代码")
            return False
        add(node, "code", code=str(code), codeSystem=str(values["oid"]), codeSystemName=str(values["name"]),
            displayName=str(values["values"][code]))  # fmt: skip
    elif not shape.get("no_code"):
        add(node, "code", "")
    return True


def _procedure_time(writer: Writer, node: Node, shape: Entry, row: Mapping[str, Any] | None) -> None:
    sides = {side: writer.value(shape.get(side), row) for side in ("low", "high")}
    asked = [side for side in sides if shape.get(side)]
    for side in asked:
        if not isinstance(sides[side], datetime):
            writer.note({"required": True}, f"{shape['name']}{'开始' if side == 'low' else '结束'}日期时间")
            return
    if asked:
        _interval(node, *(sides[side] if side in asked else None for side in ("low", "high")))
    for key in ("at", "at_text"):
        if shape.get(key):
            moment = writer.value(shape[key], row)
            if not isinstance(moment, datetime):
                writer.note({"required": True}, f"{shape['name']}时间")
            elif key == "at":
                add(node, "effectiveTime", value=time14(moment))
            else:
                add(node, "effectiveTime", value=time14(moment))


def _performer(writer: Writer, node: Node, shape: Entry, row: Mapping[str, Any] | None) -> None:
    if not shape.get("performer"):
        return
    name = writer.value(shape["performer"], row)
    if not is_filled(name):
        writer.note({"required": True}, f"{shape['name']}手术者姓名")
        return
    entity = add(add(node, "performer"), "assignedEntity")
    add(entity, "id", root="2.16.156.10011.1.4", extension=str(name))
    if shape.get("performer_code"):
        add(entity, "code", displayName=str(shape["performer_code"]))
    add(add(entity, "assignedPerson"), "name", str(name))


def _drugs(writer: Writer, entry: Entry) -> Iterator[Node]:
    rows = writer.environment.field(entry["drugs"]) or []
    if not rows:
        writer.note(entry, "用药")
    for row in rows:
        amount, unit = two_places(row.get("amount")), str(row.get("unit") or "")
        if amount is None or not unit:
            writer.note({"required": True}, f"药物使用次剂量（{row.get('name')}）")
            continue
        yield _drug(writer, row, amount, unit)


def _drug(writer: Writer, row: Mapping[str, Any], amount: str, unit: str) -> Node:
    node = make("substanceAdministration", classCode="SBADM", moodCode="EVN")
    usage = str(row.get("remark") or "单次")
    add(node, "text", usage)
    code = route_code(str(row.get("route") or ""), writer.options)
    values = read_value_sets()["route"]
    add(node, "routeCode", code=code, displayName=str(values["values"].get(code, "其他给药途径")),
        codeSystem=str(values["oid"]), codeSystemName=str(values["name"]))  # fmt: skip
    add(node, "doseQuantity", value=amount, unit=unit)
    drug = add(add(add(node, "consumable"), "manufacturedProduct"), "manufacturedLabeledDrug")
    add(drug, "code", "")
    add(drug, "name", str(row["name"])[:50])
    environment_row = {"usage": usage, "once": "21", "unit": unit, "amount": amount}
    for nested in (
        {"observation": "DE06.00.136.00", "name": "药物用法", "from": "row.usage"},
        {"observation": "DE06.00.133.00", "name": "药物使用频率", "type": "CD", "set": "frequency", "from": "row.once"},
        {"observation": "DE08.50.024.00", "name": "药物使用剂量单位", "from": "row.unit"},
        {"observation": "DE06.00.135.00", "name": "药物使用总剂量", "type": "PQ", "unit": unit, "from": "row.amount"},
    ):
        _nest(writer, node, nested, environment_row)
    return node


def route_code(route: str, options: CdaOptions) -> str:
    """Code of 用药途径代码表 for a route in words; the hospital's mapping comes first."""
    for word, code in [*options.routes.items(), *_ROUTES]:
        if word and word in route:
            return code
    return "9"


def _supplies(writer: Writer, entry: Entry) -> Iterator[Node]:
    rows = writer.environment.field(entry["supplies"]) or []
    if not rows:
        writer.note(entry, "高值耗材")
    for row in rows:
        node = make("substanceAdministration", classCode="SBADM", moodCode="EVN")
        add(node, "text", str(row.get("model") or row["name"]))
        add(add(node, "routeCode"), "originalText", str(row["route"]))
        add(node, "doseQuantity", value=plain(row["quantity"]), unit=str(row["unit"]))
        product = add(add(node, "consumable"), "manufacturedProduct")
        add(product, "id", str(row["code"]))
        material = add(product, "manufacturedMaterial")
        add(material, "code", "")
        add(material, "name", str(row["name"]))
        maker = add(product, "manufacturerOrganization")
        add(maker, "name", str(row["maker"]))
        add(add(add(maker, "asOrganizationPartOf"), "wholeOrganization"), "name", str(row["supplier"]))
        for nested in (
            {"observation": "DE08.50.035.00", "name": "产品供应商", "from": "row.supplier"},
            {"observation": "DE08.50.058.00", "name": "植入性耗材标志", "type": "BL", "from": "row.implant"},
        ):
            _nest(writer, node, nested, row)
        yield node
