"""The body of a document, written from the exchange mapping of its kind."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.core import clock
from app.documents.cda.acts import allergy, blood_group, checked, drugs, procedures, supplies
from app.documents.cda.elements import (
    ICD9,
    ICD10,
    LOINC,
    Node,
    add,
    make,
)
from app.documents.cda.writer import Entry, Writer, observation, typed, write_code


def write_body(root: Node, sections: Sequence[Entry], writer: Writer, one_entry: bool) -> None:
    """Append the structured body; a section without entries is left out."""
    body = add(add(root, "component"), "structuredBody")
    for section in sections:
        if "each_row" in section:
            _row_sections(body, section, writer)
            continue
        entries = [node for entry in section["entries"] for node in _entry(writer, entry)]
        for group in [[node] for node in entries] if one_entry else [entries]:
            if group:
                _section(body, section, group)


def _row_sections(body: Node, section: Entry, writer: Writer) -> None:
    """One section a row of a table: these schemas have no time of an observation, so its text tells when it was made.

    An entry with `first_row` is asked for once; a later row without it is complete.
    """
    rows = writer.environment.field(section["each_row"]) or []
    if not rows:
        for entry in section["entries"]:
            writer.note(entry)
    for number, row in enumerate(rows):
        wanted = [{**entry, "required": entry.get("required") and not (number and entry.get("first_row"))}
                  for entry in section["entries"]]  # fmt: skip
        nodes = [node for entry in wanted if (node := observation(writer, entry, row)) is not None]
        at = row.get(section["moment"])
        if nodes:
            moment = f"{clock.to_hospital(at):%Y-%m-%d %H:%M} " if isinstance(at, datetime) else ""
            _section(body, section, nodes, moment)


def _section(body: Node, section: Entry, nodes: Sequence[Node], head: str = "") -> None:
    holder = add(add(body, "component"), "section")
    if section.get("code"):
        add(holder, "code", code=str(section["code"]), displayName=str(section["name"]), codeSystem=LOINC[0],
            codeSystemName=LOINC[1])  # fmt: skip
    else:
        add(holder, "code", displayName=str(section["name"]))
    add(holder, "text", head + _narrative(nodes))
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
        yield from blood_group(writer, entry)
    elif "drugs" in entry:
        yield from drugs(writer, entry)
    elif "supplies" in entry:
        yield from supplies(writer, entry)
    elif "allergy" in entry:
        yield from allergy(writer, entry)
    elif "checked" in entry:
        yield from checked(writer, entry)
    elif "procedure" in entry:
        yield from procedures(writer, entry)
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
    write_code(writer, node, entry)
    system = ICD10 if entry.get("set") == "icd10" else ICD9
    typed(writer, add(node, "value", code=item["code"], codeSystem=system[0], codeSystemName=system[1],
                       displayName=item["name"]), "CD")  # fmt: skip
    yield node
