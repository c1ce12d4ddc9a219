"""Raw bytes decoded again after a driver or a mapping was corrected: asked for, looked at, and only then applied."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import select

from app.core import audit, signals, unit_of_work
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import Conflict, InvalidInput
from app.devices import errands
from app.devices.models import BridgeErrand, Device
from app.vitals import revisions
from app.vitals.comparison import Comparison
from app.vitals.models import VitalRevision

LONGEST_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of the values of a span. `seal` names exactly this preview."""

    start_ms: int
    end_ms: int
    comparisons: tuple[Comparison, ...]
    seal: str

    @property
    def differs(self) -> bool:
        """There is anything to apply."""
        return any(one.differs for one in self.comparisons)

    @property
    def totals(self) -> list[int]:
        """[same, changed, added, vanished] of all parameters."""
        return [sum(one.counts[n] for one in self.comparisons) for n in range(4)]


def ask(actor: Actor, device: Device, start_ms: int, end_ms: int) -> BridgeErrand:
    """Ask the bridge of a device to decode a span again. Raises `InvalidInput`."""
    return errands.give(actor, errands.bridge_of(device), "redecode", _span(start_ms, end_ms), device)


def ask_capture(actor: Actor, device: Device, start_ms: int, end_ms: int) -> BridgeErrand:
    """Ask the bridge of a device for the raw bytes of a span. Raises `InvalidInput`."""
    if device.transport.get("kind") == "gateway":
        raise InvalidInput(fields={"start": "这台设备经网关接入，请在网关设备的页面导出"})
    return errands.give(actor, errands.bridge_of(device), "capture", _span(start_ms, end_ms), device)


def _span(start_ms: int, end_ms: int) -> dict[str, int]:
    if not start_ms < end_ms:
        raise InvalidInput(fields={"end": "结束时间应晚于开始时间"})
    if end_ms - start_ms > LONGEST_MS:
        raise InvalidInput(fields={"end": "一次最多 24 小时，请分段进行"})
    return {"from_ms": start_ms, "to_ms": end_ms}


def preview(errand: BridgeErrand) -> Preview:
    """Compare what an errand brought with what stands. Changes nothing."""
    start_ms = int(errand.request["from_ms"])
    end_ms = min(int(errand.request["to_ms"]), int(errand.result.get("until_ms", errand.request["to_ms"])))
    device_id = errand.device_id or 0
    covered = errand.result.get("covered", [])
    found = tuple(revisions.compare_all(device_id, errands.samples_of(errand), start_ms, end_ms, covered))
    return Preview(start_ms, end_ms, found, _seal(errand, found))


def _seal(errand: BridgeErrand, comparisons: tuple[Comparison, ...]) -> str:
    counts = [(one.code, one.counts) for one in comparisons]
    return hashlib.sha256(repr((errand.id, counts)).encode()).hexdigest()[:16]


def apply(actor: Actor, errand: BridgeErrand, reason: str, seal: str) -> VitalRevision:
    """Put what was decoded again in the place of what stands, exactly as it was looked at.

    Raises `InvalidInput` without a reason and `Conflict` when it was applied before or the values have changed since.
    """
    if not reason.strip():
        raise InvalidInput(fields={"reason": "请填写原因，例如：修正 GE 驱动的单位换算"})
    if errand.kind != "redecode" or errand.state != "done":
        raise Conflict("这次重新解码已经应用或已结束。", code="errand_closed")
    device = db.session.get_one(Device, errand.device_id)
    _lock(device.id)
    seen = preview(errand)
    if not seen.differs:
        raise Conflict("没有差异，不需要应用。", code="nothing_to_apply")
    if seen.seal != seal:
        raise Conflict("查看之后又有数据到达，差异已变化。请重新查看后再应用。", code="preview_changed")
    revision = revisions.revise(actor, device.id, seen.start_ms, seen.end_ms, seen.comparisons, reason.strip())
    errands.close(errand)
    same, changed, added, vanished = seen.totals
    audit.record(
        actor, "devices.redecode", f"device:{device.id}", reason=reason.strip(),
        after={"revision": revision.id, "from_ms": seen.start_ms, "to_ms": seen.end_ms, "same": same,
               "changed": changed, "added": added, "vanished": vanished, "codes": revision.counts},
    )  # fmt: skip
    unit_of_work.after_commit(signals.changed, "devices:all", what="devices")
    return revision


def _lock(device_id: int) -> None:
    """Nobody else revises this device meanwhile (SQLite has one writer anyway)."""
    db.session.execute(select(Device.id).where(Device.id == device_id).with_for_update())
