"""What helps writing: phrases by pinyin, diagnoses, procedures and drugs by pinyin, the last document side by side."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import or_, select

from app.core.db import db
from app.core.pinyin import full, initials
from app.documents.definition import Field
from app.documents.kinds import kind_of
from app.documents.models import Document, Phrase
from app.documents.rules.values import from_fact, shown
from app.scheduling.models import SurgicalCase
from app.terminology import queries as terminology

_RECENT_CASES = 400


def phrases_for(user_id: int, kind: str, field: str, text: str = "", limit: int = 40) -> list[Phrase]:
    """Phrases that fit a field: those of the field first, then one's own, then the department's."""
    word = text.strip().lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    statement = select(Phrase).where(
        or_(Phrase.user_id == user_id, Phrase.user_id.is_(None)),
        or_(Phrase.kind == "", Phrase.kind == kind),
        or_(Phrase.field == "", Phrase.field == field),
    )
    if word:
        statement = statement.where(
            or_(Phrase.pinyin.like(f"%{word}%", escape="\\"), Phrase.text.ilike(f"%{word}%", escape="\\"))
        )
    found = db.session.scalars(statement.order_by(Phrase.id).limit(500)).all()
    return sorted(found, key=lambda row: (row.field != field, row.user_id is None, row.id))[:limit]


@dataclass(frozen=True, slots=True)
class CodedTerm:
    """A diagnosis, procedure or drug that may be chosen."""

    code: str
    name: str
    note: str = ""


def coded_terms(what: str, text: str, limit: int = 12) -> list[CodedTerm]:
    """Dictionary entries by Chinese, code or pinyin; for diagnoses and procedures also those of recent cases."""
    found = [CodedTerm(row.code, row.name, row.code if what != "drug" else row.text("spec"))
             for row in terminology.search(what, text, limit)]  # fmt: skip
    if what in ("diagnosis", "procedure") and len(found) < limit:
        known = {(row.code, row.name) for row in found}
        found += [row for row in _of_recent_cases(what, text) if (row.code, row.name) not in known]
    return found[:limit]


def _of_recent_cases(what: str, text: str) -> list[CodedTerm]:
    column = SurgicalCase.diagnoses if what == "diagnosis" else SurgicalCase.procedures
    counted: Counter[tuple[str, str]] = Counter()
    for items in db.session.scalars(select(column).order_by(SurgicalCase.id.desc()).limit(_RECENT_CASES)):
        for item in items or ():
            if item.get("name"):
                counted[(str(item.get("code") or ""), str(item["name"]))] += 1
    word = text.strip().lower()
    return [
        CodedTerm(code, name, f"{code}　近期 {count} 例".strip("　"))
        for (code, name), count in counted.most_common()
        if not word or _matches(word, code, name)
    ]


def _matches(word: str, code: str, name: str) -> bool:
    return (
        word in name.lower() or code.lower().startswith(word) or word in initials(name) or full(name).startswith(word)
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of which this document and the last one say different things."""

    field: Field
    section: str
    mine: str
    theirs: str


def differences(document: Document, source: Document) -> list[Difference]:
    """What could be taken over from the last document, beside what stands here."""
    made = []
    for section, item in kind_of(document).fields():
        if not item.stored:
            continue
        theirs = from_fact(item, source.content.values.get(item.key))
        mine = document.content.values.get(item.key)
        if theirs is not None and theirs != mine:
            made.append(Difference(item, section.title, shown(item, mine), shown(item, theirs)))
    return made
