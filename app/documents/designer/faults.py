"""What is wrong in a plan, and where."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlanFault:
    """What is wrong: `path` is `kind`, `s:key` or `f:key`; `name` the entry of the inspector."""

    path: str
    name: str
    message: str
