"""Saved searches of the records: each person keeps his own."""

from collections.abc import Mapping

from sqlalchemy import select

from app.accounts.models import User
from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.documents.models import SavedSearch

_LIMIT = 50
_KEYS = frozenset(
    {
        "text",
        "kind",
        "state",
        "person",
        "procedure",
        "diagnosis",
        "since",
        "until",
        "field",
        "field_op",
        "field_value",
        "words",
    }
)


def keep_search(user: User, name: str, query: Mapping[str, str]) -> SavedSearch:
    """Keep a query under a name; the same name is replaced. Raises `InvalidInput`."""
    title = name.strip()
    asked = {key: value[:100] for key, value in query.items() if key in _KEYS and value.strip()}
    if not title or len(title) > 64:
        raise InvalidInput(fields={"name": "请填写名称（最多 64 字）"})
    if not asked:
        raise InvalidInput("请先填写查询条件再保存。")
    mine = my_searches(user)
    row = next((item for item in mine if item.name == title), None)
    if row is None:
        if len(mine) >= _LIMIT:
            raise InvalidInput(f"最多保存 {_LIMIT} 个查询，请先删除不用的。")
        row = SavedSearch(user_id=user.id, name=title)
        db.session.add(row)
    row.query = asked
    db.session.flush()
    return row


def my_searches(user: User) -> list[SavedSearch]:
    """The searches of a person, by name."""
    return list(
        db.session.scalars(select(SavedSearch).where(SavedSearch.user_id == user.id).order_by(SavedSearch.name))
    )


def forget_search(user: User, search_id: int) -> None:
    """Delete one's own search. Raises `NotFound`."""
    row = db.session.get(SavedSearch, search_id)
    if row is None or row.user_id != user.id:
        raise NotFound("没有这个保存的查询。")
    db.session.delete(row)
    db.session.flush()
