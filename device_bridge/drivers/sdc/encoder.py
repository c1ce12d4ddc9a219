"""The device's own messages, for simulators and tests: an MDIB with its metrics, and reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

_NS = "http://standards.ieee.org/downloads/11073/11073-10207-2017"
_SPACES = (
    f'xmlns:msg="{_NS}/message" xmlns:pm="{_NS}/participant" xmlns:ext="{_NS}/extension" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
_SEQUENCE = 'SequenceId="urn:uuid:6a2f8c86-2f6e-4b0c-9a6d-0a5b4d6f1e01"'


@dataclass(frozen=True, slots=True)
class Metric:
    """One numeric metric: 11073 numbers of the quantity and of its unit."""

    handle: str
    number: str
    unit: str
    category: str = "Msrmt"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve."""

    handle: str
    number: str
    unit: str
    period_s: float
    resolution: float


@dataclass(frozen=True, slots=True)
class Warning:
    """One alert condition."""

    handle: str
    number: str
    text: str
    kind: str = "Phy"
    priority: str = "Hi"


Part = Metric | Curve | Warning


def mdib(parts: list[Part], *, bed: str = "") -> bytes:
    """`GetMdibResponse` of a device with these parts, none of which has a value yet."""
    metrics = "".join(_descriptor(one) for one in parts if not isinstance(one, Warning))
    alerts = "".join(_descriptor(one) for one in parts if isinstance(one, Warning))
    system = '<pm:AlertSystem Handle="alerts" DescriptorVersion="0">' + alerts + "</pm:AlertSystem>" if alerts else ""
    states = "".join(_empty_state(one) for one in parts)
    if alerts:
        states += '<pm:State xsi:type="pm:AlertSystemState" DescriptorHandle="alerts" ActivationState="On"/>'
    for kind, handle in (("Mds", "mds"), ("Vmd", "vmd"), ("Channel", "ch")):
        states += f'<pm:State xsi:type="pm:{kind}State" DescriptorHandle="{handle}" ActivationState="On"/>'
    states += '<pm:State xsi:type="pm:SystemContextState" DescriptorHandle="context"/>'
    if bed:
        states += (
            '<pm:State xsi:type="pm:LocationContextState" DescriptorHandle="location" Handle="location-1" '
            f'ContextAssociation="Assoc"><pm:LocationDetail Bed={quoteattr(bed)}/></pm:State>'
        )
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><msg:GetMdibResponse {_SPACES} MdibVersion="1" {_SEQUENCE}>'
        f'<msg:Mdib MdibVersion="1" {_SEQUENCE}><pm:MdDescription DescriptionVersion="0">'
        f'<pm:Mds Handle="mds" DescriptorVersion="0">{system}<pm:MetaData/>'
        '<pm:SystemContext Handle="context" DescriptorVersion="0">'
        '<pm:PatientContext Handle="patient" DescriptorVersion="0"/>'
        '<pm:LocationContext Handle="location" DescriptorVersion="0"/></pm:SystemContext>'
        '<pm:Vmd Handle="vmd" DescriptorVersion="0"><pm:Channel Handle="ch" DescriptorVersion="0">'
        f"{metrics}</pm:Channel></pm:Vmd></pm:Mds></pm:MdDescription>"
        f'<pm:MdState StateVersion="0">{states}</pm:MdState></msg:Mdib></msg:GetMdibResponse>'
    )
    return text.encode("utf-8")


def report(
    values: Mapping[str, float | None], at_ms: int, *, validity: str = "Vld", mode: str = "Real", active: str = "On"
) -> bytes:
    """One episodic metric report, values by handle."""
    states = "".join(
        f'<msg:MetricState xsi:type="pm:NumericMetricState" DescriptorHandle={quoteattr(handle)} '
        f'ActivationState="{active}"><pm:MetricValue DeterminationTime="{at_ms}"'
        + (f' Value="{value:g}"' if value is not None else "")
        + f'><pm:MetricQuality Validity="{validity}" Mode="{mode}"/></pm:MetricValue></msg:MetricState>'
        for handle, value in values.items()
    )
    return _envelope("StateEventService/EpisodicMetricReport", _parts("EpisodicMetricReport", states))


def alert(handle: str, present: bool, at_ms: int) -> bytes:
    """One episodic alert report."""
    state = (
        f'<msg:AlertState xsi:type="pm:AlertConditionState" DescriptorHandle={quoteattr(handle)} ActivationState="On" '
        f'Presence="{"true" if present else "false"}" DeterminationTime="{at_ms}"/>'
    )
    return _envelope("StateEventService/EpisodicAlertReport", _parts("EpisodicAlertReport", state))


def wave(handle: str, samples: list[float], at_ms: int) -> bytes:
    """A piece of a curve."""
    text = " ".join(f"{one:g}" for one in samples)
    state = (
        f'<msg:State DescriptorHandle={quoteattr(handle)} xsi:type="pm:RealTimeSampleArrayMetricState">'
        f'<pm:MetricValue DeterminationTime="{at_ms}" Samples="{text}"><pm:MetricQuality Validity="Vld"/>'
        "</pm:MetricValue></msg:State>"
    )
    body = f'<msg:WaveformStream {_SPACES} MdibVersion="2" {_SEQUENCE}>{state}</msg:WaveformStream>'
    return _envelope("WaveformService/WaveformStream", body)


def _parts(name: str, states: str) -> str:
    return f'<msg:{name} {_SPACES} MdibVersion="2" {_SEQUENCE}><msg:ReportPart>{states}</msg:ReportPart></msg:{name}>'


def _envelope(action: str, body: str) -> bytes:
    sdc = "http://standards.ieee.org/downloads/11073/11073-20701-2018"
    return (
        '<?xml version="1.0" encoding="UTF-8"?><s12:Envelope xmlns:s12="http://www.w3.org/2003/05/soap-envelope" '
        f'xmlns:wsa="http://www.w3.org/2005/08/addressing"><s12:Header><wsa:Action>{sdc}/{action}</wsa:Action>'
        f"</s12:Header><s12:Body>{body}</s12:Body></s12:Envelope>"
    ).encode()


def _descriptor(one: Part) -> str:
    if isinstance(one, Warning):
        return (
            f'<pm:AlertCondition xsi:type="pm:AlertConditionDescriptor" Handle={quoteattr(one.handle)} '
            f'DescriptorVersion="0" Kind="{one.kind}" Priority="{one.priority}"><pm:Type Code="{one.number}">'
            f'<pm:ConceptDescription Lang="en">{escape(one.text)}</pm:ConceptDescription></pm:Type>'
            "<pm:Source>vmd</pm:Source></pm:AlertCondition>"
        )
    inside = f'<pm:Type Code="{one.number}"/><pm:Unit Code="{one.unit}"/>'
    if isinstance(one, Curve):
        return (
            f'<pm:Metric xsi:type="pm:RealTimeSampleArrayMetricDescriptor" Handle={quoteattr(one.handle)} '
            f'DescriptorVersion="0" MetricCategory="Msrmt" MetricAvailability="Cont" Resolution="{one.resolution:g}" '
            f'SamplePeriod="PT{one.period_s:g}S">{inside}</pm:Metric>'
        )
    return (
        f'<pm:Metric xsi:type="pm:NumericMetricDescriptor" Handle={quoteattr(one.handle)} DescriptorVersion="0" '
        f'MetricCategory="{one.category}" MetricAvailability="Cont" Resolution="0.1">{inside}</pm:Metric>'
    )


def _empty_state(one: Part) -> str:
    kind = {
        Metric: "NumericMetricState", Curve: "RealTimeSampleArrayMetricState", Warning: "AlertConditionState",
    }[type(one)]  # fmt: skip
    return f'<pm:State xsi:type="pm:{kind}" DescriptorHandle={quoteattr(one.handle)} ActivationState="On"/>'
