"""The sections below the chart of an anesthesia record: totals, balance, remarks, corrections, blocks, signatures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from reportlab.pdfgen.canvas import Canvas

from app.charting.palette import GREY
from app.charting.record import (
    Balance,
    Correction,
    HeaderField,
    NumberedEvent,
    RecordSheet,
    Signature,
    TotalItem,
)
from app.charting.reportlab_backend import set_text
from printing.fonts import FACES
from printing.paper import (
    BODY,
    COLUMNS,
    FINE,
    LABEL,
    LINE,
    MM,
    PAD,
    TITLE_COLUMN,
    WIDTH,
    Piece,
    Section,
    field_rows,
    ink,
    measure,
    rule,
    side_by_side,
    text_piece,
)

_INNER = WIDTH - TITLE_COLUMN
_SIGN_HEIGHT = 9 * MM


def sections_of(sheet: RecordSheet, zone: ZoneInfo) -> list[Section]:
    """The sections in the order of the sheet; empty ones are left out."""
    appendix = sheet.appendix
    found = [
        Section("用药合计", _totals(appendix.drug_totals)),
        Section("出入量", _balance(appendix.balance)),
        Section("附注", _remarks(sheet.view.events, zone)),
        Section("更正", _corrections(appendix.corrections, zone)),
    ]
    found += [Section(block.title, field_rows(block.fields, _INNER)) for block in appendix.blocks]
    found.append(Section("签名", _signatures(appendix.signatures, zone)))
    return [section for section in found if section.pieces]


def _totals(items: Sequence[TotalItem]) -> tuple[Piece, ...]:
    """Four columns; a name or value too long for a quarter takes as many as it needs."""
    return field_rows([_as_field(item) for item in items], _INNER) if items else ()


def _as_field(item: TotalItem) -> HeaderField:
    quarter = _INNER / 4
    needed = measure(item.label, LABEL) + measure(item.value, BODY) + 3 * PAD + BODY / 2
    quarters = next((count for count in (1, 2, 3) if needed <= count * quarter), 4)
    return HeaderField(item.label, item.value, quarters * COLUMNS // 4)


def _balance(balance: Balance) -> tuple[Piece, ...]:
    lines = [
        _balance_line("入量", balance.intake, balance.intake_total),
        _balance_line("出量", balance.output, balance.output_total),
    ]
    if balance.net:
        lines.append(text_piece("平衡", balance.net, _INNER))
    return tuple(line for line in lines if line is not None)


def _balance_line(head: str, items: Sequence[TotalItem], total: str) -> Piece | None:
    words = [f"{item.label} {item.value}" for item in items]
    if total:
        words.append(f"合计 {total}")
    return text_piece(head, "　".join(words), _INNER) if words else None


def _remarks(events: Sequence[NumberedEvent], zone: ZoneInfo) -> tuple[Piece, ...]:
    """Two columns when the remarks are short, one when any is long."""
    ordered = sorted(events, key=lambda event: event.number)
    pairs = [(f"{_ringed(event.number)} {_clock(event.at, zone)} {event.label}", event.remark) for event in ordered]
    if not pairs:
        return ()
    cells: list[Callable[[float], Piece]] = [partial(text_piece, head, text) for head, text in pairs]
    longest = max(measure(head + text, BODY) for head, text in pairs)
    return side_by_side(cells, 1 if longest > _INNER * 0.9 else 2, _INNER)


def _ringed(number: int) -> str:
    """① to ⑳ as on the event row; larger numbers in brackets."""
    return chr(ord("①") + number - 1) if 1 <= number <= 20 else f"({number})"


def _corrections(corrections: Sequence[Correction], zone: ZoneInfo) -> tuple[Piece, ...]:
    return tuple(_correction(item, zone) for item in sorted(corrections, key=lambda item: item.number))


def _correction(item: Correction, zone: ZoneInfo) -> Piece:
    head = f"{item.number}) {_clock(item.at, zone)} {item.label} {item.original} → {item.corrected}"
    when = item.corrected_at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    return text_piece(head, f"理由：{item.reason}　修改：{item.corrected_by} {when}", _INNER)


def _signatures(signatures: Sequence[Signature], zone: ZoneInfo) -> tuple[Piece, ...]:
    """Up to four boxes a line: role, name, time; an unsigned one leaves room for the hand."""
    return tuple(_sign_line(signatures[start : start + 4], zone) for start in range(0, len(signatures), 4))


def _sign_line(signatures: Sequence[Signature], zone: ZoneInfo) -> Piece:
    width = _INNER / len(signatures)

    def draw(canvas: Canvas, x: float, top: float) -> None:
        for index, signature in enumerate(signatures):
            left = x + index * width
            if index:
                rule(canvas, left, top, left, top - _SIGN_HEIGHT)
            _sign_cell(canvas, left, top, width, signature, zone)

    return Piece(_SIGN_HEIGHT, draw)


def _sign_cell(canvas: Canvas, x: float, top: float, width: float, signature: Signature, zone: ZoneInfo) -> None:
    first = top - PAD - LINE * 0.7
    ink(canvas, GREY)
    set_text(canvas, x + PAD, first, signature.role, FACES.regular, LABEL)
    value_x = x + PAD * 2 + measure(signature.role, LABEL)
    if not signature.name:
        rule(canvas, value_x, top - _SIGN_HEIGHT + PAD * 2, x + width - PAD * 2, top - _SIGN_HEIGHT + PAD * 2)
        return
    ink(canvas)
    room = x + width - PAD - value_x
    size = min(BODY + 1, BODY * room / max(measure(signature.name, BODY), 1))
    set_text(canvas, value_x, first, signature.name, FACES.bold, size)
    if signature.at is not None:
        when = signature.at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
        ink(canvas, GREY)
        set_text(canvas, value_x, first - LINE, when, FACES.regular, FINE)


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%H:%M")
