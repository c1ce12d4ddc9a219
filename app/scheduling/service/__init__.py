"""Commands of scheduling, from the request to the end of the case. They flush and never commit."""

from app.scheduling.service.common import ScheduleConflict, busy_staff_ids
from app.scheduling.service.details import amend_case
from app.scheduling.service.flow import (
    cancel_case,
    correct_event_time,
    mark_event,
    pause_case,
    restore_case,
    resume_case,
    void_event,
)
from app.scheduling.service.intake import (
    Received,
    acknowledge_changes,
    adopt_change,
    receive_request,
    register_request,
)
from app.scheduling.service.measuring import set_measurements
from app.scheduling.service.placing import place_case, resize_case, unplace_case
from app.scheduling.service.publishing import Publication, PublicationKind, pending_publications, publish_day
from app.scheduling.service.staffing import assign_staff, remove_staff

__all__ = [
    "Publication",
    "PublicationKind",
    "Received",
    "ScheduleConflict",
    "acknowledge_changes",
    "adopt_change",
    "amend_case",
    "assign_staff",
    "busy_staff_ids",
    "cancel_case",
    "correct_event_time",
    "mark_event",
    "pause_case",
    "pending_publications",
    "place_case",
    "publish_day",
    "receive_request",
    "register_request",
    "remove_staff",
    "resize_case",
    "restore_case",
    "resume_case",
    "set_measurements",
    "unplace_case",
    "void_event",
]
