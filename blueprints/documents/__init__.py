"""Documents: the folder of a case, the form with autosave, signing, printing, exchange, the records query."""

from blueprints.documents import (  # noqa: F401 routes register on import
    archive,
    autosave,
    design,
    designer,
    library,
    print_centre,
    printing,
    proof,
    records,
    sealing,
    signing,
    statistics,
)
from blueprints.documents.routes import blueprint

__all__ = ["blueprint"]
