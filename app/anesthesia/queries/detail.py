"""Where a charted number comes from, and what the monitor says now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select

from app.anesthesia.models import Administration, AnesthesiaRecord, ChartReading, ReadingCorrection
from app.anesthesia.rules import CHARTED, NOT_CHARTABLE, Parameter
from app.anesthesia.rules.limits import CUFF_CODES
from app.clinical.dosing import plain
from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.devices.models import Binding, Device
from app.terminology import queries as terminology
from app.terminology.queries import TermRow
from app.vitals import queries as vitals
from app.vitals.queries import LatestValue

# The cuff and a spot temperature are measured now and then; everything else is old after a minute.
_RECENT_MS, _EPISODIC_MS = 60_000, 30 * 60_000
_EPISODIC = frozenset({*CUFF_CODES, "TEMP"})
_AROUND_MS = 150_000


@dataclass(frozen=True, slots=True)
class CorrectionStep:
    """One change of a value."""

    old: str
    new: str
    reason: str
    by_name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RawPoint:
    """A raw value near a charted one; `usable` False: flagged by the bridge and never charted."""

    at: datetime
    value: float
    usable: bool


@dataclass(frozen=True, slots=True)
class ReadingDetail:
    """A charted value with its history and the raw values around it."""

    id: int
    record_id: int
    case_id: int
    code: str
    label: str
    unit: str
    value: Decimal | None
    original: Decimal | None
    slot_at: datetime
    at: datetime
    source: str  # device name, or who typed it
    is_manual: bool
    record_state: str
    corrections: tuple[CorrectionStep, ...]
    raw: tuple[RawPoint, ...]
    raw_code: str

    @property
    def text(self) -> str:
        """「72 /min」 or 「伪差」."""
        return "伪差" if self.value is None else f"{plain(self.value)} {self.unit}".strip()


def reading_detail(reading_id: int) -> ReadingDetail:
    """A charted value, its corrections and the raw values within its cell. Raises `NotFound`."""
    found = db.session.execute(
        select(ChartReading, AnesthesiaRecord.case_id, AnesthesiaRecord.state, Device.brand, Device.model, Device.key)
        .join(AnesthesiaRecord, AnesthesiaRecord.id == ChartReading.record_id)
        .outerjoin(Device, Device.id == ChartReading.device_id)
        .where(ChartReading.id == reading_id)
    ).one_or_none()
    if found is None:
        raise NotFound("没有找到这个数值。")
    reading, case_id, state, brand, model, key = found
    item = CHARTED.get(reading.code)
    steps = db.session.scalars(
        select(ReadingCorrection).where(ReadingCorrection.reading_id == reading_id).order_by(ReadingCorrection.id)
    )
    device_name = f"{brand or ''} {model or ''}".strip() or key or "设备采集"
    return ReadingDetail(
        id=reading.id,
        record_id=reading.record_id,
        case_id=case_id,
        code=reading.code,
        label=item.label if item else reading.code,
        unit=reading.unit,
        value=reading.value,
        original=reading.original,
        slot_at=reading.slot_at,
        at=reading.at,
        source=device_name if reading.source == "device" else reading.by_name,
        is_manual=reading.state == "manual",
        record_state=state,
        corrections=tuple(CorrectionStep(_words(s.old), _words(s.new), s.reason, s.by_name, s.at) for s in steps),
        raw=_raw_around(reading),
        raw_code=reading.raw_code,
    )


def _words(value: Decimal | None) -> str:
    return "伪差" if value is None else plain(value)


def _raw_around(reading: ChartReading) -> tuple[RawPoint, ...]:
    if reading.device_id is None or not reading.raw_code:
        return ()
    middle = clock.to_ms(reading.slot_at)
    found = vitals.samples(reading.device_id, (reading.raw_code,), middle - _AROUND_MS, middle + _AROUND_MS)
    columns = found.get(reading.raw_code)
    if columns is None:
        return ()
    return tuple(
        RawPoint(clock.from_ms(int(time)), float(value), not int(quality) & NOT_CHARTABLE)
        for time, value, quality in zip(columns.times_ms, columns.values, columns.qualities, strict=True)
    )


@dataclass(frozen=True, slots=True)
class Numeric:
    """The newest value of a charted parameter; `age_s` tells how old it is."""

    code: str
    label: str
    unit: str
    text: str
    value: float
    at: datetime
    age_s: int
    is_stale: bool
    is_flagged: bool  # the bridge doubts it; it is shown but not charted
    device: str


def latest_numerics(case_id: int, now: datetime | None = None) -> list[Numeric]:
    """What the devices bound to a case say now, in the order of the record; an old value says how old it is."""
    moment = now or clock.now()
    bound = db.session.execute(
        select(Device.id, Device.key, Device.stale_after_s, Binding.bound_at)
        .join(Binding, Binding.device_id == Device.id)
        .where(Binding.case_id == case_id, Binding.released_at.is_(None))
    )
    found: dict[str, Numeric] = {}
    for device_id, key, stale_after, bound_at in bound:
        values = _latest(device_id, clock.to_ms(moment), clock.to_ms(bound_at))
        for item in CHARTED.values():
            value = next((values[source] for source in item.sources if source in values), None)
            if value is not None:
                one = _numeric(item, value, moment, key, stale_after)
                if item.code not in found or one.age_s < found[item.code].age_s:
                    found[item.code] = one
    return [found[code] for code in CHARTED if code in found]


def _latest(device_id: int, now_ms: int, bound_ms: int) -> dict[str, LatestValue]:
    values = vitals.latest(device_id, max(now_ms - _RECENT_MS, bound_ms))
    episodic = {source for code in _EPISODIC for source in CHARTED[code].sources} - set(values)
    if episodic:
        for code, columns in vitals.samples(
            device_id, episodic, max(now_ms - _EPISODIC_MS, bound_ms), now_ms + 1
        ).items():
            values[code] = LatestValue(
                code, columns.unit, float(columns.values[-1]), int(columns.times_ms[-1]), int(columns.qualities[-1])
            )
    return values


def _numeric(item: Parameter, value: LatestValue, now: datetime, device: str, stale_after_s: float) -> Numeric:
    at = clock.from_ms(value.time_ms)
    age = max(round((now - at).total_seconds()), 0)
    limit = _EPISODIC_MS / 1000 if item.code in _EPISODIC else stale_after_s
    return Numeric(
        code=item.code,
        label=item.label,
        unit=item.unit,
        text=f"{value.value:.{item.digits}f}",
        value=value.value,
        at=at,
        age_s=age,
        is_stale=age > limit,
        is_flagged=bool(value.quality & NOT_CHARTABLE),
        device=device,
    )


@dataclass(frozen=True, slots=True)
class RecentDrug:
    """A drug of this record as it was last given, for giving it again."""

    term_code: str
    name: str
    dose: Decimal | None
    unit: str
    route: str
    mode: str
    last_at: datetime
    times: int


def recent_drugs(record_id: int, limit: int = 8) -> list[RecentDrug]:
    """Drugs of this record, the latest first, each once."""
    rows = db.session.scalars(
        select(Administration)
        .where(Administration.record_id == record_id, Administration.voided_at.is_(None))
        .order_by(Administration.start_at.desc(), Administration.id.desc())
    )
    found: dict[str, RecentDrug] = {}
    counts: dict[str, int] = {}
    for row in rows:
        key = row.term_code or row.name
        counts[key] = counts.get(key, 0) + 1
        found.setdefault(
            key, RecentDrug(row.term_code, row.name, row.dose, row.unit, row.route, row.mode, row.start_at, 0)
        )
    recent = list(found.items())[:limit]
    return [
        RecentDrug(d.term_code, d.name, d.dose, d.unit, d.route, d.mode, d.last_at, counts[key]) for key, d in recent
    ]


def quick_drugs(actor_id: str = "", limit: int = 12) -> list[TermRow]:
    """Drugs to offer as buttons: what this person gives most, then the favourites of the department."""
    own: Iterable[str] = ()
    if actor_id:
        own = db.session.scalars(
            select(Administration.term_code)
            .where(Administration.by == actor_id, Administration.term_code != "")
            .group_by(Administration.term_code)
            .order_by(func.count().desc(), Administration.term_code)
            .limit(limit)
        ).all()
    terms = {row.code: row for row in terminology.terms("drug")}
    ordered = [terms[code] for code in own if code in terms]
    seen = {row.code for row in ordered}
    ordered += [row for row in terms.values() if row.is_favourite and row.code not in seen]
    return ordered[:limit]
