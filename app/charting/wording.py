"""Charted items as short Chinese text: tooltips, lanes out of view, doubtful times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from app.charting.record import Bolus, FluidBag, Infusion, OutputEntry

Clock = Callable[[datetime], str]

UNSTOPPED = "未停"


def number(value: Decimal) -> str:
    """A figure as written by hand: no trailing zeros, no exponent."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def bolus_text(bolus: Bolus, clock: Clock) -> str:
    """「08:15 12 mg iv」."""
    return " ".join(filter(None, (clock(bolus.at), number(bolus.amount), bolus.unit, bolus.route)))


def infusion_text(infusion: Infusion, clock: Clock) -> str:
    """「08:20–09:10 6→4 mg/kg/h」."""
    end = clock(infusion.end) if infusion.end is not None else UNSTOPPED
    rates = "→".join(number(change.rate) for change in infusion.rates)
    unit = infusion.rates[-1].unit if infusion.rates else ""
    return " ".join(filter(None, (f"{clock(infusion.start)}–{end}", rates, unit)))


def bag_text(bag: FluidBag, clock: Clock) -> str:
    """「08:05–09:00 500 mL 袋号 …」."""
    end = clock(bag.end) if bag.end is not None else "输注中"
    code = f"袋号 {bag.bag_no}" if bag.bag_no else ""
    return " ".join(filter(None, (f"{clock(bag.start)}–{end}", f"{number(bag.volume_ml)} mL", code)))


def output_text(entry: OutputEntry, clock: Clock) -> str:
    """「09:30 200 mL（累计 450 mL）」."""
    total = f"（累计 {number(entry.running_total_ml)} mL）"
    return f"{clock(entry.at)} {number(entry.amount_ml)} mL{total}"
