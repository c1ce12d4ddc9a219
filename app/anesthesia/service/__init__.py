"""Commands on the anesthesia record. Each passes the gate (open record), writes one audit entry, tells the pages."""

from app.anesthesia.service.drugs import (
    change_rate,
    correct_administration,
    correct_rate,
    give_bolus,
    start_infusion,
    stop_all_infusions,
    stop_infusion,
    void_administration,
)
from app.anesthesia.service.events import check_course_open, check_open, correct_event, note_event, void_event
from app.anesthesia.service.filling import fill_chart
from app.anesthesia.service.fluids import (
    add_intake,
    add_output,
    correct_intake,
    correct_output,
    end_intake,
    void_intake,
    void_output,
)
from app.anesthesia.service.procedures import add_airway, add_block, add_line, correct_procedure, void_procedure
from app.anesthesia.service.readings import correct_reading, record_reading, record_readings
from app.anesthesia.service.records import (
    enter_rescue_mode,
    finish_record,
    leave_rescue_mode,
    lock_record,
    open_record,
    reopen_record,
    set_technique,
)
from app.anesthesia.service.snapshots import freeze_record
from app.anesthesia.service.stay import follow_stay

__all__ = [
    "add_airway",
    "add_block",
    "add_intake",
    "add_line",
    "add_output",
    "change_rate",
    "check_course_open",
    "check_open",
    "correct_administration",
    "correct_event",
    "correct_intake",
    "correct_output",
    "correct_procedure",
    "correct_rate",
    "correct_reading",
    "end_intake",
    "enter_rescue_mode",
    "fill_chart",
    "finish_record",
    "follow_stay",
    "freeze_record",
    "give_bolus",
    "leave_rescue_mode",
    "lock_record",
    "note_event",
    "open_record",
    "record_reading",
    "record_readings",
    "reopen_record",
    "set_technique",
    "start_infusion",
    "stop_all_infusions",
    "stop_infusion",
    "void_administration",
    "void_event",
    "void_intake",
    "void_output",
    "void_procedure",
]
