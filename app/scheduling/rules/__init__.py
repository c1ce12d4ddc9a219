"""Pure decisions of scheduling: times and states of a case, conflicts of a plan, order in a room."""

from app.scheduling.rules.conflicts import (
    ConflictKind,
    PlanConflict,
    Slot,
    find_conflicts,
    overlaps,
    sequence_of,
    snap,
)
from app.scheduling.rules.events import (
    DISPOSITIONS,
    MILESTONES,
    REPEATABLE,
    CancelStage,
    CaseState,
    EventKind,
    OrderWarning,
    cancel_stage,
    derive_state,
    next_kinds,
    order_warnings,
)
from app.scheduling.rules.words import (
    LATERALITY_LABELS,
    ROLE_LABELS,
    RequestKind,
    Role,
    isolation_words,
    procedure_words,
)

__all__ = [
    "DISPOSITIONS",
    "LATERALITY_LABELS",
    "MILESTONES",
    "REPEATABLE",
    "ROLE_LABELS",
    "CancelStage",
    "CaseState",
    "ConflictKind",
    "EventKind",
    "OrderWarning",
    "PlanConflict",
    "RequestKind",
    "Role",
    "Slot",
    "cancel_stage",
    "derive_state",
    "find_conflicts",
    "isolation_words",
    "next_kinds",
    "order_warnings",
    "overlaps",
    "procedure_words",
    "sequence_of",
    "snap",
]
