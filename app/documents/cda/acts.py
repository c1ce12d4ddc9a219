"""Entries with a shape of their own: blood group, allergy, counts, procedures, drugs, supplies."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.documents.cda.elements import (
    ELEMENTS,
    ICD9,
    Node,
    add,
    make,
    plain,
    time14,
    two_places,
)
from app.documents.cda.options import CdaOptions
from app.documents.cda.writer import Entry, Writer, interval, nest, observation, typed
from app.documents.expressions import is_filled
from app.documents.registry import read_value_sets

_ROUTES = (
    ("静脉", "404"), ("肌", "403"), ("皮下", "401"), ("皮内", "402"), ("吸入", "5"), ("口服", "1"), ("直肠", "2"),
    ("舌下", "3"), ("硬膜外", "601"), ("鞘内", "601"), ("椎管", "601"), ("蛛网膜", "601"), ("表面", "6"), ("局部", "6"),
    ("神经", "609"), ("阻滞", "609"),
)  # fmt: skip


def blood_group(writer: Writer, entry: Entry) -> Iterator[Node]:
    """ABO and Rh in one organizer."""
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


def allergy(writer: Writer, entry: Entry) -> Iterator[Node]:
    """The flag of allergies with their words."""
    flag = writer.value(entry["flag"])
    if not is_filled(flag):
        writer.note(entry, "DE02.10.023.00 过敏史标志")
        return
    node = make("act", classCode="ACT", moodCode="EVN")
    add(node, "code", "")
    item = add(add(node, "entryRelationship", typeCode="SUBJ"), "observation", classCode="OBS", moodCode="EVN")
    add(item, "code", code="DE02.10.023.00", codeSystem=ELEMENTS[0], codeSystemName=ELEMENTS[1],
        displayName="过敏史标志")  # fmt: skip
    typed(writer, add(item, "value", value="true" if flag == "yes" else "false"), "BL")
    role = add(add(item, "participant", typeCode="CSM"), "participantRole", classCode="MANU")
    entity = add(role, "playingEntity", classCode="MMAT")
    add(entity, "code", code="DE02.10.022.00", codeSystem=ELEMENTS[0], codeSystemName=ELEMENTS[1],
        displayName="过敏史")  # fmt: skip
    add(entity, "desc", str(writer.value(entry["allergy"]) or "无"))
    yield node


def checked(writer: Writer, entry: Entry) -> Iterator[Node]:
    """A count of instruments with its flag."""
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
    typed(writer, add(item, "value", str(items)), "ST")
    inner = add(add(item, "entryRelationship", typeCode="COMP"), "observation", classCode="OBS", moodCode="EVN")
    add(inner, "code", code=str(entry["flag_element"]), codeSystem=ELEMENTS[0], codeSystemName=ELEMENTS[1],
        displayName=str(entry["flag_name"]))  # fmt: skip
    typed(writer, add(inner, "value", value="true" if flag == "yes" else "false"), "BL")
    yield node


def procedures(writer: Writer, entry: Entry) -> Iterator[Node]:
    """Procedures: one, one per row of a table or one per coded item."""
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
        nest(writer, node, nested, row)
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
        interval(node, *(sides[side] if side in asked else None for side in ("low", "high")))
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


def drugs(writer: Writer, entry: Entry) -> Iterator[Node]:
    """One administration per drug row."""
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
        nest(writer, node, nested, environment_row)
    return node


def route_code(route: str, options: CdaOptions) -> str:
    """Code of 用药途径代码表 for a route in words; the hospital's mapping comes first."""
    for word, code in [*options.routes.items(), *_ROUTES]:
        if word and word in route:
            return code
    return "9"


def supplies(writer: Writer, entry: Entry) -> Iterator[Node]:
    """One entry per article."""
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
            nest(writer, node, nested, row)
        yield node
