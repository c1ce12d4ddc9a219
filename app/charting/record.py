"""What one anesthesia record shows: frozen data, no ORM, no drawing.

A domain package fills these shapes, ``layout`` places them, ``svg`` and ``reportlab_backend`` draw them. All times
are aware; amounts and rates are ``Decimal`` because they are doses. Sequences are tuples so that a record can be
compared, hashed into a digest and frozen as a snapshot (``snapshot.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

#: Charting interval: one reading every 5 min in a routine case, every minute in rescue mode.
ROUTINE_INTERVAL_MINUTES = 5
RESCUE_INTERVAL_MINUTES = 1


class MarkKind(StrEnum):
    """Case marks that stand on the mark row, in the order in which they usually happen."""

    IN_ROOM = "in_room"
    ANESTHESIA_START = "anesthesia_start"
    INTUBATION = "intubation"
    SURGERY_START = "surgery_start"
    SURGERY_END = "surgery_end"
    EXTUBATION = "extubation"
    ANESTHESIA_END = "anesthesia_end"
    OUT_OF_ROOM = "out_of_room"
    TOURNIQUET_UP = "tourniquet_up"
    TOURNIQUET_DOWN = "tourniquet_down"
    OTHER = "other"


class Axis(StrEnum):
    """The value axis a series is read on."""

    LEFT = "left"  # 0-240 mmHg, also beats and breaths per minute
    RIGHT = "right"  # 20-40 ℃


class FluidCategory(StrEnum):
    """What a bag counts as in the balance."""

    CRYSTALLOID = "crystalloid"
    COLLOID = "colloid"
    BLOOD = "blood"
    OTHER = "other"

    @property
    def label(self) -> str:
        """The Chinese word on screen and paper."""
        return {"crystalloid": "晶体", "colloid": "胶体", "blood": "血液", "other": "其他"}[self.value]


@dataclass(frozen=True, slots=True)
class CaseMark:
    """A moment of the case: in room, intubation, incision … ``id`` lets the screen edit it."""

    kind: MarkKind
    at: datetime
    label: str
    note: str = ""  # e.g. tourniquet pressure and time: 「40 kPa」
    id: str | None = None


@dataclass(frozen=True, slots=True)
class VitalPoint:
    """One charted value. ``edited``: a person changed it; ``footnote`` then numbers the correction on paper."""

    at: datetime
    value: Decimal
    edited: bool = False
    footnote: int | None = None
    source: str = ""  # device or person, shown as a tooltip
    reading_id: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Alarm limits of a series; drawn as hair lines, values beyond them are emphasised."""

    low: Decimal | None = None
    high: Decimal | None = None

    def breached_by(self, value: Decimal) -> bool:
        """Whether ``value`` lies outside the limits."""
        return (self.low is not None and value < self.low) or (self.high is not None and value > self.high)


@dataclass(frozen=True, slots=True)
class VitalSeries:
    """A curve. ``code`` chooses symbol and colour (``symbols.py``): sbp, dbp, map, abp_sys, abp_dia, hr, rr,
    rr_vent, temp; an unknown code is drawn with the neutral symbol and still appears in the legend."""

    code: str
    label: str
    unit: str
    points: tuple[VitalPoint, ...]
    axis: Axis = Axis.LEFT
    limits: Limits = field(default_factory=Limits)
    joined: bool = True  # a fine line joins the symbols (NIBP may be left unjoined)


@dataclass(frozen=True, slots=True)
class NumericRow:
    """A row of figures under the curves: SpO₂, EtCO₂, BIS, TOF … ``label`` is what the row is called."""

    code: str
    label: str
    unit: str
    points: tuple[VitalPoint, ...]
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Bolus:
    """A single dose."""

    at: datetime
    amount: Decimal
    unit: str
    route: str = ""
    note_no: int | None = None  # number of the event or remark that explains it
    id: str | None = None


@dataclass(frozen=True, slots=True)
class RateChange:
    """From ``at`` on the pump ran at ``rate`` ``unit``."""

    at: datetime
    rate: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Infusion:
    """A continuous dose. ``rates[0].at`` is normally ``start``; ``end`` None: it still runs (「未停」)."""

    start: datetime
    end: datetime | None
    rates: tuple[RateChange, ...]
    total: str = ""  # ready text, e.g. 「512 mg」
    id: str | None = None

    def rate_at(self, moment: datetime) -> RateChange | None:
        """The rate in force at ``moment`` or None before the first one."""
        current = None
        for change in self.rates:
            if change.at <= moment:
                current = change
        return current


@dataclass(frozen=True, slots=True)
class DrugLane:
    """All doses of one drug; ``total`` is ready text for the right edge."""

    id: str
    name: str
    unit: str
    boluses: tuple[Bolus, ...] = ()
    infusions: tuple[Infusion, ...] = ()
    total: str = ""
    group: str = ""  # 诱导, 维持, 血管活性 …; lanes of one group stand together
    controlled: bool = False  # 麻醉药品、精神药品


@dataclass(frozen=True, slots=True)
class GasLane:
    """A carrier gas or volatile agent: flow (L/min) or concentration (%) over time."""

    id: str
    name: str
    unit: str
    infusions: tuple[Infusion, ...]


@dataclass(frozen=True, slots=True)
class FluidBag:
    """One bag; ``volume_ml`` is what was given so far, ``running_total_ml`` all intake up to and with it."""

    start: datetime
    end: datetime | None
    volume_ml: Decimal
    bag_no: str = ""
    running_total_ml: Decimal | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class FluidLane:
    """Bags of one fluid or blood product."""

    id: str
    name: str
    category: FluidCategory
    bags: tuple[FluidBag, ...]
    total_ml: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OutputEntry:
    """A measured loss; ``running_total_ml`` is this lane's sum up to it."""

    at: datetime
    amount_ml: Decimal
    running_total_ml: Decimal
    id: str | None = None


@dataclass(frozen=True, slots=True)
class OutputLane:
    """失血, 尿量, 其他."""

    id: str
    name: str
    entries: tuple[OutputEntry, ...]
    total_ml: Decimal | None = None


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """①②③ on the event row and its remark below the chart."""

    number: int
    at: datetime
    label: str
    remark: str = ""
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A span without data and why: curves break here and nothing is interpolated."""

    start: datetime
    end: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """Footnote of a corrected value: what it was, what it is, why, by whom and when."""

    number: int
    at: datetime
    label: str
    original: str
    corrected: str
    reason: str
    corrected_by: str
    corrected_at: datetime


@dataclass(frozen=True, slots=True)
class RecordView:
    """Everything drawn on the time axis.

    ``origin`` is where the axis starts: the planned start before the patient is in the room, afterwards the time
    in room (the layout rounds it down to the grid). ``ended_at`` is None while the case runs. ``symbols`` pairs
    override the default registry and are frozen with the snapshot: an old record never changes its face.
    """

    case_id: str
    origin: datetime
    now: datetime
    ended_at: datetime | None = None
    is_live: bool = False
    interval_minutes: int = ROUTINE_INTERVAL_MINUTES
    timezone: str = "Asia/Shanghai"
    marks: tuple[CaseMark, ...] = ()
    vitals: tuple[VitalSeries, ...] = ()
    numerics: tuple[NumericRow, ...] = ()
    drugs: tuple[DrugLane, ...] = ()
    gases: tuple[GasLane, ...] = ()
    fluids: tuple[FluidLane, ...] = ()
    outputs: tuple[OutputLane, ...] = ()
    events: tuple[NumberedEvent, ...] = ()
    gaps: tuple[Gap, ...] = ()
    symbols: tuple[tuple[str, str], ...] = ()

    @property
    def edge(self) -> datetime:
        """Where charting has arrived: the end of a finished case, else now."""
        return self.ended_at if self.ended_at is not None else self.now

    @property
    def interval(self) -> timedelta:
        """The charting interval as a duration."""
        return timedelta(minutes=self.interval_minutes)


# --- the sheet around the chart (paper) ---


@dataclass(frozen=True, slots=True)
class HeaderField:
    """A labelled value of a boxed block; ``span`` is its width in 24ths of the line."""

    label: str
    value: str
    span: int = 4


@dataclass(frozen=True, slots=True)
class Block:
    """A titled group of fields: 麻醉技术, 离室情况, 术前情况 …"""

    title: str
    fields: tuple[HeaderField, ...]


@dataclass(frozen=True, slots=True)
class RecordHeader:
    """The WS 329 head of the sheet; ``key_line`` repeats name and numbers on the following pages."""

    hospital: str
    fields: tuple[HeaderField, ...]
    title: str = "麻醉记录单"
    key_line: str = ""  # e.g. 「张三  男  54 岁  住院号 20261234  手术日期 2026-11-22」


@dataclass(frozen=True, slots=True)
class TotalItem:
    """One line of a total: drug or fluid, and the ready text with its unit."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Balance:
    """Intake and output in ready text; ``net`` is the difference."""

    intake: tuple[TotalItem, ...] = ()
    output: tuple[TotalItem, ...] = ()
    intake_total: str = ""
    output_total: str = ""
    net: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed in which role; ``at`` None prints an empty line for the hand."""

    role: str
    name: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordAppendix:
    """What stands below and after the chart."""

    drug_totals: tuple[TotalItem, ...] = ()
    balance: Balance = field(default_factory=Balance)
    blocks: tuple[Block, ...] = ()
    corrections: tuple[Correction, ...] = ()
    signatures: tuple[Signature, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordSheet:
    """The whole document: what a snapshot freezes and what its digest covers."""

    view: RecordView
    header: RecordHeader
    appendix: RecordAppendix = field(default_factory=RecordAppendix)


@dataclass(frozen=True, slots=True)
class PrintStamp:
    """The footer of one print; not in the digest, because a reprint shows the same record at a later time."""

    printed_at: datetime
    snapshot_no: int
    amendments: int = 0
    digest: str = ""  # SHA-256, hex; the footer shows the first 8
    printed_by: str = ""
    copy_no: int = 1  # 2 and more print 「重打」
    watermark: str = ""  # e.g. 「草稿」 for an unsigned record
