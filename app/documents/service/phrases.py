"""The phrase library: sentences of one person and of the department, for one field or for every field."""

from sqlalchemy import select

from app.accounts.models import User
from app.core import audit
from app.core.db import db
from app.core.errors import InvalidInput, NotAllowed, NotFound
from app.core.pinyin import initials
from app.documents.models import Phrase

MAX_PHRASE = 1000
_PER_OWNER = 500


def add_phrase(user: User, text: str, *, kind: str = "", field: str = "", department: bool = False) -> Phrase:
    """Keep a sentence, for oneself or for the department; the same sentence is kept once. Raises `InvalidInput`."""
    words = text.replace("\r\n", "\n").strip()
    if not words:
        raise InvalidInput(fields={"text": "请填写常用语"})
    if len(words) > MAX_PHRASE:
        raise InvalidInput(fields={"text": f"常用语最多 {MAX_PHRASE} 字"})
    owner = None if department else user.id
    mine = select(Phrase).where(Phrase.user_id == owner if owner else Phrase.user_id.is_(None))
    if (found := db.session.scalar(mine.where(Phrase.kind == kind, Phrase.field == field, Phrase.text == words))) is not None:  # fmt: skip
        return found
    if len(db.session.scalars(mine.with_only_columns(Phrase.id)).all()) >= _PER_OWNER:
        raise InvalidInput(fields={"text": f"常用语最多 {_PER_OWNER} 条，请先删除不用的"})
    row = Phrase(user_id=owner, kind=kind, field=field, text=words, pinyin=initials(words[:60]))
    db.session.add(row)
    db.session.flush()
    audit.record(user, "documents.add_phrase", f"phrase:{row.id}",
                 after={"kind": kind, "field": field, "text": words, "department": department})  # fmt: skip
    return row


def remove_phrase(user: User, phrase_id: int, *, may_department: bool) -> Phrase:
    """Delete a sentence of one's own, or of the department by those who keep it."""
    row = db.session.get(Phrase, phrase_id)
    if row is None or (row.user_id is not None and row.user_id != user.id):
        raise NotFound("没有这条常用语。")
    if row.user_id is None and not may_department:
        raise NotAllowed("科室常用语由模板维护人员删除。")
    audit.record(user, "documents.remove_phrase", f"phrase:{row.id}", before={"text": row.text})
    db.session.delete(row)
    db.session.flush()
    return row
