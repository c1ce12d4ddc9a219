"""Reads of the anesthesia record, shaped for pages, drawing and print."""

from sqlalchemy import select

from app.anesthesia.models import AnesthesiaRecord
from app.anesthesia.queries.detail import (
    Numeric,
    ReadingDetail,
    RecentDrug,
    latest_numerics,
    quick_drugs,
    reading_detail,
    recent_drugs,
)
from app.anesthesia.queries.header import asa_words, corrections, record_header, record_sheet
from app.anesthesia.queries.open_points import case_times, open_points
from app.anesthesia.queries.totals import DrugTotal, balance, drug_totals
from app.anesthesia.queries.view import record_view
from app.core.db import db

__all__ = [
    "DrugTotal",
    "Numeric",
    "ReadingDetail",
    "RecentDrug",
    "asa_words",
    "balance",
    "case_times",
    "corrections",
    "drug_totals",
    "latest_numerics",
    "open_points",
    "quick_drugs",
    "reading_detail",
    "recent_drugs",
    "record_header",
    "record_of_case",
    "record_sheet",
    "record_view",
]


def record_of_case(case_id: int) -> AnesthesiaRecord | None:
    """The record of a case or None."""
    return db.session.scalar(select(AnesthesiaRecord).where(AnesthesiaRecord.case_id == case_id))
