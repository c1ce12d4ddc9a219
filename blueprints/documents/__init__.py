"""Documents: the folder of a case, the form with autosave, signing, printing, exchange, the records query."""

from blueprints.documents import archive, autosave, design, library, printing, signing  # noqa: F401 routes register on import
from blueprints.documents.routes import blueprint

__all__ = ["blueprint"]
