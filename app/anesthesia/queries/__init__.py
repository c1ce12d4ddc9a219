"""Reads of the anesthesia record, shaped for pages, drawing and print."""

from app.anesthesia.queries.open_points import case_times, open_points

__all__ = ["case_times", "open_points"]
