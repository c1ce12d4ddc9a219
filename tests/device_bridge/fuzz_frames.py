"""What the guided fuzz knows of the families: frames with right checksums around any payload, and first payloads."""

from xml.sax.saxutils import escape, quoteattr

from device_bridge.drivers.alaris_pump import framing as alaris
from device_bridge.drivers.astm import framing as astm
from device_bridge.drivers.bis import framing as bis
from device_bridge.drivers.fresenius_pump import framing as fresenius
from device_bridge.drivers.ge_dri import framing as dri
from device_bridge.drivers.intellivue import framing as intellivue
from device_bridge.drivers.medibus import framing as medibus
from device_bridge.drivers.mllp import MllpFramer, frame
from device_bridge.drivers.sdc import encoder as sdc
from device_bridge.drivers.servo_cie.codec import command
from tests.device_bridge.fuzz_every_driver import corpus

SEPARATOR = b"\xfe\x00\xfe"  # between the payloads of an input

# families whose frames carry a checksum: one changed byte is always noticed
CHECKED = ("alaris_pump", "astm", "bis", "egos", "fresenius_pump", "ge_dri", "intellivue_rs232", "medibus", "medibus_x",
           "servo_cie")  # fmt: skip


def _dri(payload: bytes) -> bytes:
    """With the length that the header must state."""
    return dri.enframe((len(payload) & 0x7FFF).to_bytes(2, "little") + payload[2:])


def _medibus(payload: bytes) -> bytes:
    kind = medibus.COMMAND if payload[:1] == b"\x1b" else medibus.RESPONSE
    return medibus.build(kind, payload[1] if len(payload) > 1 else 0x24, payload[2:])


def _astm(payload: bytes) -> bytes:
    return bytes((astm.ENQ,)) + astm.frame(1, payload) + bytes((astm.EOT,))


def _bis(payload: bytes) -> bytes:
    return bis.build(0x35 if payload[:1] == b"\x35" else 0x34, payload[1:4000])


_KINDS = {
    "n": "NumericMetricState", "w": "RealTimeSampleArrayMetricState", "a": "AlertConditionState",
    "l": "LimitAlertConditionState", "d": "NumericMetricDescriptor", "c": "RealTimeSampleArrayMetricDescriptor",
    "t": "AlertConditionDescriptor",
}  # fmt: skip
_NOT_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32)))


def _sdc(payload: bytes) -> bytes:
    """Well-formed whatever the payload: each line is one state or descriptor, its words the attributes of it.

    `n hr 72 1790000000000 Vld Real On`: kind, handle, and up to eight more, of which every attribute takes one.
    """
    states = []
    for line in payload.decode("latin-1").translate(_NOT_XML).split("\n")[:40]:
        kind, handle, *words = (line.split(" ") + [""] * 9)[:10]
        first, second, third, fourth, fifth, *more = (quoteattr(word) for word in words)
        states.append(
            f"<s type={quoteattr(_KINDS.get(kind, kind))} DescriptorHandle={quoteattr(handle)} ActivationState={fifth} "
            f"Presence={first} DeterminationTime={second}><MetricValue Value={first} DeterminationTime={second} "
            f"Samples={quoteattr(' '.join(words))}><MetricQuality Validity={third} Mode={fourth}/></MetricValue></s>"
            if kind not in ("d", "c", "t")
            else f"<m type={quoteattr(_KINDS[kind])} Handle={quoteattr(handle)} SamplePeriod={third} Resolution={fourth} "
            f"MetricCategory={fifth} Kind={third} Priority={fourth}><Type Code={first} CodingSystem={more[0]}>"
            f"<ConceptDescription>{escape(words[6])}</ConceptDescription></Type><Unit Code={second}/></m>"
        )
    return sdc.mdib(_SDC_PARTS) + b"\0<r>" + "".join(states).encode() + b"</r>\0"


_SDC_PARTS: list[sdc.Part] = [
    sdc.Metric("hr", "147842", "264864"), sdc.Metric("t", "150344", "268192"), sdc.Metric("nibp", "150021", "266016"),
    sdc.Metric("set", "151976", "265987", category="Set"), sdc.Curve("ecg", "131330", "266418", 0.004, 0.005),
    sdc.Warning("alarm", "196648", "HR high"),
]  # fmt: skip
_SDC_SEED = b"""n hr 72 1790000000000 Vld Real On
n t 36.6 1790000000000 Qst Demo On
n nibp 120 0 Inv Real Off
a alarm true 1790000000000
a alarm false 1790000000001
w ecg 0.1 -0.2 99 x
d new 147842 264864 x y Msrmt
c curve 131330 266418 PT0.004S 0.005 Msrmt
t other 196648 x Tec Hi"""

FRAMERS = {
    "alaris_pump": alaris.frame,
    "astm": _astm,
    "bis": _bis,
    "fresenius_pump": fresenius.frame,
    "ge_dri": _dri,
    "hl7_bloodgas": frame,
    "ihe_pcd01": frame,
    "intellivue_rs232": intellivue.enframe,
    "medibus": _medibus,
    "medibus_x": _medibus,
    "mindray_pds": frame,
    "sdc": _sdc,
    "servo_cie": command,
}


def reframed(name: str, payloads: bytes) -> bytes:
    """Payloads, each in a frame of the family."""
    return b"".join(FRAMERS[name](one) for one in payloads.split(SEPARATOR))


def _payloads() -> dict[str, list[bytes]]:
    samples = {name: data[0] for name, data in corpus().items()}
    telegrams = medibus.MedibusFramer().feed(samples["medibus"])
    records = [one.text for one in astm.AstmFramer().feed(samples["astm"]) if one.text]
    found = {
        "astm": [SEPARATOR.join(records), b"".join(records)],
        "bis": [b"\x34" + one.data for one in bis.BisFramer().feed(samples["bis"])],
        "ge_dri": dri.DriFramer().feed(samples["ge_dri"]),
        "intellivue_rs232": intellivue.SerialFramer().feed(samples["intellivue_rs232"]),
        "medibus": [SEPARATOR.join(bytes((one.start, one.code)) + one.data for one in telegrams)],
        "servo_cie": [samples["servo_cie"].split(b"\x04")[0][:-2]],
        "alaris_pump": [line[1:].rpartition(b"|")[0] for line in samples["alaris_pump"].split(b"\r") if line],
        "fresenius_pump": [
            part[:-2] for part in samples["fresenius_pump"].replace(b"\x02", b"").split(b"\x03") if part
        ],
    }
    found["sdc"] = [_SDC_SEED]
    found["medibus_x"] = found["medibus"]
    for name in ("hl7_bloodgas", "ihe_pcd01", "mindray_pds"):
        found[name] = MllpFramer().feed(samples[name])
    return found


PAYLOADS = _payloads()
