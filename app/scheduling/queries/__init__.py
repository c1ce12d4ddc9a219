"""Reads of scheduling, shaped for pages: frozen dataclasses that carry words."""

from app.scheduling.queries.board import DayBoard, PersonLoad, RoomRow, day_board
from app.scheduling.queries.cards import Card, CardConflict
from app.scheduling.queries.cases import CaseDetail, Change, Event, TeamRole, case_detail
from app.scheduling.queries.lists import AgendaDay, agenda, find_cases, pending_cases, room_queue, theatre_list

__all__ = [
    "AgendaDay",
    "Card",
    "CardConflict",
    "CaseDetail",
    "Change",
    "DayBoard",
    "Event",
    "PersonLoad",
    "RoomRow",
    "TeamRole",
    "agenda",
    "case_detail",
    "day_board",
    "find_cases",
    "pending_cases",
    "room_queue",
    "theatre_list",
]
