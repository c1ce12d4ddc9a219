"""What a bridge does for an engineer: decode again with a diff, listen on a line, hand out raw bytes, self-test."""

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from app.anesthesia.queries.redecoded import chart_differences
from app.core import clock, unit_of_work
from app.core.db import db
from app.core.errors import InvalidInput, NotFound
from app.core.permissions import Permission
from app.devices import drivers, errands, redecoding
from app.devices.models import BridgeErrand, Device
from app.vitals import revisions
from app.vitals.models import VitalRevision
from blueprints.common.access import actor, needs
from blueprints.common.fragments import fragment, go
from blueprints.common.fragments import page as render
from blueprints.devices import views, wizard
from blueprints.devices.routes import blueprint, load_device
from device_bridge.parameters import PARAMETERS
from device_bridge.wire import Quality

_DEFAULT_SPAN_MS = 3_600_000


def load_errand(errand_id: int) -> BridgeErrand:
    """The errand, or `NotFound`."""
    errand = db.session.get(BridgeErrand, errand_id)
    if errand is None:
        raise NotFound("没有这项任务。")
    return errand


@blueprint.get("/devices/<int:device_id>/raw")
@needs(Permission.VIEW_DEVICES)
def raw_page(device_id: int) -> ResponseReturnValue:
    """Raw bytes of a device: decode again, or take them out; what was revised before."""
    return _raw(load_device(device_id), {}, None)


def _raw(device: Device, given: Mapping[str, str], error: InvalidInput | None) -> str:
    now_ms = clock.now_ms()
    return render(
        "devices/raw.html",
        device=device,
        start=given.get("start") or _local(now_ms - _DEFAULT_SPAN_MS),
        end=given.get("end") or _local(now_ms),
        errors=error.fields if error else {},
        tasks=sorted(
            errands.errands_of(device.id, "redecode") + errands.errands_of(device.id, "capture"), key=lambda e: -e.id
        ),
        kinds=errands.KINDS,
        state_words=views.ERRAND_WORDS,
        revisions=revisions.revisions_of(device.id),
        drivers=drivers.DRIVERS,
    )


def _local(milliseconds: int) -> str:
    return clock.to_hospital(clock.from_ms(milliseconds)).strftime("%Y-%m-%dT%H:%M")


def _moment(given: Mapping[str, str], name: str) -> int:
    try:
        return clock.to_ms(clock.from_hospital(datetime.fromisoformat(given.get(name, ""))))
    except ValueError as error:
        raise InvalidInput(fields={name: "请填写日期和时间"}) from error


def _span(given: Mapping[str, str]) -> tuple[int, int]:
    """From start to end, or the last `minutes`."""
    minutes = given.get("minutes", "")
    if minutes.isdigit() and 0 < int(minutes) <= 60:
        now_ms = clock.now_ms()
        return now_ms - int(minutes) * 60_000, now_ms
    return _moment(given, "start"), _moment(given, "end")


@blueprint.post("/devices/<int:device_id>/raw")
@needs(Permission.MANAGE_DEVICES)
def ask_raw(device_id: int) -> ResponseReturnValue:
    """Ask the bridge to decode a span again, or to hand out its bytes."""
    device = load_device(device_id)
    try:
        start_ms, end_ms = _span(request.form)
        if request.form.get("act") == "capture":
            errand = redecoding.ask_capture(actor(), device, start_ms, end_ms)
        else:
            errand = redecoding.ask(actor(), device, start_ms, end_ms)
    except InvalidInput as error:
        unit_of_work.rollback()
        return _raw(load_device(device_id), request.form, error), 422
    return go(url_for("devices.errand_page", errand_id=errand.id))


@blueprint.post("/devices/<int:device_id>/check")
@needs(Permission.MANAGE_DEVICES)
def self_test(device_id: int) -> ResponseReturnValue:
    """Ask the bridge for the self-test of a device."""
    device = load_device(device_id)
    errand = errands.give(actor(), errands.bridge_of(device), "check", {}, device)
    return go(url_for("devices.errand_page", errand_id=errand.id))


@blueprint.get("/devices/errands/<int:errand_id>")
@needs(Permission.VIEW_DEVICES)
def errand_page(errand_id: int) -> ResponseReturnValue:
    """How an errand goes, and what it brought."""
    return render("devices/errand.html", **_errand(load_errand(errand_id), None))


@blueprint.get("/devices/errands/<int:errand_id>/state")
@needs(Permission.VIEW_DEVICES)
def errand_state(errand_id: int) -> ResponseReturnValue:
    """The same alone, while the bridge works."""
    return fragment("devices/_errand.html", **_errand(load_errand(errand_id), None))


def _errand(errand: BridgeErrand, error: InvalidInput | None) -> dict[str, Any]:
    shown: dict[str, Any] = {"preview": None, "charted": [], "register": ""}
    if errand.kind == "redecode" and errand.state == "done":
        preview = redecoding.preview(errand)
        differing = {one.code: one.result for one in preview.comparisons if one.differs}
        shown["preview"] = preview
        shown["charted"] = chart_differences(errand.device_id or 0, differing, preview.start_ms, preview.end_ms)
    if errand.kind == "listen" and errand.state == "done":
        shown["register"] = wizard.register_url(errand)
    return shown | {
        "errand": errand,
        "device": db.session.get(Device, errand.device_id) if errand.device_id else None,
        "kinds": errands.KINDS,
        "state_words": views.ERRAND_WORDS,
        "names": {code: one.name for code, one in PARAMETERS.items()},
        "quality_words": lambda bits: views.quality_words(Quality(bits)),
        "plain": views.plain,
        "drivers": drivers.DRIVERS,
        "errors": error.fields if error else {},
    }


@blueprint.post("/devices/errands/<int:errand_id>/apply")
@needs(Permission.MANAGE_DEVICES)
def apply_errand(errand_id: int) -> ResponseReturnValue:
    """Put what was decoded again in the place of what stands."""
    errand = load_errand(errand_id)
    try:
        redecoding.apply(actor(), errand, request.form.get("reason", ""), request.form.get("seal", ""))
    except InvalidInput as error:
        unit_of_work.rollback()
        return render("devices/errand.html", **_errand(load_errand(errand_id), error)), 422
    return go(url_for("devices.raw_page", device_id=errand.device_id))


@blueprint.post("/devices/errands/<int:errand_id>/end")
@needs(Permission.MANAGE_DEVICES)
def end_errand(errand_id: int) -> ResponseReturnValue:
    """Stop it, or lay it aside."""
    errand = load_errand(errand_id)
    errands.end(actor(), errand)
    back = url_for("devices.raw_page", device_id=errand.device_id) if errand.device_id else url_for("devices.page")
    return go(back)


@blueprint.get("/devices/errands/<int:errand_id>/bytes")
@needs(Permission.MANAGE_DEVICES)
def errand_bytes(errand_id: int) -> ResponseReturnValue:
    """The raw bytes that were handed out, for `device_bridge decode` and `replay`."""
    errand = load_errand(errand_id)
    content = errands.bytes_of(errand) if errand.kind == "capture" else b""
    if not content:
        raise NotFound("没有可下载的原始数据，可能已过期，请重新导出。")
    return _attachment(content, "application/octet-stream", f"capture-{errand.id}.bin")


@blueprint.get("/devices/revisions/<int:revision_id>/before.csv")
@needs(Permission.VIEW_DEVICES)
def revision_before(revision_id: int) -> ResponseReturnValue:
    """What stood before a revision: replaced values stay readable."""
    revision = db.session.get(VitalRevision, revision_id)
    if revision is None:
        raise NotFound("没有这次修订。")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["时间", "参数", "修订前数值", "单位", "质量标志"])
    for code, samples in sorted(revisions.before(revision).items()):
        columns = (samples.times_ms.tolist(), samples.values.tolist(), samples.qualities.tolist())
        for at, value, quality in zip(*columns, strict=True):
            moment = clock.to_hospital(clock.from_ms(at)).isoformat(timespec="milliseconds")
            writer.writerow([moment, code, views.plain(value), samples.unit, quality])
    content = ("\ufeff" + text.getvalue()).encode()
    return _attachment(content, "text/csv; charset=utf-8", f"revision-{revision.id}-before.csv")


def _attachment(content: bytes, mime: str, name: str) -> Response:
    return Response(content, mimetype=mime, headers={"Content-Disposition": f"attachment; filename={name}"})
