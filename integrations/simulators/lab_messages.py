"""Reports as the simulated LIS writes them: ORU^R01 before an operation, some abnormal, some corrected afterwards."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from integrations.canonical import SurgeryRequestChange
from integrations.hl7 import build
from integrations.hl7.charset import msh18_of
from integrations.hl7.times import format_time
from integrations.simulators.his_messages import person_segments

SENDER, RECEIVER = ("LIS", "HOSPITAL"), ("MAFEI", "HOSPITAL")


@dataclass(frozen=True, slots=True)
class _Item:
    """An item of the laboratory's own list: code, name, unit, usual span, decimals."""

    code: str
    name: str
    unit: str
    low: str
    high: str
    places: int = 0


_BLOOD_COUNT = (
    _Item("WBC", "白细胞计数", "10^9/L", "3.5", "9.5", 1), _Item("RBC", "红细胞计数", "10^12/L", "3.8", "5.8", 2),
    _Item("HGB", "血红蛋白", "g/L", "115", "175"), _Item("HCT", "红细胞压积", "%", "35", "50", 1),
    _Item("NEUT%", "中性粒细胞百分比", "%", "40", "75", 1), _Item("PLT", "血小板计数", "10^9/L", "125", "350"),
)  # fmt: skip
_COAGULATION = (
    _Item("PT", "凝血酶原时间", "s", "11.0", "14.5", 1), _Item("PT-INR", "国际标准化比值", "", "0.85", "1.15", 2),
    _Item("APTT", "活化部分凝血活酶时间", "s", "28", "43", 1), _Item("FIB", "纤维蛋白原", "g/L", "2.0", "4.0", 2),
)  # fmt: skip
_CHEMISTRY = (
    _Item("ALT", "丙氨酸氨基转移酶", "U/L", "9", "50"), _Item("AST", "天门冬氨酸氨基转移酶", "U/L", "15", "40"),
    _Item("TBIL", "总胆红素", "umol/L", "5.0", "21.0", 1), _Item("ALB", "白蛋白", "g/L", "40", "55", 1),
    _Item("CREA", "肌酐", "umol/L", "57", "97"), _Item("UREA", "尿素", "mmol/L", "3.1", "8.0", 1),
    _Item("K", "钾", "mmol/L", "3.5", "5.3", 2), _Item("NA", "钠", "mmol/L", "137", "147"),
    _Item("CL", "氯", "mmol/L", "99", "110"), _Item("GLU", "葡萄糖", "mmol/L", "3.9", "6.1", 1),
)  # fmt: skip
_SCREENING = (("HBsAg", "乙型肝炎病毒表面抗原"), ("HCV-Ab", "丙型肝炎病毒抗体"), ("HIV-Ab", "HIV抗体"),
              ("TP-Ab", "梅毒螺旋体抗体"))  # fmt: skip
_URINE = (("PRO", "尿蛋白"), ("UGLU", "尿糖"), ("KET", "尿酮体"), ("UBLD", "尿潜血"))


@dataclass(frozen=True, slots=True)
class Row:
    """One OBX."""

    code: str
    name: str
    value: str
    unit: str = ""
    reference: str = ""
    flag: str = ""
    kind: str = "NM"


@dataclass(frozen=True, slots=True)
class Report:
    """One OBR with its OBX."""

    number: str
    code: str
    name: str
    specimen: str
    taken_at: datetime
    rows: tuple[Row, ...]
    status: str = "F"

    @property
    def reported_at(self) -> datetime:
        """Two hours in the laboratory; a correction an hour after that."""
        return self.taken_at + timedelta(hours=3 if self.status == "C" else 2)


def reports_for(request: SurgeryRequestChange) -> tuple[list[Report], list[Report]]:
    """(reports, corrections that follow). Every fourth patient is anemic, every fifth has a potassium to correct."""
    number = int(request.request_no[-4:])
    dice = random.Random(f"labs-{request.request_no}")  # noqa: S311 - a repeatable simulation, not a secret
    asked = request.applied_at or request.planned_at
    if asked is None:
        return [], []
    is_urgent = request.kind is not None and request.kind.value in ("emergency", "urgent")
    taken = asked - (timedelta(hours=3, minutes=20) if is_urgent else timedelta(days=dice.randint(1, 3), minutes=20))
    stem = request.request_no.removeprefix("REQ")
    counts = [_measured(item, dice) for item in _BLOOD_COUNT]
    if number % 4 == 1:
        counts = [_anemic(row, dice) for row in counts]
    chemistry = [_measured(item, dice) for item in _CHEMISTRY]
    made = [
        Report(f"L{stem}1", "XCG", "血常规", "全血", taken, tuple(counts)),
        Report(f"L{stem}2", "NXGN", "凝血功能", "血浆", taken, tuple(_measured(item, dice) for item in _COAGULATION)),
        Report(f"L{stem}4", "GRXM", "感染筛查", "血清", taken, tuple(_word(one, "阴性(-)") for one in _SCREENING)),
        Report(f"L{stem}5", "NCG", "尿常规", "尿液", taken, tuple(_word(one, "阴性(-)") for one in _URINE)),
        Report(f"E{stem}6", "ECG", "常规心电图", "", taken, (Row("CONCL", "检查结论", _ecg(dice), kind="TX"),)),
    ]
    right = Report(f"L{stem}3", "SH", "生化", "血清", taken, tuple(chemistry))
    if number % 5 != 2:
        return [*made, right], []
    hemolysed = tuple(replace(row, value="6.82", flag="HH") if row.code == "K" else row for row in right.rows)
    potassium = tuple(row for row in right.rows if row.code == "K")
    return [*made, replace(right, rows=hemolysed)], [replace(right, rows=potassium, status="C")]


def report_message(request: SurgeryRequestChange, reports: Sequence[Report], control_id: str, charset: str) -> str:
    """ORU^R01 with one OBR a report."""
    segments = [
        build.header(("ORU", "R01", "ORU_R01"), control_id, sender=SENDER, receiver=RECEIVER, version="2.4",
                     charset=msh18_of(charset)),
        *person_segments(request.patient, request.visit),
    ]  # fmt: skip
    for position, report in enumerate(reports, 1):
        segments.append(
            build.segment(
                "OBR",
                {
                    1: str(position), 3: (report.number, "LIS"), 4: (report.code, report.name, "LIS"),
                    7: format_time(report.taken_at), 15: report.specimen, 22: format_time(report.reported_at),
                    25: report.status,
                },
            )
        )  # fmt: skip
        segments += [_obx(number, row, report) for number, row in enumerate(report.rows, 1)]
    return build.join(segments)


def _obx(number: int, row: Row, report: Report) -> str:
    return build.segment(
        "OBX",
        {
            1: str(number), 2: row.kind, 3: (row.code, row.name, "LIS"), 5: row.value, 6: row.unit, 7: row.reference,
            8: row.flag, 11: report.status, 14: format_time(report.reported_at),
        },
    )  # fmt: skip


def _measured(item: _Item, dice: random.Random) -> Row:
    """A value of the usual span, now and then a little beyond it."""
    low, high = Decimal(item.low), Decimal(item.high)
    share = Decimal(str(round(dice.betavariate(3, 3) * 1.16 - 0.08, 4)))
    return _row(item, low + (high - low) * share)


def _row(item: _Item, value: Decimal) -> Row:
    value = round(value, item.places)
    flag = "L" if value < Decimal(item.low) else "H" if value > Decimal(item.high) else ""
    return Row(item.code, item.name, str(value), item.unit, f"{item.low}-{item.high}", flag)


def _anemic(row: Row, dice: random.Random) -> Row:
    span = {"HGB": (82, 104, 0), "HCT": (26, 32, 1), "RBC": (2.9, 3.6, 2)}.get(row.code)
    if span is None:
        return row
    return replace(row, value=str(round(Decimal(str(dice.uniform(span[0], span[1]))), span[2])), flag="L")


def _word(item: tuple[str, str], value: str) -> Row:
    return Row(item[0], item[1], value, reference="阴性", kind="ST")


def _ecg(dice: random.Random) -> str:
    return dice.choice(("窦性心律，正常心电图", "窦性心律，正常心电图", "窦性心动过缓", "窦性心律，T 波轻度改变",
                        "窦性心律，完全性右束支传导阻滞"))  # fmt: skip
