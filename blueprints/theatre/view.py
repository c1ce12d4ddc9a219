"""What the theatre page shows of a case: the banner, the course, the rail, the figures."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from flask import url_for

from app.accounts.models import User
from app.anesthesia.models import AnesthesiaRecord
from app.anesthesia.queries import running as running_queries
from app.anesthesia.rules import Finding
from app.core.permissions import Permission
from app.scheduling.models import CaseEvent, SurgicalCase
from app.scheduling.rules import EventKind
from app.terminology import queries as terminology
from app.terminology.queries import TermRow

K = EventKind
# The course in its usual order; what was skipped stays open behind the next step.
COURSE = (
    K.IN_ROOM, K.ANESTHESIA_START, K.INTUBATION, K.SURGERY_START, K.SURGERY_END, K.EXTUBATION, K.ANESTHESIA_END,
    K.OUT_OF_ROOM,
)  # fmt: skip

# Texts of the record (field, label, words to choose from); the labels are those of the printed sheet.
TECHNIQUE: tuple[tuple[str, tuple[tuple[str, str, tuple[str, ...]], ...]], ...] = (
    (
        "麻醉技术",
        (
            ("induction", "诱导方法", ("静脉快速诱导", "静吸复合诱导", "慢诱导", "清醒插管")),
            ("maintenance", "维持", ("静脉", "静吸复合", "吸入")),
            ("ventilation", "通气", ("机械通气 VCV", "机械通气 PCV", "自主呼吸", "单肺通气")),
            ("position", "体位", ("仰卧位", "截石位", "左侧卧位", "右侧卧位", "俯卧位", "头高足低位")),
            ("pca", "术后镇痛", ("无", "静脉 PCA", "硬膜外 PCA")),
            ("anesthesia_effect", "麻醉效果", ("Ⅰ级", "Ⅱ级", "Ⅲ级", "Ⅳ级")),
        ),
    ),
    (
        "术前情况",
        (
            ("special_conditions", "特殊情况", ()),
            ("premedication", "麻醉前用药", ("无",)),
            ("fasting", "禁食", ("已禁食 8 h、禁饮 2 h",)),
        ),
    ),
    (
        "离室情况",
        (
            ("consciousness", "意识", ("清醒", "嗜睡", "镇静", "未醒")),
            ("muscle_power", "肌力", ("Ⅴ级", "Ⅳ级", "Ⅲ级")),
            ("reflexes", "反射", ("恢复", "未恢复")),
            ("orientation", "定向力", ("恢复", "未恢复")),
            ("block_level", "阻滞平面", ()),
            ("summary", "麻醉小结", ()),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class FlowStep:
    """A time of the course: done at a moment, the next one, or still ahead."""

    kind: str
    label: str
    at: datetime | None
    event_id: int | None
    is_next: bool
    is_corrected: bool


@dataclass(frozen=True, slots=True)
class Tile:
    """A live figure: which codes feed it and how it looks."""

    key: str
    label: str
    unit: str
    tone: str
    codes: str  # device codes, the best one first; a pressure is written S/D/M
    low: int | None = None  # limits as they are drawn on the chart
    high: int | None = None
    stale_after_s: int = 0  # 0: as the device says
    is_small: bool = False
    is_optional: bool = False  # hidden until a value comes


# A cuff measures every few minutes, a temperature probe is read now and then.
_CUFF_STALE_S, _TEMPERATURE_STALE_S = 420, 300
TILES = (
    Tile("HR", "心率", "/min", "ecg", "HR PR", 50, 120),
    Tile("SpO2", "SpO₂", "%", "spo2", "SpO2", 90),
    Tile("NIBP", "无创压", "mmHg", "nibp", "NIBP_S/NIBP_D/NIBP_M", 80, 180, _CUFF_STALE_S),
    Tile("ART", "有创压", "mmHg", "art", "ART_S/ART_D/ART_M", 80, 180, is_optional=True),
    Tile("EtCO2", "EtCO₂", "mmHg", "co2", "EtCO2", 25, 60),
    Tile("RR", "呼吸", "/min", "resp", "awRR RR", is_small=True),
    Tile("TEMP", "体温", "℃", "temp", "T1 TEMP T2 TB", stale_after_s=_TEMPERATURE_STALE_S, is_small=True),
)


def flow_of(case: SurgicalCase) -> tuple[FlowStep, ...]:
    """The course with the next step marked."""
    events: dict[str, CaseEvent] = {}
    for event in case.events:
        if event.voided_at is None:
            events.setdefault(event.kind, event)
    upcoming = _next_kind({kind for kind in COURSE if kind.value in events}, may_have_tube(case.anesthesia_method))
    return tuple(_step(kind, events.get(kind.value), kind is upcoming) for kind in COURSE)


def _step(kind: EventKind, event: CaseEvent | None, is_next: bool) -> FlowStep:
    return FlowStep(
        kind=kind.value,
        label=kind.label,
        at=event.at if event else None,
        event_id=event.id if event else None,
        is_next=is_next,
        is_corrected=bool(event and event.history),
    )


def may_have_tube(method: str) -> bool:
    """Whether intubation is the step to offer: unknown methods and general anesthesia, but no laryngeal mask.

    Under a spinal or a block one key must not write an intubation; it can still be marked by its own button.
    """
    is_general = not method or any(word in method for word in ("全麻", "全身", "插管", "复合"))
    return is_general and "喉罩" not in method


def _next_kind(done: set[EventKind], has_tube: bool) -> EventKind | None:
    last = max((COURSE.index(kind) for kind in done), default=-1)
    skipped = set() if has_tube else {K.INTUBATION}
    if K.INTUBATION not in done:
        skipped.add(K.EXTUBATION)  # offered only to somebody who was intubated
    return next((kind for kind in COURSE[last + 1 :] if kind not in skipped), None)


def quick_drugs(user: User, limit: int) -> list[TermRow]:
    """Drugs of the rail: what this person gives most, filled up with favourites of every group in turn.

    Always in the order of the dictionary, so that a drug keeps its place under the hand.
    """
    terms = {row.code: row for row in terminology.terms("drug")}
    chosen = [code for code in running_queries.codes_given_by(user.actor_id, limit) if code in terms]
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for row in terms.values():
        if row.is_favourite:
            groups[row.text("group")].append(row.code)
    for turn in zip_longest(*groups.values()):
        chosen += [code for code in turn if code]
    kept = set(list(dict.fromkeys(chosen))[:limit])
    return [row for code, row in terms.items() if code in kept]


def place_of(case_id: int, point: Finding) -> str:
    """The panel in which an open point is settled; blank when it is settled on the page itself."""
    kind, _, number = point.anchor.partition("-")
    match kind:
        case "administration":
            return url_for("theatre.administration_panel", case_id=case_id, administration_id=number)
        case "intake" if number:
            return url_for("theatre.volume_panel", case_id=case_id, kind="intakes", row_id=number)
        case "intake" | "output":
            return url_for("theatre.fluids_panel", case_id=case_id)
        case "airway":
            return url_for("theatre.procedures_panel", case_id=case_id)
        case "chart":
            return url_for("theatre.entry_panel", case_id=case_id)
        case "times" if point.code.startswith("missing_"):
            return url_for("theatre.time_panel", case_id=case_id, kind=point.code.removeprefix("missing_"))
        case _:
            return ""


def can_write(user: User, record: AnesthesiaRecord | None) -> bool:
    """Whether this person may chart on this record now."""
    return record is not None and record.state == "open" and user.may(Permission.CHART)
