"""Two people wrote the same field: both values side by side, what differs marked."""

from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from app.core import clock
from app.documents.service import FieldConflict

_LONGEST = 4000  # a longer text is shown without marks
Segments = tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Sides:
    """The stored value of the other and the refused one; segments of (text, differs)."""

    by_name: str
    at: str
    version: int
    theirs: Segments
    mine: Segments


def compare(conflict: FieldConflict) -> Sides:
    """Both sides of a conflict."""
    at = f"{clock.to_hospital(datetime.fromisoformat(conflict.at)):%m-%d %H:%M}" if conflict.at else ""
    theirs, mine = segments(conflict.theirs, conflict.mine)
    return Sides(conflict.by_name or "他人", at, conflict.version, theirs, mine)


def segments(one: str, other: str) -> tuple[Segments, Segments]:
    """Two texts as segments; True marks what the other one does not have."""
    if len(one) > _LONGEST or len(other) > _LONGEST:
        return ((one, False),), ((other, False),)
    left, right = [], []
    for kind, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        left.append((one[a:b], kind != "equal"))
        right.append((other[c:d], kind != "equal"))
    return tuple(part for part in left if part[0]), tuple(part for part in right if part[0])
