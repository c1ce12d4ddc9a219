"""What the anesthesia record knows: drugs, fluids, charted values, airway, punctures, events, rescue."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import select

from app.anesthesia.models import (
    Administration,
    AirwayProcedure,
    AnesthesiaRecord,
    BlockProcedure,
    ChartReading,
    Intake,
    Output,
)
from app.anesthesia.queries.open_points import infusion_facts
from app.anesthesia.rules.totals import infusion_total
from app.core import clock
from app.core.db import db
from app.documents.facts import CaseFacts, ChartValue, InfusionFact, SpecialEvent
from app.scheduling.models import SurgicalCase

# First code that has values wins: invasive pressure stands beside the cuff, both count as pressure.
_CHART = {
    "sbp": ("NIBP_S", "ART_S"), "dbp": ("NIBP_D", "ART_D"), "map": ("NIBP_M", "ART_M"), "hr": ("HR",),
    "rr": ("RR",), "spo2": ("SpO2",), "temp": ("TEMP",), "etco2": ("EtCO2",),
}  # fmt: skip
_ROUTES = {
    "iv": "静脉", "im": "肌注", "ih": "皮下", "inhaled": "吸入", "epidural": "硬膜外", "intrathecal": "鞘内",
    "po": "口服", "topical": "表面", "nerve": "神经阻滞", "local": "局部浸润",
}  # fmt: skip
_DEVICES = {
    "tracheal_tube": "气管插管", "double_lumen": "双腔支气管插管", "laryngeal_mask": "喉罩", "mask": "面罩",
    "other": "其他气道",
}  # fmt: skip
_PATHS = {"oral": "经口", "nasal": "经鼻", "tracheostomy": "经气管切开"}
_BLOCKS = {
    "spinal": "蛛网膜下腔阻滞", "epidural": "硬膜外阻滞", "combined": "腰硬联合", "caudal": "骶管阻滞",
    "nerve": "神经阻滞", "plexus": "神经丛阻滞", "other": "其他阻滞",
}  # fmt: skip
_INTAKES = {"crystalloid": "晶体液", "colloid": "胶体液", "blood_product": "血液制品", "autologous": "自体血"}
_BLOOD = (("红细胞", "1"), ("全血", "2"), ("血小板", "3"), ("血浆", "4"), ("冷沉淀", "5"), ("自体", "6"))
_SPECIAL_WORDS = ("骤停", "过敏", "低血压", "高血压", "心律失常", "低氧", "痉挛", "误吸", "出血", "中毒", "困难气道")
_ROUTINE = (("sbp", "收缩压", "mmHg"), ("dbp", "舒张压", "mmHg"), ("hr", "心率", "次/min"), ("spo2", "SpO2", "%"),
            ("rr", "呼吸", "次/min"))  # fmt: skip
_SPECIAL = (("etco2", "EtCO2", "mmHg"), ("temp", "体温", "℃"))


@dataclass(slots=True)
class _Rows:
    """The valid rows of one record, in the order in which they happened."""

    readings: list[tuple[str, datetime, Decimal]] = field(default_factory=list)
    drugs: list[Administration] = field(default_factory=list)
    intakes: list[Intake] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    airways: list[AirwayProcedure] = field(default_factory=list)
    blocks: list[BlockProcedure] = field(default_factory=list)


def tell_records(pairs: Sequence[tuple[SurgicalCase, CaseFacts]]) -> None:
    """Add the facts of the anesthesia records of these cases; one query a table, however many cases there are."""
    told = {case.id: (case, facts) for case, facts in pairs}
    records = list(db.session.scalars(select(AnesthesiaRecord).where(AnesthesiaRecord.case_id.in_(told))))
    rows = _rows_of([record.id for record in records]) if records else {}
    for record in records:
        _tell(*told[record.case_id], record, rows[record.id])


_Row = TypeVar("_Row", Administration, Intake, Output, AirwayProcedure, BlockProcedure)


def _rows_of(ids: list[int]) -> dict[int, _Rows]:
    made = {record_id: _Rows() for record_id in ids}
    readings = db.session.execute(
        select(ChartReading.record_id, ChartReading.code, ChartReading.at, ChartReading.value)
        .where(ChartReading.record_id.in_(ids), ChartReading.value.is_not(None))
        .order_by(ChartReading.at)
    )
    for record_id, code, at, value in readings:
        if value is not None:
            made[record_id].readings.append((code, at, value))
    for drug in _valid(Administration, ids, Administration.start_at):
        made[drug.record_id].drugs.append(drug)
    for intake in _valid(Intake, ids, Intake.start_at):
        made[intake.record_id].intakes.append(intake)
    for output in _valid(Output, ids, Output.id):
        made[output.record_id].outputs.append(output)
    for airway in _valid(AirwayProcedure, ids, AirwayProcedure.at):
        made[airway.record_id].airways.append(airway)
    for block in _valid(BlockProcedure, ids, BlockProcedure.id):
        made[block.record_id].blocks.append(block)
    return made


def _valid(model: type[_Row], ids: list[int], order: Any) -> Iterable[_Row]:
    return db.session.scalars(select(model).where(model.record_id.in_(ids), model.voided_at.is_(None)).order_by(order))


def _tell(case: SurgicalCase, facts: CaseFacts, record: AnesthesiaRecord, rows: _Rows) -> None:
    _chart(rows, facts)
    _drugs(rows, facts)
    _fluids(rows, facts)
    _airway(rows, facts)
    _events(case, record, facts)
    technique = record.technique
    facts.put("record.premedication", str(technique.get("premedication") or ""))
    facts.put(
        "record.narrative", "；".join(str(technique[k]) for k in ("induction", "ventilation") if technique.get(k))
    )
    if technique.get("pca"):
        facts.put("case.has_analgesia", "yes")
    facts.put("record.course", _course(facts))


def _chart(rows: _Rows, facts: CaseFacts) -> None:
    found: dict[str, list[ChartValue]] = {}
    for code, at, value in rows.readings:
        found.setdefault(code, []).append(ChartValue(at, value))
    for name, codes in _CHART.items():
        points = sorted((p for code in codes for p in found.get(code, [])), key=lambda p: p.at)
        if points:
            facts.chart[name] = points
    facts.charted = bool(found)
    for path, rows_of in (("record.routine_monitoring", _ROUTINE), ("record.special_monitoring", _SPECIAL)):
        facts.put(path, [{"name": f"{label}", "result": _span(facts.chart[c], unit)}
                         for c, label, unit in rows_of if c in facts.chart])  # fmt: skip
    facts.put("record.signs", _signs(facts))


_SIGNS = (("temp", "temp"), ("pulse", "hr"), ("rr", "rr"), ("hr", "hr"), ("sbp", "sbp"), ("dbp", "dbp"),
          ("spo2", "spo2"))  # fmt: skip
_SIGNS_EVERY, _SAME_TIME = timedelta(minutes=30), timedelta(minutes=5)


def _signs(facts: CaseFacts) -> list[dict[str, Any]]:
    """Measurements half an hour apart, from the first blood pressure to the last; each with what was charted then."""
    moments = [point.at for point in facts.chart.get("sbp", [])]
    chosen: list[datetime] = []
    for moment in moments:
        if not chosen or moment - chosen[-1] >= _SIGNS_EVERY or moment == moments[-1]:
            chosen.append(moment)
    return [{"at": moment, **{name: _near(facts, code, moment) for name, code in _SIGNS}} for moment in chosen]


def _near(facts: CaseFacts, code: str, moment: datetime) -> str | None:
    points = [point for point in facts.chart.get(code, []) if abs(point.at - moment) <= _SAME_TIME]
    return _plain(min(points, key=lambda point: abs(point.at - moment)).value) if points else None


def _span(points: Sequence[ChartValue], unit: str) -> str:
    values = [point.value for point in points]
    low, high = _plain(min(values)), _plain(max(values))
    return f"{low} {unit}" if low == high else f"{low}–{high} {unit}"


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f") if value % 1 else str(value.quantize(Decimal(1)))


def _drugs(rows: _Rows, facts: CaseFacts) -> None:
    until = facts.times.get("out_of_room") or clock.now()
    told = []
    for drug in rows.drugs:
        amount = drug.dose
        if drug.mode != "bolus":
            facts.infusions.append(InfusionFact(drug.name, drug.start_at, drug.end_at))
            amount = _total(drug, until)
        unit = drug.unit
        if amount is None and (rates := [rate for rate in drug.rates if rate.voided_at is None]):
            amount, unit = rates[0].rate, rates[0].unit  # a gas has no total: its first concentration or flow
        told.append(
            {
                "name": drug.name[:50],
                "amount": _plain(amount) if amount is not None else None,
                "unit": unit[:10],
                "route": _ROUTES.get(drug.route, drug.route)[:20],
                "at": drug.start_at,
                "end": drug.end_at,
                "remark": _usage(drug),
            }
        )
    facts.put("record.drugs", told)


def _total(drug: Administration, until: datetime) -> Decimal | None:
    try:
        total = infusion_total(infusion_facts(drug), until)
    except ValueError:  # a weight or concentration is missing: the amount is not known
        return None
    return None if total is None else round(Decimal(total.numerator) / Decimal(total.denominator), 2)


def _usage(drug: Administration) -> str:
    words = {"bolus": "单次", "infusion": "持续泵注", "gas": "吸入"}.get(drug.mode, "")
    rates = [f"{clock.to_hospital(r.at):%H:%M} {_plain(r.rate)} {r.unit}" for r in drug.rates if r.voided_at is None]
    return "；".join([words, *rates])[:100]


def _fluids(rows: _Rows, facts: CaseFacts) -> None:
    intakes, outputs = rows.intakes, rows.outputs
    blood = [i for i in intakes if i.category in ("blood_product", "autologous")]
    facts.put("record.fluids", [{"name": i.name[:50], "volume": str(round(i.volume_ml))} for i in intakes
                                if i not in blood])  # fmt: skip
    facts.put("record.blood", [{"product": _product(i), "volume": str(round(i.volume_ml)), "ended_at": i.end_at}
                               for i in blood])  # fmt: skip
    facts.put("record.intakes", [{"at": i.start_at, "name": _INTAKES.get(i.category, "其他"), "item": i.name[:50],
                                  "volume": str(round(i.volume_ml))} for i in intakes])  # fmt: skip
    facts.put("record.outputs", [{"at": o.at, "name": o.name[:50], "volume": str(round(o.volume_ml))} for o in outputs])
    total_in, total_out = (
        sum((i.volume_ml for i in intakes), Decimal(0)),
        sum((o.volume_ml for o in outputs), Decimal(0)),
    )
    facts.put("record.intake_ml", total_in if intakes else None)
    facts.put("record.output_ml", total_out if outputs else None)
    if blood:
        facts.put("record.blood_ml", sum((i.volume_ml for i in blood), Decimal(0)))
    for path, kind in (("record.blood_loss_ml", "blood_loss"), ("record.urine_ml", "urine")):
        volumes = [o.volume_ml for o in outputs if o.kind == kind]
        facts.put(path, sum(volumes, Decimal(0)) if volumes else None)
    if intakes or outputs:
        facts.put("record.balance_text", f"入量 {_plain(total_in)} ml，出量 {_plain(total_out)} ml")


def _product(intake: Intake) -> str:
    if intake.category == "autologous":
        return "6"
    return next((code for word, code in _BLOOD if word in intake.name), "9")


def _airway(rows: _Rows, facts: CaseFacts) -> None:
    airway = rows.airways[-1] if rows.airways else None
    if airway is not None:
        parts = [_PATHS.get(airway.path, "") + _DEVICES.get(airway.device, airway.device), airway.size]
        parts.append(f"深度 {_plain(airway.depth_cm)} cm" if airway.depth_cm is not None else "")
        facts.put("record.airway", " ".join(filter(None, parts)))
        facts.put("record.breathing_code", "1" if airway.device == "mask" else "2")
        facts.put("record.ventilated", "no" if airway.device == "mask" else "yes")
        if airway.device in ("tracheal_tube", "double_lumen"):
            facts.times.setdefault("intubation", airway.at)
            if airway.removed_at is not None:
                facts.times.setdefault("extubation", airway.removed_at)
    words = [
        "，".join(filter(None, (_BLOCKS.get(b.kind, b.kind), b.site, b.needle, b.drug, b.level and f"平面 {b.level}")))
        for b in rows.blocks
    ]
    facts.put("record.puncture", "；".join(words))


def _events(case: SurgicalCase, record: AnesthesiaRecord, facts: CaseFacts) -> None:
    noted = [event for event in case.events if event.kind == "noted" and event.voided_at is None]
    for event in noted:
        if any(word in event.label for word in _SPECIAL_WORDS):
            facts.specials.append(SpecialEvent(event.label, event.at, bool(event.remark.strip())))
    facts.put(
        "record.events_text",
        "；".join(f"{clock.to_hospital(e.at):%H:%M} {e.label}{'：' + e.remark if e.remark else ''}" for e in noted),
    )
    if record.rescue_spans:
        starts = [datetime.fromisoformat(span["start"]) for span in record.rescue_spans]
        ends = [datetime.fromisoformat(span["end"]) for span in record.rescue_spans if span.get("end")]
        facts.times["rescue_start"] = min(starts)
        if len(ends) == len(starts):
            facts.times["rescue_end"] = max(ends)


def _course(facts: CaseFacts) -> str:
    chain = (("in_room", "入室"), ("anesthesia_start", "麻醉开始"), ("surgery_start", "手术开始"),
             ("surgery_end", "手术结束"), ("anesthesia_end", "麻醉结束"), ("out_of_room", "出室"))  # fmt: skip
    parts = [f"{clock.to_hospital(facts.times[key]):%H:%M} {word}" for key, word in chain if key in facts.times]
    return "，".join(filter(None, (*parts, facts.text("record.balance_text"), facts.text("record.events_text"))))[:1000]
