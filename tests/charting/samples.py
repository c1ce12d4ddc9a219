"""Records to draw: a routine case, and the awkward ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import sin

from app.charting.record import (
    Axis,
    Bolus,
    CaseMark,
    DrugLane,
    FluidBag,
    FluidCategory,
    FluidLane,
    Gap,
    GasLane,
    Infusion,
    Limits,
    MarkKind,
    NumberedEvent,
    NumericRow,
    OutputEntry,
    OutputLane,
    RateChange,
    RecordView,
    VitalPoint,
    VitalSeries,
)

START = datetime(2026, 11, 22, 0, 2, tzinfo=UTC)  # 08:02 in Shanghai


def after(minutes: float, start: datetime = START) -> datetime:
    """A moment of the case."""
    return start + timedelta(minutes=minutes)


def curve(
    code: str, middle: float, swing: float, minutes: int, *, every: int = 5, start: datetime = START
) -> tuple[VitalPoint, ...]:
    """A quiet curve on the 5-min grid."""
    first = 3  # 08:05
    places = range(first, minutes, every)
    return tuple(
        VitalPoint(
            after(place, start),
            Decimal(round(middle + swing * sin(place / 23 + middle))),
            reading_id=f"{code}-{place}",
        )
        for place in places
    )


def temperature(minutes: int, start: datetime = START) -> tuple[VitalPoint, ...]:
    """36.5 falling to 35.9, every quarter of an hour."""
    return tuple(
        VitalPoint(after(place, start), (Decimal("36.6") - Decimal(place) / 600).quantize(Decimal("0.1")))
        for place in range(13, minutes, 15)
    )


def drugs(start: datetime = START, minutes: int = 235) -> tuple[DrugLane, ...]:
    """Induction, maintenance, a running pressor."""

    def at(minute: float) -> datetime:
        return after(minute, start)

    stop = at(minutes - 30)
    return (
        DrugLane("d1", "咪达唑仑", "mg", (Bolus(at(14), Decimal("2"), "mg", "iv", id="b1"),), total="2 mg"),
        DrugLane(
            "d2",
            "丙泊酚",
            "mg",
            (Bolus(at(18), Decimal(100), "mg", "iv"), Bolus(at(20), Decimal(30), "mg", "iv", note_no=1)),
            (
                Infusion(
                    at(24),
                    stop,
                    (
                        RateChange(at(24), Decimal("6"), "mg/kg/h"),
                        RateChange(at(60), Decimal("5"), "mg/kg/h"),
                        RateChange(at(120), Decimal("4.5"), "mg/kg/h"),
                    ),
                    "986 mg",
                ),
            ),
            total="1116 mg",
        ),
        DrugLane(
            "d3",
            "舒芬太尼",
            "µg",
            tuple(Bolus(at(minute), Decimal(dose), "µg", "iv") for minute, dose in ((17, 25), (48, 10), (110, 10))),
            total="45 µg",
            controlled=True,
        ),
        DrugLane(
            "d4",
            "罗库溴铵",
            "mg",
            tuple(Bolus(at(minute), Decimal(dose), "mg", "iv") for minute, dose in ((19, 50), (75, 10))),
            total="60 mg",
        ),
        DrugLane(
            "d5",
            "瑞芬太尼",
            "µg/kg/min",
            infusions=(
                Infusion(
                    at(25),
                    stop,
                    (
                        RateChange(at(25), Decimal("0.1"), "µg/kg/min"),
                        RateChange(at(45), Decimal("0.15"), "µg/kg/min"),
                        RateChange(at(150), Decimal("0.08"), "µg/kg/min"),
                    ),
                    "1.6 mg",
                ),
            ),
            total="1.6 mg",
            controlled=True,
        ),
        DrugLane(
            "d6",
            "去甲肾上腺素",
            "µg/kg/min",
            infusions=(Infusion(at(70), None, (RateChange(at(70), Decimal("0.05"), "µg/kg/min"),)),),
        ),
        DrugLane(
            "d7",
            "氟比洛芬酯",
            "mg",
            (Bolus(at(minutes - 40), Decimal(50), "mg", "iv"),),
            total="50 mg",
        ),
    )


def record(minutes: int = 225, *, live: bool = False, start: datetime = START) -> RecordView:
    """A laparoscopic gastrectomy of ``minutes`` in the room."""

    def at(minute: float) -> datetime:
        return after(minute, start)

    systolic = list(curve("sbp", 122, 18, minutes, start=start))
    fifth = systolic[5]
    systolic[5] = VitalPoint(fifth.at, Decimal(96), edited=True, footnote=1, source="手工", reading_id=fifth.reading_id)
    return RecordView(
        case_id="case-1",
        origin=start,
        now=at(minutes),
        ended_at=None if live else at(minutes),
        is_live=live,
        marks=(
            CaseMark(MarkKind.IN_ROOM, at(0), "入室", id="m1"),
            CaseMark(MarkKind.ANESTHESIA_START, at(14), "麻醉开始"),
            CaseMark(MarkKind.INTUBATION, at(22), "插管"),
            CaseMark(MarkKind.SURGERY_START, at(41), "手术开始"),
            CaseMark(MarkKind.SURGERY_END, at(minutes - 35), "手术结束"),
            CaseMark(MarkKind.EXTUBATION, at(minutes - 16), "拔管"),
            CaseMark(MarkKind.ANESTHESIA_END, at(minutes - 8), "麻醉结束"),
            CaseMark(MarkKind.OUT_OF_ROOM, at(minutes), "出室"),
        ),
        vitals=(
            VitalSeries("sbp", "收缩压", "mmHg", tuple(systolic), limits=Limits(Decimal(90), None)),
            VitalSeries("dbp", "舒张压", "mmHg", curve("dbp", 70, 10, minutes, start=start)),
            VitalSeries("hr", "脉搏", "次/分", curve("hr", 84, 11, minutes, start=start)),
            VitalSeries("rr", "自主呼吸", "次/分", curve("rr", 16, 1, 20, start=start)),
            VitalSeries(
                "rr_vent",
                "控制呼吸",
                "次/分",
                tuple(p for p in curve("rr_vent", 12, 0, minutes - 16, start=start) if p.at >= at(23)),
            ),
            VitalSeries("temp", "体温", "℃", temperature(minutes, start), axis=Axis.RIGHT),
        ),
        numerics=(
            NumericRow("spo2", "SpO₂", "%", curve("spo2", 99, 1, minutes, start=start)),
            NumericRow(
                "etco2",
                "EtCO₂",
                "mmHg",
                tuple(p for p in curve("etco2", 36, 2, minutes - 16, start=start) if p.at >= at(23)),
            ),
            NumericRow("bis", "BIS", "", curve("bis", 48, 5, minutes, start=start)),
            NumericRow("pip", "气道峰压", "cmH₂O", curve("pip", 18, 2, minutes - 16, start=start)),
        ),
        drugs=drugs(start, minutes),
        gases=(
            GasLane("g1", "O₂", "L/min", (Infusion(at(10), None, (RateChange(at(10), Decimal(2), "L/min"),)),)),
            GasLane(
                "g2",
                "七氟烷",
                "%",
                (
                    Infusion(
                        at(26),
                        at(minutes - 45),
                        (RateChange(at(26), Decimal("1.5"), "%"), RateChange(at(90), Decimal("1"), "%")),
                    ),
                ),
            ),
        ),
        fluids=(
            FluidLane(
                "f1",
                "乳酸钠林格",
                FluidCategory.CRYSTALLOID,
                (
                    FluidBag(at(5), at(65), Decimal(500), running_total_ml=Decimal(500), id="bag1"),
                    FluidBag(at(66), at(150), Decimal(500), running_total_ml=Decimal(1500)),
                    FluidBag(at(152), None, Decimal(300), running_total_ml=Decimal(1800)),
                ),
                Decimal(1300),
            ),
            FluidLane(
                "f2",
                "羟乙基淀粉 130/0.4",
                FluidCategory.COLLOID,
                (FluidBag(at(80), at(140), Decimal(500), running_total_ml=Decimal(1000)),),
                Decimal(500),
            ),
        ),
        outputs=(
            OutputLane("o1", "失血", (OutputEntry(at(120), Decimal(150), Decimal(150)),), Decimal(150)),
            OutputLane(
                "o2",
                "尿量",
                (
                    OutputEntry(at(90), Decimal(200), Decimal(200)),
                    OutputEntry(at(minutes - 20), Decimal(250), Decimal(450)),
                ),
                Decimal(450),
            ),
        ),
        events=(
            NumberedEvent(1, at(20), "丙泊酚追加", "诱导时血压稳定，追加 30 mg 后插管顺利。"),
            NumberedEvent(2, at(52), "气腹建立", "气腹压力 12 mmHg"),
            NumberedEvent(3, at(70), "低血压", "去甲肾上腺素泵注，5 min 后回升至 108/62 mmHg。"),
            NumberedEvent(4, at(minutes - 50), "标本取出", ""),
        ),
        gaps=(Gap(at(96), at(109), "监护仪断线"),),
    )
