"""`decode`: what a driver makes of a capture file, without any device, clock policy or spool."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from device_bridge.clocks import now
from device_bridge.drivers.base import Clocks, CodecOptions, DeviceInfo, Driver, Fault, Observation, Output, Unmapped
from device_bridge.parameters import SAMPLED
from device_bridge.wire import Quality

_CHUNK = 4096
# Values the device itself declares as not being a measurement of a patient are printed only with --all.
_HIDDEN = Quality.INVALID


@dataclass
class Summary:
    """What else was in the file."""

    observations: int = 0
    absent: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[str] = field(default_factory=Counter)
    info: dict[str, str] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """For people, on standard error."""
        text = [f"观测值 {self.observations} 个，无效/缺失 {self.absent} 个"]
        text += [f"设备 {key}: {value}" for key, value in sorted(self.info.items())]
        text += [f"异常 {kind}: {count}" for kind, count in sorted(self.faults.items())]
        text += [f"未映射 {code}: {count}" for code, count in sorted(self.unmapped.items())]
        return text


def outputs(driver: Driver, data: bytes, options: CodecOptions, received: Clocks) -> Iterator[Output]:
    """Feed the whole file through a fresh codec."""
    codec = driver.codec(options)
    prepared = driver.prepare_file(data)
    step = len(prepared) or 1 if driver.datagrams else _CHUNK
    for position in range(0, len(prepared), step):
        yield from codec.feed(prepared[position : position + step], received)
    yield from codec.closed(received)


def decode(
    driver: Driver, data: bytes, options: CodecOptions, summary: Summary, *, everything: bool = False
) -> Iterator[str]:
    """One JSON object a line for every value; with `everything` also for the invalid ones.

    Times are the device's own; for protocols without time it is the moment of decoding.
    """
    local = ZoneInfo(options.timezone)
    received = now()
    for output in outputs(driver, data, options, received):
        if isinstance(output, Fault):
            summary.faults[output.kind] += 1
        elif isinstance(output, DeviceInfo):
            summary.info.update(output.items)
        elif isinstance(output, Unmapped):
            summary.unmapped[f"{output.source_code} {output.name}".strip()] += 1
        elif isinstance(output, Observation):
            absent = output.value is None or bool(output.quality & _HIDDEN)
            summary.absent += absent
            summary.observations += not absent
            if not absent or everything:
                yield _line(output, received, local)


def _line(one: Observation, received: Clocks, local: ZoneInfo) -> str:
    claim = one.episode_ms if one.code in SAMPLED else one.time_ms
    at = received.wall_ms if claim is None else claim
    try:
        moment = datetime.fromtimestamp(at / 1000, UTC).astimezone(local)
    except (ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(received.wall_ms / 1000, UTC).astimezone(local)
    timespec = "milliseconds" if at % 1000 else "seconds"
    entry = {
        "time": moment.isoformat(timespec=timespec),
        "code": one.code,
        "value": one.value,
        "unit": one.unit,
        "quality": one.quality.words,
    }
    return json.dumps(entry, ensure_ascii=False)
