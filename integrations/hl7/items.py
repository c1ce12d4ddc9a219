"""What stands beside a request: coded observations (OBX), people (ROL, AIP) and notes, by our field names."""

import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from integrations.canonical import Code, PersonRef
from integrations.hl7.codes import PeerProfile
from integrations.hl7.message import Segment
from integrations.hl7.patients import person_of

ASSISTANTS = ("assistant_1", "assistant_2", "assistant_3", "assistant_4")


@dataclass
class Items:
    """Coded observations (OBX), people (ROL, AIP) and notes of one group, by our field names."""

    values: dict[str, Code] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    people: dict[str, PersonRef] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    extra: list[tuple[str, str]] = field(default_factory=list)

    def code(self, name: str) -> Code:
        return self.values.get(name, Code())


def read_items(segments: list[Segment], profile: PeerProfile) -> Items:
    """OBX by item, ROL and AIP by role, NTE in order; what has no place goes to `extra`."""
    items = Items()
    for segment in segments:
        if segment.name == "OBX":
            _read_observation(segment, items, profile)
        elif segment.name == "NTE" and (text := segment.free_text(3)):
            items.notes.append(text)
        elif segment.name in ("ROL", "AIP"):
            number = 3 if segment.name == "ROL" else 4
            person_at = 4 if segment.name == "ROL" else 3
            role = profile.codes.find("role", segment.text(number), segment.text(number, 2))
            for repetition in segment.repetitions(person_at)[:1]:
                if role:
                    items.people.setdefault(role, person_of(repetition))
    return items


def _read_observation(segment: Segment, items: Items, profile: PeerProfile) -> None:
    name = profile.codes.find("item", segment.text(3), segment.text(3, 2))
    kind = segment.text(2).upper()
    coded = kind in ("CE", "CWE", "CNE", "XCN", "CF", "")
    whole = segment.free_text(5)
    value = Code(segment.text(5), segment.text(5, 2), segment.text(5, 3)) if coded else Code("", whole)
    if not value or segment.text(11).upper() in ("D", "W", "X"):
        return
    if name is None:
        items.extra.append((segment.text(3, 2) or segment.text(3), whole))
    elif name == "surgeon" or name in ASSISTANTS:
        items.people[name] = person_of(segment.repetitions(5)[0])
    else:
        items.values.setdefault(name, value)
        items.units.setdefault(name, segment.text(6).lower())


def _number(items: Items, name: str) -> Decimal | None:
    code = items.code(name)
    match = re.search(r"\d{1,4}(?:\.\d{1,3})?", code.code or code.name)
    try:
        return Decimal(match.group()) if match else None
    except InvalidOperation:
        return None


def height_of(items: Items) -> Decimal | None:
    """cm; metres and millimetres are converted, impossible values left out."""
    value = _number(items, "height")
    if value is None:
        return None
    unit = items.units.get("height", "")
    if unit in ("m", "米") or (not unit and value < 3):
        value *= 100
    elif unit in ("mm", "毫米"):
        value /= 10
    return value if 20 <= value <= 260 else None


def weight_of(items: Items) -> Decimal | None:
    """kg; grams and 斤 are converted, impossible values left out."""
    value = _number(items, "weight")
    if value is None:
        return None
    unit = items.units.get("weight", "")
    if unit in ("g", "克"):
        value /= 1000
    elif unit == "斤":
        value /= 2
    return value if Decimal("0.3") <= value <= 400 else None
