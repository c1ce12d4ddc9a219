"""Keys that nobody has to think of: from the pinyin of a label, and unique."""

import re
from collections.abc import Collection

from app.core.pinyin import initials

PREFIX = "h_"


def new_key(label: str, taken: Collection[str]) -> str:
    """A key for a label: `h_` and its pinyin initials, with a number when it is taken."""
    base = PREFIX + (re.sub(r"[^a-z0-9]", "", initials(label).lower())[:24] or "x")
    key, number = base, 1
    while key in taken:
        number += 1
        key = f"{base}_{number}"
    return key
