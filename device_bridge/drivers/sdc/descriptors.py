"""What the device says it has: metrics, curves and alert conditions by their handles."""

import re
from dataclasses import dataclass

from device_bridge.drivers.ihe_pcd01.codes import WAVES
from device_bridge.drivers.mllp import parse_number
from device_bridge.drivers.sdc.xml_tree import Node
from device_bridge.profiles.table import Entry, Table

MAX_DESCRIPTORS = 5000
_STANDARD = "urn:oid:1.2.840.10004.1.1.1.0.0.1"  # IEEE 11073-10101, also what no system means
_SETTINGS = frozenset({"Set", "Preset", "Rcmm"})
_NUMERIC, _CURVE = "NumericMetricDescriptor", "RealTimeSampleArrayMetricDescriptor"
_ALERTS = frozenset({"AlertConditionDescriptor", "LimitAlertConditionDescriptor", "AlertCondition"})
_DURATION = re.compile(r"PT(?:([0-9.]+)S)")
_PRIORITIES = {"Hi": "high", "Me": "medium", "Lo": "low", "None": "low"}


@dataclass(frozen=True, slots=True)
class Metric:
    """One measurement: `entry` is None when the profile does not know it or it is a setting."""

    handle: str
    entry: Entry | None
    number: str
    name: str
    unit: str
    setting: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve; `scale` is the value of a count."""

    code: str
    unit: str
    rate_hz: float
    scale: float


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing the device can warn of."""

    code: str
    text: str
    priority: str


class Descriptors:
    """Grows with each description; a handle that comes again replaces the old one."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.metrics: dict[str, Metric] = {}
        self.curves: dict[str, Curve] = {}
        self.conditions: dict[str, Condition] = {}
        self._owner: dict[str, str] = {}

    def learn(self, node: Node) -> None:
        """Take one element if it is a descriptor."""
        handle = node.attributes.get("Handle", "")
        if not handle or len(handle) > 200 or len(self.metrics) + len(self.curves) > MAX_DESCRIPTORS:
            return
        kind = node.kind
        if kind == _NUMERIC:
            self.metrics[handle] = self._metric(handle, node)
        elif kind == _CURVE:
            curve = self._curve(node)
            if curve is not None:
                self.curves[handle] = curve
        elif kind in _ALERTS and len(self.conditions) < MAX_DESCRIPTORS:
            number, text = _coded(node)
            technical = node.attributes.get("Kind") == "Tec"
            priority = "technical" if technical else _PRIORITIES.get(node.attributes.get("Priority", ""), "low")
            self.conditions[handle] = Condition((number or handle)[:60], (text or handle)[:200], priority)

    def _metric(self, handle: str, node: Node) -> Metric:
        number, name = _coded(node)
        unit = node.child("Unit")
        setting = node.attributes.get("MetricCategory") in _SETTINGS
        entry = None if setting else self._table.get(number)
        if entry is not None and self._owner.setdefault(entry.code, handle) != handle:
            entry = None  # a second sensor of the same quantity: somebody says which one it is
        return Metric(handle, entry, number, name, unit.attributes.get("Code", "") if unit else "", setting)

    def _curve(self, node: Node) -> Curve | None:
        number, _ = _coded(node)
        unit = node.child("Unit")
        period = _DURATION.fullmatch(node.attributes.get("SamplePeriod", ""))
        seconds = parse_number(period.group(1)) if period else None
        scale = parse_number(node.attributes.get("Resolution", ""))
        if not seconds or not scale or seconds <= 0 or scale <= 0:
            return None
        stated = unit.attributes.get("Code", "")[:40] if unit else ""
        return Curve(WAVES.get(number, number[:40]), self._table.unit(stated) or stated, round(1 / seconds, 3), scale)


def _coded(node: Node) -> tuple[str, str]:
    """Number and text of the `Type`; a manufacturer's own coding system is written before the number."""
    coded = node.child("Type")
    if coded is None:
        return "", ""
    number, system = coded.attributes.get("Code", "")[:40], coded.attributes.get("CodingSystem", "")
    text = coded.child("ConceptDescription") or coded.child("SymbolicCodeName")
    words = text.text if text else coded.attributes.get("SymbolicCodeName", "")
    return number if system in ("", _STANDARD) else f"{system[-20:]}:{number}", words[:60]
