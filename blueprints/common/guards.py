"""Loading an object is the permission check: no other way to fetch it in a route."""

from app.core.db import db
from app.core.errors import NotFound
from app.scheduling.models import SurgicalCase


def load_case(case_id: int) -> SurgicalCase:
    """The case, or `NotFound`."""
    case = db.session.get(SurgicalCase, case_id)
    if case is None:
        raise NotFound("没有这台手术。可能已被合并，请从排班中重新打开。")
    return case
