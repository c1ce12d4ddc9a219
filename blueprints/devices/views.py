"""What the device pages show; each fragment and its page draw from the same builder."""

from dataclasses import dataclass
from itertools import groupby

from app.core import clock
from app.core.audit import AuditEntry
from app.core.audit_queries import history_of
from app.devices import queries
from app.devices.models import Binding, Device
from app.devices.queries import DeviceRow
from app.vitals import queries as vitals
from app.vitals.columns import Samples
from app.vitals.models import DeviceAlarmEvent
from blueprints.devices import sparks
from device_bridge.clock_policy import BELIEVED_MS, CORRECTABLE_MS
from device_bridge.parameters import PARAMETERS
from device_bridge.wire import NOT_CHARTABLE, Quality

WINDOW_MS = 10 * 60_000
ALARM_WINDOW_MS = 24 * 3_600_000

# state of a device → kind of chip
STATE_CHIPS = {
    "receiving": "done",
    "connecting": "planned",
    "silent": "due",
    "down": "danger",
    "bridge_away": "danger",
    "unknown": "idle",
    "disabled": "off",
}
_QUALITY_WORDS = {
    Quality.QUESTIONABLE: "存疑",
    Quality.DEMO: "演示",
    Quality.OUT_OF_RANGE: "超出范围",
    Quality.UNIT_SUSPECT: "单位可疑",
    Quality.CLOCK_CORRECTED: "时间已校正",
    Quality.CLOCK_UNTRUSTED: "用接收时间",
    Quality.LATE: "补传",
    Quality.STUCK: "数值不变",
    Quality.INVALID: "无效",
    Quality.CALIBRATION: "校准中",
}
# state of an errand → word, kind of chip
ERRAND_WORDS = {
    "waiting": ("进行中", "active"),
    "done": ("已完成", "done"),
    "failed": ("未成功", "danger"),
    "applied": ("已应用", "done"),
    "ended": ("已结束", "off"),
}
PRIORITIES = {"high": ("高", "danger"), "medium": ("中", "due"), "low": ("低", "idle"), "technical": ("技术", "idle")}
PHASES = {"start": "开始", "continue": "持续", "end": "结束"}


@dataclass(frozen=True, slots=True)
class RoomBoard:
    """Devices of a room and how many of them need a look."""

    name: str
    rows: tuple[DeviceRow, ...]

    @property
    def troubled(self) -> int:
        """Enabled devices that deliver nothing."""
        return sum(row.enabled and row.state != "receiving" for row in self.rows)


@dataclass(frozen=True, slots=True)
class Board:
    """All devices by room."""

    rooms: tuple[RoomBoard, ...]
    case_numbers: dict[int, str]
    now_ms: int
    counts: tuple[tuple[str, str, int], ...]
    """(state, word, number of devices) of the states that occur."""


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """One parameter: its newest value and the last ten minutes."""

    code: str
    name: str
    unit: str
    value: str
    time_ms: int
    words: tuple[str, ...]
    is_chartable: bool
    is_invalid: bool
    count: int
    spark: sparks.Spark


@dataclass(frozen=True, slots=True)
class DeviceLive:
    """What a device sends now."""

    device: Device
    row: DeviceRow
    case_no: str
    parameters: tuple[ParameterRow, ...]
    alarms: tuple[DeviceAlarmEvent, ...]
    gaps: tuple[vitals.StatedGap, ...]
    now_ms: int


@dataclass(frozen=True, slots=True)
class DeviceStory:
    """Whom a device served and what was changed."""

    bindings: tuple[tuple[Binding, str], ...]
    history: tuple[AuditEntry, ...]
    values_stored: int


def build_board(room: str = "", state: str = "") -> Board:
    """The board, narrowed to a room name (`-` for none) or to `trouble` or a state."""
    everything = queries.device_rows()
    rows = [row for row in everything if _fits(row, room, state)]
    rooms = tuple(
        RoomBoard(name or "未指定手术间", tuple(group)) for name, group in groupby(rows, key=lambda row: row.room)
    )
    bound = {row.case_id for row in rows if row.case_id is not None}
    words = {row.state: row.state_word for row in everything}
    counts = tuple(
        (name, words[name], sum(row.state == name for row in everything)) for name in STATE_CHIPS if name in words
    )
    return Board(rooms, dict(queries.case_numbers(bound)), clock.now_ms(), counts)


def _fits(row: DeviceRow, room: str, state: str) -> bool:
    in_room = not room or row.room == ("" if room == "-" else room)
    if state == "trouble":
        return in_room and row.enabled and row.state != "receiving"
    return in_room and (not state or row.state == state)


def build_live(device: Device) -> DeviceLive:
    """Newest values, small curves of ten minutes, alarms of a day."""
    now_ms = clock.now_ms()
    start_ms = now_ms - WINDOW_MS
    found = vitals.samples(device.id, (), start_ms, now_ms + 1)
    order = {code: place for place, code in enumerate(PARAMETERS)}
    rows = tuple(
        _parameter(code, found[code], start_ms, now_ms, device.stale_after_s * 1000)
        for code in sorted(found, key=lambda code: (order.get(code, len(order)), code))
    )
    row = queries.device_row(device)
    case_no = queries.case_numbers([row.case_id]).get(row.case_id, "") if row.case_id is not None else ""
    alarms = tuple(vitals.alarms(device.id, now_ms - ALARM_WINDOW_MS, limit=30))
    gaps = tuple(reversed(vitals.gaps(device.id, now_ms - ALARM_WINDOW_MS, now_ms)[-20:]))
    return DeviceLive(device, row, case_no, rows, alarms, gaps, now_ms)


def _parameter(code: str, samples: Samples, start_ms: int, end_ms: int, gap_ms: float) -> ParameterRow:
    quality = Quality(int(samples.qualities[-1]))
    known = PARAMETERS.get(code)
    return ParameterRow(
        code=code,
        name=known.name if known else "未登记的参数",
        unit="" if samples.unit == "1" else samples.unit,
        value=plain(float(samples.values[-1])),
        time_ms=int(samples.times_ms[-1]),
        words=quality_words(quality),
        is_chartable=not quality & NOT_CHARTABLE,
        is_invalid=bool(quality & Quality.INVALID),
        count=len(samples),
        spark=sparks.draw(samples, start_ms, end_ms, gap_ms),
    )


def quality_words(quality: Quality) -> tuple[str, ...]:
    """What speaks against a value, in Chinese; empty when nothing does."""
    return tuple(word for flag, word in _QUALITY_WORDS.items() if flag in quality)


def plain(value: float) -> str:
    """A measured value as a person reads it: at most three places, no trailing zeros."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def build_story(device: Device) -> DeviceStory:
    """Bindings, changes from the audit trail, number of stored values."""
    return DeviceStory(
        tuple(queries.bindings_of_device(device.id)),
        tuple(history_of(f"device:{device.id}")),
        vitals.count(device.id),
    )


def byte_words(count: int) -> str:
    """512 B, 12.3 KB, 4.5 MB."""
    size = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"


def offset_words(milliseconds: int | None) -> str:
    """Difference of the receiving clock to the device's: 快 means that the device's clock is ahead."""
    if milliseconds is None:
        return "—"
    seconds = abs(milliseconds) / 1000
    if seconds < 2:
        return "正常"
    size = f"{seconds:.0f} 秒" if seconds < 120 else f"{seconds / 60:.0f} 分" if seconds < 7200 else _long(seconds)
    return f"{'慢' if milliseconds > 0 else '快'} {size}"


def clock_use(milliseconds: int | None) -> tuple[str, str]:
    """How the times of a device are used (word, kind of chip), by the rules of `device_bridge.clock_policy`."""
    if milliseconds is None:
        return "按到达时间", "idle"
    if abs(milliseconds) < BELIEVED_MS:
        return "可信", "done"
    return ("已换算", "due") if abs(milliseconds) < CORRECTABLE_MS else ("不可信，按到达时间", "danger")


def _long(seconds: float) -> str:
    return f"{seconds / 3600:.1f} 小时" if seconds < 172_800 else f"{seconds / 86_400:.0f} 天"
