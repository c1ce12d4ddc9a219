"""Reads on dictionaries: by code, by pinyin initials, alias or words, favourites first."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, or_, select

from app.core.db import db
from app.terminology.models import Term


@dataclass(frozen=True, slots=True)
class TermRow:
    """An entry as pages and parsers use it."""

    id: int
    kind: str
    code: str
    name: str
    pinyin: str
    pinyin_full: str
    aliases: tuple[str, ...]
    attributes: Mapping[str, Any]

    def text(self, key: str) -> str:
        """An attribute as text; blank when absent."""
        value = self.attributes.get(key)
        return "" if value is None else str(value)

    def words(self, key: str) -> tuple[str, ...]:
        """A list attribute as texts."""
        return tuple(str(value) for value in self.attributes.get(key) or ())

    @property
    def is_favourite(self) -> bool:
        """Offered first."""
        return bool(self.attributes.get("favourite"))


_COLUMNS = (Term.id, Term.kind, Term.code, Term.name, Term.pinyin, Term.pinyin_full, Term.aliases, Term.attributes)


def _rows(*conditions: Any, order: tuple[Any, ...] = (), limit: int | None = None) -> list[TermRow]:
    statement = select(*_COLUMNS).where(*conditions).order_by(*order, Term.sort, Term.id).limit(limit)
    return [
        TermRow(number, kind, code, name, short, long, tuple(aliases.split()), attributes or {})
        for number, kind, code, name, short, long, aliases, attributes in db.session.execute(statement)
    ]


def find(kind: str, code: str) -> TermRow | None:
    """The entry of a code, whether in use or not, or None."""
    found = _rows(Term.kind == kind, Term.code == code)
    return found[0] if found else None


def terms(*kinds: str) -> list[TermRow]:
    """All entries in use of some dictionaries, in their order."""
    return _rows(Term.kind.in_(kinds), Term.is_active)


def by_codes(kind: str, codes: Collection[str]) -> dict[str, TermRow]:
    """Entries of several codes."""
    return {row.code: row for row in _rows(Term.kind == kind, Term.code.in_(codes))} if codes else {}


def favourites(kind: str, limit: int = 12) -> list[TermRow]:
    """Entries marked as favourites of the department, in their order."""
    return [row for row in terms(kind) if row.is_favourite][:limit]


def search(kind: str, text: str, limit: int = 12) -> list[TermRow]:
    """Entries that begin with or contain the text in initials, full pinyin, name, alias or code; best first.

    Blank text gives the first entries of the dictionary.
    """
    word = text.strip().lower()
    if not word:
        return _rows(Term.kind == kind, Term.is_active, limit=limit)
    safe = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    begins, contains, alias = f"{safe}%", f"%{safe}%", f"% {safe}%"
    aliases = (" " + Term.aliases).ilike(alias, escape="\\")
    matches = or_(
        Term.pinyin.like(contains, escape="\\"),
        Term.pinyin_full.like(begins, escape="\\"),
        Term.name.ilike(contains, escape="\\"),
        Term.code.ilike(begins, escape="\\"),
        aliases,
    )
    rank = case(
        (Term.pinyin == word, 0),
        (Term.name.ilike(begins, escape="\\"), 1),
        (Term.pinyin.like(begins, escape="\\"), 2),
        (aliases, 3),
        (Term.pinyin_full.like(begins, escape="\\"), 4),
        else_=5,
    )
    return _rows(Term.kind == kind, Term.is_active, matches, order=(rank,), limit=limit)
