"""Scores: items, sums and what they mean. An item that was not judged is not 0: the sum is then None.

Source: facts 2f (Steward, modified Aldrete 1995, PADSS, Apfel, STOP-BANG, RCRI, GCS, Apgar, FLACC).
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One item: points and their words, the best first."""

    key: str
    label: str
    choices: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Score:
    """A score as a form shows it; `threshold` is the sum that lets the patient go on, blank when it means none."""

    key: str
    label: str
    items: tuple[Item, ...]
    threshold: int | None = None
    meaning: str = ""

    def total(self, points: Mapping[str, int | None]) -> int | None:
        """The sum, None while an item is not judged. Raises `ValueError` for points that the item does not have."""
        values: list[int] = []
        for item in self.items:
            given = points.get(item.key)
            if given is None:
                return None
            if given not in {value for value, _words in item.choices}:
                raise ValueError(f"{self.label}「{item.label}」没有 {given} 分")
            values.append(given)
        return sum(values)

    def reached(self, points: Mapping[str, int | None]) -> bool | None:
        """Whether the threshold is reached; None while the sum is not known or there is no threshold."""
        total = self.total(points)
        return None if total is None or self.threshold is None else total >= self.threshold


def _item(key: str, label: str, *words: str, best: int = 2) -> Item:
    return Item(key, label, tuple((best - position, text) for position, text in enumerate(words)))


STEWARD = Score(
    "steward",
    "Steward 苏醒评分",
    (
        _item("consciousness", "清醒程度", "完全清醒", "对刺激有反应", "对刺激无反应"),
        _item("airway", "呼吸道通畅", "可按吩咐咳嗽", "可自主维持呼吸道通畅", "呼吸道需予以支持"),
        _item("movement", "肢体活动", "肢体能作有意识活动", "肢体无意识活动", "肢体无活动"),
    ),
    4,
    "≥4 分可离开恢复室",
)
ALDRETE = Score(
    "aldrete",
    "改良 Aldrete 评分",
    (
        _item("activity", "活动", "四肢", "两肢", "不能"),
        _item("breathing", "呼吸", "深呼吸、能咳嗽", "呼吸困难/浅/受限", "呼吸暂停"),
        _item("circulation", "循环（较术前血压）", "±20% 内", "±20–50%", ">50%"),
        _item("consciousness", "意识", "完全清醒", "呼之能应", "无反应"),
        _item("oxygen", "SpO₂", "吸空气 >92%", "需吸氧维持 >90%", "吸氧仍 <90%"),
    ),
    9,
    "≥9 分可转出",
)
PADSS = Score(
    "padss",
    "PADSS 离院评分",
    (
        _item("vital_signs", "生命体征", "±20%", "±20–40%", ">40%"),
        _item("walking", "行走", "步态稳、无头晕", "需协助", "不能"),
        _item("nausea", "恶心呕吐", "轻，口服药", "中，肌注", "重，反复"),
        _item("pain", "疼痛", "可接受、口服药控制", "需注射药控制", "不可接受"),
        _item("bleeding", "手术出血", "轻", "中", "重"),
    ),
    9,
    "≥9 分且有成人陪护可离院",
)
APGAR = Score(
    "apgar",
    "Apgar 评分",
    (
        _item("heart_rate", "心率", "≥100", "<100", "无"),
        _item("breathing", "呼吸", "哭声好", "慢、不规则", "无"),
        _item("tone", "肌张力", "活动", "略屈", "松弛"),
        _item("reflex", "反射", "咳嗽/喷嚏/哭", "皱眉", "无"),
        _item("colour", "肤色", "全身红", "躯干红四肢青", "青紫苍白"),
    ),
    7,
    "7–10 正常，4–6 轻度窒息，0–3 重度窒息",
)
GCS = Score(
    "gcs",
    "GCS 昏迷评分",
    (
        _item("eyes", "睁眼", "自发", "呼唤", "疼痛", "无", best=4),
        _item("speech", "语言", "定向", "错乱", "不当词", "无法理解声", "无", best=5),
        _item("motor", "运动", "遵嘱", "定位", "屈曲回避", "异常屈曲", "伸直", "无", best=6),
    ),
    9,
    "≤8 分昏迷",
)
SCORES: dict[str, Score] = {score.key: score for score in (STEWARD, ALDRETE, PADSS, APGAR, GCS)}

_APFEL_PERCENT = (10, 21, 39, 61, 79)
_RCRI_LEE = (0.4, 0.9, 6.6, 11.0)
_RCRI_DUCEPPE = (3.9, 6.0, 10.1, 15.0)


def apfel(*, female: bool, non_smoker: bool, history: bool, postoperative_opioids: bool) -> tuple[int, int]:
    """Points and the chance of nausea and vomiting in %; 2 and more asks for several measures."""
    points = sum((female, non_smoker, history, postoperative_opioids))
    return points, _APFEL_PERCENT[points]


def rcri(
    *,
    high_risk_surgery: bool,
    ischemic: bool,
    heart_failure: bool,
    stroke: bool,
    insulin: bool,
    creatinine_umol_l: float,
) -> tuple[int, float, float]:
    """Points, rate of cardiac events in % by Lee 1999 and by Duceppe 2017 (the last class means 3 and more)."""
    points = sum((high_risk_surgery, ischemic, heart_failure, stroke, insulin, creatinine_umol_l > 177))
    place = min(points, 3)
    return points, _RCRI_LEE[place], _RCRI_DUCEPPE[place]


def stop_bang(
    *, snoring: bool, tired: bool, observed: bool, pressure: bool, bmi: float, age: int, neck_cm: float, male: bool
) -> tuple[int, str]:
    """Points and the risk of sleep apnoea: 低, 中 or 高 (also when STOP ≥ 2 with male, BMI > 35 or a thick neck)."""
    stop = sum((snoring, tired, observed, pressure))
    thick, heavy = neck_cm > 40, bmi > 35
    points = stop + sum((heavy, age > 50, thick, male))
    if points >= 5 or (stop >= 2 and (male or heavy or thick)):
        return points, "高"
    return points, "中" if points >= 3 else "低"


def pain_words(nrs: int) -> str:
    """NRS 0 无痛, 1-3 轻度, 4-6 中度, 7-10 重度. Raises `ValueError`."""
    if not 0 <= nrs <= 10:
        raise ValueError("疼痛评分应在 0–10 之间")
    return "无痛" if nrs == 0 else "轻度" if nrs <= 3 else "中度" if nrs <= 6 else "重度"
