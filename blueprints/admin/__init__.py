"""Administration: users, roles, staff and departments, the audit trail."""

from blueprints.admin import audit, people, roles, users  # noqa: F401 - their routes join the blueprint
from blueprints.admin.blueprint import blueprint

__all__ = ["blueprint"]
