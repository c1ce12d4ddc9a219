"""Filling the chart from raw data by the declared rule. Called after every batch of a bridge, so it skips early.

A slot is due when its grid line has passed. Until its cell closes a nearer value replaces an automatic one; after
that only empty places are filled (late data). What a person typed or corrected is never touched, and nothing outside
the binding of the device and the stay in the room is charted.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from app.anesthesia.models import AnesthesiaRecord, ChartReading
from app.anesthesia.rules.choosing import Candidate, choose, choose_cuff
from app.anesthesia.rules.grid import MINUTE_MS, Slot, Span, rescue_spans_ms, slots_between
from app.anesthesia.rules.limits import CHARTED, CUFF_CODES
from app.core import clock, signals, unit_of_work
from app.core.audit import Actor
from app.core.db import db
from app.devices.models import Binding
from app.scheduling.models import CaseEvent
from app.scheduling.rules import EventKind
from app.vitals import queries as vitals
from app.vitals.columns import Samples, between, merge

_FOREVER = 2**53
# A backlog of more than a day is filled in the part that is nearest to now.
_LONGEST_MS = 24 * 60 * MINUTE_MS
_SOURCES = frozenset(source for item in CHARTED.values() for source in item.sources)


@dataclass(slots=True)
class _Target:
    """A record that the new data may concern, and when its devices were bound."""

    record_id: int
    case_id: int
    opened_ms: int
    interval: int
    rescue: tuple[Span, ...]
    bound: list[tuple[int, int, int]] = field(default_factory=list)  # device, from, to
    slots: list[Slot] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Held:
    """What stands on a place of the chart."""

    reading_id: int
    at_ms: int
    is_auto: bool


_Chart = Mapping[int, Mapping[str, _Held]]  # line → code → what is held


def fill_chart(
    actor: Actor,
    device_ids: Collection[int],
    from_ms: int,
    to_ms: int,
    *,
    now_ms: int,
    codes: Collection[str] = (),
) -> int:
    """Chart what devices measured from `from_ms` to `to_ms` (inclusive). Gives how many places were set.

    `codes`: parameters that the new data holds, when known; what none of them can change is not looked at.
    """
    if not device_ids or (codes and not _SOURCES & set(codes)):
        return 0
    from_ms = max(from_ms, to_ms - _LONGEST_MS)
    targets = _due(_targets(device_ids, from_ms, to_ms), from_ms, to_ms, now_ms)
    if not targets:
        return 0
    charts = _held([target.record_id for target in targets], targets)
    stays = _stays([target.case_id for target in targets])
    changed = 0
    for target in targets:
        start, end = stays.get(target.case_id, (None, _FOREVER))
        span = (target.opened_ms if start is None else start, end)
        count = _fill(target, charts[target.record_id], span, (from_ms, to_ms), now_ms, frozenset(codes))
        if count:
            unit_of_work.after_commit(signals.changed, f"case:{target.case_id}", what="chart")
        changed += count
    return changed


def _targets(device_ids: Collection[int], from_ms: int, to_ms: int) -> list[_Target]:
    statement = (
        select(
            AnesthesiaRecord.id,
            AnesthesiaRecord.case_id,
            AnesthesiaRecord.opened_at,
            AnesthesiaRecord.interval_minutes,
            AnesthesiaRecord.rescue_spans,
            Binding.device_id,
            Binding.bound_at,
            Binding.released_at,
        )
        .join(Binding, Binding.case_id == AnesthesiaRecord.case_id)
        .where(
            Binding.device_id.in_(device_ids),
            Binding.bound_at <= clock.from_ms(to_ms),
            or_(Binding.released_at.is_(None), Binding.released_at >= clock.from_ms(from_ms)),
            AnesthesiaRecord.state == "open",
        )
    )
    found: dict[int, _Target] = {}
    for number, case_id, opened, interval, rescue, device, bound, released in db.session.execute(statement):
        target = found.setdefault(
            number, _Target(number, case_id, clock.to_ms(opened), interval, rescue_spans_ms(rescue))
        )
        target.bound.append((device, clock.to_ms(bound), clock.to_ms(released) if released else _FOREVER))
    return list(found.values())


def _due(targets: list[_Target], from_ms: int, to_ms: int, now_ms: int) -> list[_Target]:
    for target in targets:
        reach = target.interval * MINUTE_MS
        around = slots_between(from_ms - reach, min(to_ms + reach, now_ms), target.interval, target.rescue)
        target.slots = [slot for slot in around if slot.opens_ms < to_ms and slot.closes_ms >= from_ms]
    return [target for target in targets if target.slots]


def _held(record_ids: list[int], targets: list[_Target]) -> dict[int, dict[int, dict[str, _Held]]]:
    lines = [slot.at_ms for target in targets for slot in target.slots]
    rows = db.session.execute(
        select(
            ChartReading.record_id,
            ChartReading.slot_at,
            ChartReading.code,
            ChartReading.id,
            ChartReading.at,
            ChartReading.state,
        ).where(
            ChartReading.record_id.in_(record_ids),
            ChartReading.slot_at.between(clock.from_ms(min(lines)), clock.from_ms(max(lines))),
        )
    )
    found: dict[int, dict[int, dict[str, _Held]]] = {number: defaultdict(dict) for number in record_ids}
    for record_id, slot_at, code, number, at, state in rows:
        found[record_id][clock.to_ms(slot_at)][code] = _Held(number, clock.to_ms(at), state == "auto")
    return found


def _stays(case_ids: list[int]) -> dict[int, tuple[int | None, int]]:
    """In and out of the room, in milliseconds; the earliest valid ones."""
    kinds = (EventKind.IN_ROOM.value, EventKind.OUT_OF_ROOM.value)
    rows = db.session.execute(
        select(CaseEvent.case_id, CaseEvent.kind, CaseEvent.at)
        .where(CaseEvent.case_id.in_(case_ids), CaseEvent.kind.in_(kinds), CaseEvent.voided_at.is_(None))
        .order_by(CaseEvent.at.desc())
    )
    found: dict[int, tuple[int | None, int]] = {}
    for case_id, kind, at in rows:
        start, end = found.get(case_id, (None, _FOREVER))
        moment = clock.to_ms(at)
        found[case_id] = (moment, end) if kind == EventKind.IN_ROOM.value else (start, moment)
    return found


def stay_of(case_id: int) -> tuple[datetime | None, datetime | None]:
    """When the patient of a case came into the room and left it; None where that is not known."""
    start, end = _stays([case_id]).get(case_id, (None, _FOREVER))
    return (None if start is None else clock.from_ms(start)), (None if end == _FOREVER else clock.from_ms(end))


def _fill(target: _Target, chart: _Chart, stay: Span, arrived: Span, now_ms: int, codes: frozenset[str]) -> int:
    wanted: list[tuple[Slot, frozenset[str]]] = []
    for slot in target.slots:
        if not stay[0] <= slot.at_ms <= stay[1]:
            continue
        held = chart.get(slot.at_ms, {})
        open_codes = _open_codes(slot, held, arrived, now_ms, codes)
        if open_codes:
            wanted.append((slot, open_codes))
    if not wanted:
        return 0
    spans = [_looked_at(slot, chart.get(slot.at_ms, {}), arrived, now_ms) for slot, _codes in wanted]
    raw = _raw(target, stay, min(start for start, _end in spans), max(end for _start, end in spans) + 1)
    rows: list[dict[str, object]] = []
    moves: list[dict[str, object]] = []
    for slot, open_codes in wanted:
        bound = [one for one in target.bound if one[1] <= slot.at_ms <= one[2]]
        mine = {device: raw[device] for device, _start, _end in bound if device in raw}
        for code, candidate in _choices(mine, slot, open_codes).items():
            _put(target.record_id, slot, code, candidate, chart.get(slot.at_ms, {}).get(code), rows, moves)
    return _store(rows, moves)


def _open_codes(
    slot: Slot, held: Mapping[str, _Held], arrived: Span, now_ms: int, codes: frozenset[str]
) -> frozenset[str]:
    """Parameters that the new data may set or move in this slot."""
    closed = now_ms > slot.closes_ms
    untouched = not any(one.is_auto for one in held.values())
    nearest = max(arrived[0] - slot.at_ms, slot.at_ms - arrived[1], 0)
    found = set()
    for code, item in CHARTED.items():
        if codes and not untouched and not codes & set(item.sources):
            continue
        one = held.get(code)
        if one is None or (one.is_auto and not closed and nearest < abs(one.at_ms - slot.at_ms)):
            found.add(code)
    if any(code in held and not held[code].is_auto for code in CUFF_CODES[:2]):
        found -= set(CUFF_CODES)
    return frozenset(found)


def _looked_at(slot: Slot, held: Mapping[str, _Held], arrived: Span, now_ms: int) -> Span:
    """The whole cell when its line has just passed or nothing was charted yet, else only what has arrived."""
    if arrived[0] <= slot.at_ms <= arrived[1] or not any(one.is_auto for one in held.values()):
        return slot.opens_ms + 1, min(slot.closes_ms, now_ms)
    return max(slot.opens_ms + 1, arrived[0]), min(slot.closes_ms, arrived[1], now_ms)


def _raw(target: _Target, stay: Span, start_ms: int, end_ms: int) -> dict[int, dict[str, Samples]]:
    # A device may have been bound twice, with another case between.
    parts: dict[int, dict[str, list[Samples]]] = defaultdict(lambda: defaultdict(list))
    for device, bound_from, bound_to in target.bound:
        first, last = max(start_ms, bound_from, stay[0]), min(end_ms, bound_to + 1, stay[1] + 1)
        if first < last:
            for code, columns in vitals.samples(device, _SOURCES, first, last).items():
                parts[device][code].append(between(columns, first, last))
    return {
        device: {code: columns[0] if len(columns) == 1 else merge(columns) for code, columns in series.items()}
        for device, series in parts.items()
    }


def _choices(raw: Mapping[int, Mapping[str, Samples]], slot: Slot, open_codes: frozenset[str]) -> dict[str, Candidate]:
    found: dict[str, Candidate] = {}
    if open_codes & set(CUFF_CODES):
        found = {code: one for code, one in choose_cuff(raw, slot).items() if code in open_codes}
    for code in open_codes - set(CUFF_CODES):
        candidate = choose(CHARTED[code], raw, slot)
        if candidate is not None:
            found[code] = candidate
    return found


def _put(
    record_id: int,
    slot: Slot,
    code: str,
    candidate: Candidate,
    held: _Held | None,
    rows: list[dict[str, object]],
    moves: list[dict[str, object]],
) -> None:
    value: Decimal = CHARTED[code].rounded(candidate.choice.value)
    fresh = {
        "at": clock.from_ms(candidate.choice.time_ms),
        "value": value,
        "device_id": candidate.device_id,
        "raw_code": candidate.raw_code,
    }
    if held is None:
        fixed = {"record_id": record_id, "code": code, "slot_at": clock.from_ms(slot.at_ms), "by_name": ""}
        rows.append({**fresh, **fixed, "unit": CHARTED[code].unit, "source": "device", "state": "auto"})
    elif candidate.choice.distance(slot.at_ms) < abs(held.at_ms - slot.at_ms):
        moves.append({**fresh, "id": held.reading_id})


def _store(rows: list[dict[str, object]], moves: list[dict[str, object]]) -> int:
    count = 0
    for move in moves:
        number = move.pop("id")
        statement = update(ChartReading).where(ChartReading.id == number, ChartReading.state == "auto").values(**move)
        count += db.session.execute(statement.execution_options(synchronize_session="fetch")).rowcount  # type: ignore[attr-defined]
    if rows:
        try:
            with db.session.begin_nested():
                db.session.execute(insert(ChartReading), rows)
        except IntegrityError:  # another bridge or a hand was faster; the next batch looks again
            return count
        count += len(rows)
    return count
