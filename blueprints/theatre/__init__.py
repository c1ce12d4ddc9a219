"""The theatre page: identify, bind, chart, finish and print one case."""

from blueprints.theatre import (
    allergies,
    command,
    drugs,
    finish,
    flow,
    fluids,
    labs,
    measurements,
    pages,
    procedures,
    readings,
)
from blueprints.theatre.base import blueprint

__all__ = [
    "allergies", "blueprint", "command", "drugs", "finish", "flow", "fluids", "labs", "measurements", "pages", "procedures", "readings",
]  # fmt: skip
