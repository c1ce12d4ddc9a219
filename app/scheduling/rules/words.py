"""The words of scheduling: kinds of request, roles of the team, procedures in one line."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.core.labelled import Labelled


class RequestKind(Labelled):
    """The kinds of surgery request of the hospital."""

    ELECTIVE = "elective", "择期"
    URGENT = "urgent", "限期"
    EMERGENCY = "emergency", "急诊"
    PAINLESS = "painless", "无痛"
    OUTPATIENT = "outpatient", "门诊"
    DAY = "day", "日间"
    ENDOSCOPY = "endoscopy", "胃肠镜"


class Role(Labelled):
    """What a person does in a case."""

    SURGEON = "surgeon", "术者"
    ASSISTANT_1 = "assistant_1", "一助"
    ASSISTANT_2 = "assistant_2", "二助"
    ASSISTANT_3 = "assistant_3", "三助"
    ASSISTANT_4 = "assistant_4", "四助"
    ANESTHESIOLOGIST = "anesthesiologist", "主麻"
    ASSISTANT_ANESTHESIOLOGIST = "assistant_anesthesiologist", "副麻"
    ANESTHESIA_NURSE = "anesthesia_nurse", "麻醉护士"
    SCRUB_NURSE = "scrub_nurse", "洗手护士"
    CIRCULATING_NURSE = "circulating_nurse", "巡回护士"


ROLE_LABELS: Mapping[str, str] = {role.value: role.label for role in Role}
SEX_LABELS: Mapping[str, str] = {"male": "男", "female": "女", "unknown": "未知"}
LATERALITY_LABELS: Mapping[str, str] = {"left": "左侧", "right": "右侧", "bilateral": "双侧"}


def procedure_words(procedures: Iterable[Mapping[str, Any]]) -> str:
    """All procedures in one line, each with its side in front unless the name tells it: 左侧腹股沟疝修补术."""
    return "＋".join(_one(item) for item in procedures if item.get("name") or item.get("code"))


def _one(item: Mapping[str, Any]) -> str:
    name = str(item.get("name") or item.get("code"))
    side = LATERALITY_LABELS.get(str(item.get("laterality") or ""), "")
    return name if not side or side[0] in name else f"{side}{name}"


_NO_ISOLATION = frozenset({"", "无", "否", "无需", "不需要", "阴性", "none", "no", "n", "0"})


def isolation_words(text: str) -> str:
    """The isolation as told, or nothing when the text only says that there is none."""
    text = text.strip()
    return "" if text.lower() in _NO_ISOLATION else text
