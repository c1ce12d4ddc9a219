"""What holds for every driver: names, fuzz without exception or growth, and nothing forbidden ever leaves."""

import gc
import random
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blueprints.devices.proof import REASONS
from device_bridge.drivers.aeonmed import encoder as aeonmed
from device_bridge.drivers.alaris_pump import encoder as alaris
from device_bridge.drivers.astm import encoder as astm
from device_bridge.drivers.base import Clocks, CodecOptions, Observation, Routed, Send
from device_bridge.drivers.biolight import encoder as biolight
from device_bridge.drivers.bis import encoder as bis
from device_bridge.drivers.edan_xml import encoder as edan
from device_bridge.drivers.egos import encoder as egos
from device_bridge.drivers.fresenius_pump import encoder as fresenius
from device_bridge.drivers.hamilton import encoder as hamilton
from device_bridge.drivers.hl7_bloodgas import encoder as hl7
from device_bridge.drivers.intellivue import encoder as intellivue
from device_bridge.drivers.intellivue.framing import enframe
from device_bridge.drivers.masimo import encoder as masimo
from device_bridge.drivers.medibus import encoder as medibus
from device_bridge.drivers.medibus.framing import COMMAND, RESPONSE, build
from device_bridge.drivers.mingxi import encoder as mingxi
from device_bridge.drivers.nellcor import encoder as nellcor
from device_bridge.drivers.nuohe import encoder as nuohe
from device_bridge.drivers.pb840 import encoder as pb840
from device_bridge.drivers.puke import encoder as puke
from device_bridge.drivers.registry import DRIVERS, get_driver
from device_bridge.drivers.sdc import encoder as sdc
from device_bridge.drivers.servo_cie import encoder as servo
from device_bridge.parameters import PARAMETERS, SAMPLED
from device_bridge.recognise import recognise
from device_bridge.transports.factory import make_endpoint
from device_bridge.wire import Quality

NAMES = frozenset(
    [
        "mindray_pds",
        "ihe_pcd01",
        "ge_dri",
        "medibus",
        "medibus_x",
        "astm",
        "hl7_bloodgas",
        "intellivue_rs232",
        "intellivue_udp",
        "aeonmed",
        "edan_xml",
        "biolight",
        "nuohe",
        "egos",
        "servo_cie",
        "hamilton",
        "pb840",
        "bis",
        "masimo",
        "nellcor",
        "passive",
        "puke",
        "mingxi",
        "fresenius_pump",
        "alaris_pump",
        "sdc",
    ]
)
AT = Clocks(1_790_000_000_000, 1000.0)
LOCAL = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
_GAS = [("pH", "7.41", ""), ("pCO2", "38.2", "mmHg")]
_VALUES = intellivue.numerics({"HR": (60, "/min"), "T1": (36.6, "°C")}, relative=0)
_PAGES = build(RESPONSE, 0x51) + build(COMMAND, 0x52) + medibus.measured({0x7D: "  20", 0xB9: " 6.5"})
SAMPLES: dict[str, bytes] = {
    "astm": b"".join(astm.session(astm.sample(_GAS, at="20260301093000", sent="20260301093100"))),
    "hl7_bloodgas": hl7.message([("pH", "7.41", "", "N")], at="20260301093000", sent="20260301093100") * 2,
    "biolight": biolight.frame({"HR": 80, "SpO2": 99, "NIBP_S": 120, "NIBP_M": 90, "NIBP_D": 80}),
    "aeonmed": aeonmed.datagram({"Ppeak": "12.0", "MV": "7.0"}, LOCAL),
    "edan_xml": edan.message({"HR": "60", "T1": "36.0"}, at="20260301093000"),
    "nuohe": nuohe.datagram({"CSI": 25, "SQI": 100}),
    "egos": egos.record({"rSO2": 62.7}) * 2,
    "intellivue_rs232": enframe(intellivue.creation(1, 0, "2026030109300000")) + enframe(_VALUES) * 2,
    "intellivue_udp": _VALUES,
    "medibus": _PAGES,
    "medibus_x": _PAGES,
    "servo_cie": servo.breath({"TVe": 480}) * 2,
    "hamilton": hamilton.reply("TVe", "480") * 3,
    "pb840": pb840.report({"awRR": 14}),
    "bis": bis.processed({"BIS": 45}) * 2,
    "masimo": masimo.line({"SPO2": "098"}, LOCAL) * 2,
    "nellcor": nellcor.line("98", "61", LOCAL) * 2,
    "passive": b"anything",
    "puke": puke.datagram({"CSI": 45, "SQI": 98}),
    "mingxi": mingxi.line(None, 74.3) * 2,
    "fresenius_pump": fresenius.modules([1, 3]) + fresenius.values(12.5, 3.25, 3),
    "alaris_pump": alaris.answers(5.5, 12.345),
    "sdc": sdc.mdib([sdc.Metric("hr", "147842", "264864")]) + b"\0" + sdc.report({"hr": 72}, AT.wall_ms) + b"\0",
}
# Options with which a driver says and asks all that it ever does.
OPTIONS: dict[str, dict[str, object]] = {"fresenius_pump": {"read_pump": True}, "alaris_pump": {"read_pump": True}}


def codec_of(name):
    """A codec that asks as much as it may."""
    return get_driver(name).codec(CodecOptions(values=OPTIONS.get(name, {})))


def test_the_names_are_all_there():
    assert set(DRIVERS) >= NAMES
    assert all(name == driver.name for name, driver in DRIVERS.items())
    assert {"mindray_pds", "ge_dri", "ihe_pcd01"} | set(SAMPLES) == NAMES


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"passive"}))
def test_the_samples_of_the_fuzz_decode(name):
    out = get_driver(name).codec(CodecOptions()).feed(SAMPLES[name], AT)
    assert [one for one in out if isinstance(one, Observation) and one.value is not None]


def drive(name, chunks):
    """Live: opened first, so that the codec would also answer; whatever it wants to send must be permitted."""
    driver = get_driver(name)
    codec = codec_of(name)
    out = codec.opened(AT)
    for number, chunk in enumerate(chunks):
        now = Clocks(AT.wall_ms + number * 500, AT.mono_s + number * 0.5)
        out += codec.feed(chunk, now) + codec.poll(now)
    out += codec.closed(AT)
    for payload in {one.payload for one in out if isinstance(one, Send)}:
        assert driver.checker(payload) is None, payload
    assert {one.reason for one in out if isinstance(one, Send)} <= set(REASONS), "the proof calls them by Chinese names"
    for one in out:
        if isinstance(one, Observation):
            known = one.unit == PARAMETERS[one.code].unit or one.code in SAMPLED
            assert known or Quality.UNIT_SUSPECT in one.quality, one
            assert one.value is None or abs(one.value) < 1e12, one
    return out


def values_of(outputs):
    """(code, value, unit) of everything that was measured, also for the devices behind a gateway."""
    found = set()
    for one in outputs:
        if isinstance(one, Routed):
            found |= values_of(one.outputs)
        elif isinstance(one, Observation) and one.value is not None:
            found.add((one.code, one.value, one.unit))
    return found


@pytest.mark.parametrize("name", sorted(SAMPLES))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chunks=st.lists(st.binary(max_size=300), max_size=8))
def test_noise(name, chunks):
    drive(name, chunks)


@pytest.mark.parametrize("name", sorted(SAMPLES))
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), cuts=st.integers(1, 400))
def test_damage(name, seed, cuts):
    chance = random.Random(seed)
    line = bytearray(SAMPLES[name])
    for _ in range(chance.randrange(8)):
        where = chance.randrange(len(line)) if line else 0
        match chance.randrange(3):
            case 0 if line:
                line[where] = chance.randrange(256)
            case 1:
                del line[where : where + chance.randrange(1, 9)]
            case _:
                line[where:where] = chance.randbytes(chance.randrange(1, 9))
    drive(name, [bytes(line[i : i + cuts]) for i in range(0, len(line), cuts)])


@pytest.mark.parametrize("name", sorted(SAMPLES))
@settings(max_examples=150, deadline=None)
@given(noise=st.binary(max_size=200))
def test_noise_is_never_permitted_to_leave(name, noise):
    if get_driver(name).checker(noise) is None:
        assert noise in _own_requests(name), "only what the driver itself asks"


def _own_requests(name):
    asked = [b"\x06", b"\x15", b"SNDA\r", b"SNDF\r", b"HO\x04"] if name in ("astm", "pb840", "servo_cie") else []
    if name == "fresenius_pump":
        asked = [b"\x06", b"\x14"]
    codec = codec_of(name)
    out = codec.opened(AT)
    for tick in range(600):
        out += codec.poll(Clocks(AT.wall_ms + tick * 100, AT.mono_s + tick / 10))
    return {*asked, *(one.payload for one in out if isinstance(one, Send))}


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_memory_stays_bounded(name):
    codec = codec_of(name)
    codec.opened(AT)
    openings = (
        b"\x0b",
        b"\x02",
        b"\x01",
        b"\x1b",
        b"\xc0",
        b"\xba\xab\x00\x00\xff\x0f",
        b"\xef\xef\xef\xff",
        b"\x01\x41",
        b"A",
    )
    for opening in openings:
        codec.feed(opening, AT)
        for _ in range(12):
            codec.feed(b"\x30" * 100_000, AT)
    gc.collect()
    held = held_bytes(codec)
    assert held < 10_000_000, held


def held_bytes(codec):
    """What a codec keeps in memory."""
    return sum(sys.getsizeof(value) for value in _reachable(codec))


def _reachable(codec):
    seen, stack = {}, [codec]
    while stack:
        one = stack.pop()
        if id(one) in seen or isinstance(one, type):
            continue
        seen[id(one)] = one
        if isinstance(one, dict):
            stack += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            stack += list(one)
        elif hasattr(one, "__dict__"):
            stack += list(vars(one).values())
    return [one for one in seen.values() if isinstance(one, bytes | bytearray | str | list | dict)]


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_what_a_driver_sends_while_nothing_answers(name):
    driver = get_driver(name)
    codec = codec_of(name)
    out = codec.opened(Clocks(0, 0.0))
    for tick in range(1, 1200):
        out += codec.poll(Clocks(tick * 100, tick / 10))
    payloads = [one.payload for one in out if isinstance(one, Send)]
    assert all(driver.checker(one) is None for one in payloads)
    assert len(payloads) < 130, "a silent device is not flooded"


@pytest.mark.parametrize("name", sorted(DRIVERS))
def test_the_usual_connection_of_a_driver_can_be_made(name):
    usual = dict(get_driver(name).default_transport)
    given = {
        "serial": {"port": "COM3"},
        "tcp_client": {"host": "10.0.0.9"},
        "sdc": {"url": "http://10.0.0.9:6464/x"},
    }.get(usual["kind"], {})
    if "remote_host" in usual:
        given = {"remote_host": "10.0.0.9"}
    assert make_endpoint(usual | given)


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"passive"}))
def test_no_other_family_takes_these_bytes_for_its_own(name):
    """The wizard proposes the right driver; the two dialects of Draeger differ only in what the codes mean."""
    best = recognise(DRIVERS.values(), [SAMPLES[name]], AT)[0]
    assert best.driver == name or {best.driver, name} == {"medibus", "medibus_x"}
    assert best.is_recognised
