"""Biolight, Aeonmed, Edan, Nuohe and EGOS: recorded values, sentinels, damage, and our own encoders."""

import asyncio
import time
from datetime import datetime

import pytest

from device_bridge.drivers.aeonmed import encoder as aeonmed
from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Observation, Unmapped
from device_bridge.drivers.biolight import encoder as biolight
from device_bridge.drivers.biolight.codec import BiolightCodec
from device_bridge.drivers.biolight.outbound import check
from device_bridge.drivers.edan_xml import encoder as edan
from device_bridge.drivers.edan_xml.codec import EdanCodec
from device_bridge.drivers.egos import encoder as egos
from device_bridge.drivers.mingxi import encoder as mingxi
from device_bridge.drivers.mllp import frame
from device_bridge.drivers.nuohe import encoder as nuohe
from device_bridge.drivers.puke import encoder as puke
from device_bridge.drivers.registry import get_driver
from device_bridge.session import DeviceSession
from device_bridge.spool import Spool
from device_bridge.transports.factory import make_endpoint
from device_bridge.wire import DeviceConfig, Quality
from tests.device_bridge.drivers_common import AT, by_code, found, in_pieces, sends

PRESSURES = {f"{site}_{end}": value for site in ("P1", "NIBP") for end, value in zip("SMD", (120, 90, 80), strict=True)}


@pytest.mark.parametrize("number", [0, 1])
def test_biolight_values(capture, decode, number):
    values = found(decode("biolight", capture(f"chinese/biolight_a8_udp45679_{number}.bin")))
    expected = {"HR": 80, "PR": 80, "SpO2": 99, "T1": 37.2, "T2": 37.2, **PRESSURES}
    assert {code: values.get(code) for code in expected} == expected


def test_biolight_without_sensors_says_nothing(capture, decode):
    out = decode("biolight", capture("chinese/biolight_a8_udp45679_nosensor.bin"))
    assert not found(out)
    assert {"HR", "RR", "SpO2", "PR", "T1", "T2", "NIBP_S"} <= {one.code for one in out if isinstance(one, Observation)}
    assert not [one for one in out if isinstance(one, Fault)]


def test_biolight_round_trip_and_channel_names(decode):
    sent = {"HR": 300, "PR": 61, "SpO2": 88, "RR": 17, "T1": 36.6, "T2": 34.1, **PRESSURES}
    assert found(decode("biolight", biolight.frame(sent) + bytes(60))) == sent
    assert found(decode("biolight", biolight.frame({}))) == {}
    named = found(decode("biolight", biolight.frame(sent), pressures={"P1": "ART"}))
    assert named["ART_M"] == 90
    assert "P1_M" not in named
    central = found(decode("biolight", biolight.frame(sent), pressures={"P1": "CVP"}))
    assert central["CVP"] == 90


def test_biolight_cuff_belongs_to_the_moment_it_appeared():
    codec = BiolightCodec(CodecOptions())

    def at(second, systolic):
        line = biolight.frame({"NIBP_S": systolic, "NIBP_M": 90, "NIBP_D": 80})
        return by_code(codec.feed(line, Clocks(second * 1000, float(second))))["NIBP_S"].episode_ms

    assert [at(1, 120), at(2, 120), at(300, 118), at(301, 118)] == [None, None, 300_000, 300_000]


def test_biolight_asks_and_asks_again_and_nothing_else():
    codec = BiolightCodec(CodecOptions())
    first = sends(codec.opened(Clocks(0, 0.0)))
    again = [one for tick in range(1, 120) for one in sends(codec.poll(Clocks(tick * 100, tick / 10)))]
    assert len(first) == 1
    assert len(again) == 2
    assert all(check(one) is None for one in first + again)
    assert check(bytes.fromhex("FFDA7FF1000F000C0218"))  # the time synchronisation


def test_biolight_damaged_frames_give_nothing(decode):
    line = bytearray(biolight.frame({"HR": 80, **PRESSURES}))
    line[12] = 0x7F  # the first block now claims more than there is
    assert not found(decode("biolight", bytes(line)))
    assert Fault("truncated") in decode("biolight", biolight.frame({"HR": 80})[:-3])


def test_aeonmed_values(capture, decode):
    first = decode("aeonmed", capture("chinese/aeonmed_yian8700a_udp_1.bin"))
    assert found(first) == {
        "Ppeak": 12, "Pplat": 11, "Pmean": 4, "PEEP": 1, "MV": 7, "TVe": 498, "awRR": 14, "FiO2": 21
    }  # fmt: skip
    assert {one.time_ms for one in first if isinstance(one, Observation)} == {1_569_476_118_000}
    second = found(decode("aeonmed", capture("chinese/aeonmed_yian8700a_udp_2.bin")))
    assert second == {"FG_Air": 0, "FG_N2O": 0, "FG_O2": 0}


def test_aeonmed_units_are_configured_not_guessed(decode):
    at = datetime(2026, 3, 1, 0, 5, 9)  # noqa: DTZ001 - the machine's local time
    line = aeonmed.datagram({"FG_O2": "2.0", "EtCO2": "5.0", "Ppeak": "18"}, at)
    assert b"|3/1/2026 12:05:09 AM|" in line
    unknown = by_code(decode("aeonmed", line))
    assert unknown["FG_O2"].quality & Quality.UNIT_SUSPECT
    assert unknown["EtCO2"].quality & Quality.UNIT_SUSPECT
    assert unknown["Ppeak"].quality == Quality.GOOD
    known = by_code(decode("aeonmed", line, flow_unit="L/min", co2_unit="kPa"))
    assert (known["FG_O2"].value, known["EtCO2"].value) == (2000, 37.5031)
    assert known["FG_O2"].quality == Quality.GOOD
    assert {one.time_ms for one in known.values()} == {1_772_294_709_000}


def test_aeonmed_absent_and_unknown(decode):
    line = aeonmed.datagram({"Ppeak": "-", "TVe": ""}, datetime(2026, 3, 1, 13, 0, 0))  # noqa: DTZ001
    assert found(decode("aeonmed", line)) == {}
    strange = line.replace(b"101^Ppeak", b"199^New")
    assert Unmapped("199", "New", "-") in decode("aeonmed", strange)


def test_edan_values(capture, decode):
    out = decode("edan_xml", capture("chinese/edan_elite_v8_xml.xml"))
    expected = {"HR": 60, "RR": 14, "SpO2": 99, "T1": 36, "T2": 37, "ART_S": 120, "ART_D": 80, "ART_M": 93}
    values = found(out)
    assert {code: values.get(code) for code in expected} == expected
    assert not [one for one in out if isinstance(one, Fault | Unmapped)]
    assert not [one for one in out if "PATIENT" in repr(one)]


def test_edan_round_trip_in_pieces_and_sentinels():
    line = edan.message({"HR": "72", "NIBP_S": "118", "SpO2": "", "T1": "-100", "CVP": "-1"}, at="20260301093000")
    assert found(in_pieces("edan_xml", line, 7)) == {"HR": 72, "NIBP_S": 118, "CVP": -1}


@pytest.mark.parametrize(
    "bad",
    [
        b"<ORU_R01><OBX></ORU_R01>",
        b"<html/>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><ORU_R01>&a;</ORU_R01>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><ORU_R01/>',
        b"<ORU_R01>" + b"<a>" * 50,
        b"<ORU_R01>" + b"<OBX/>" * 2000 + b"</ORU_R01>",
        b'<?xml version="1.0" encoding="nonsense"?><ORU_R01/>',
        b"",
        b"\xff\xfe\x00",
    ],
)
def test_edan_refuses_dangerous_or_broken_xml(bad):
    codec = EdanCodec(CodecOptions())
    out = codec.feed(frame(bad), AT)
    assert [type(one) for one in out] == [Fault]
    assert found(codec.feed(edan.message({"HR": "60"}, at="20260301093000"), AT)) == {"HR": 60}


def test_nuohe_values(capture, decode):
    out = found(decode("nuohe", capture("chinese/nuohe_nw9002s_0.bin")))
    assert out == {"CSI": 25, "EMG": 3, "BS": 4, "SQI": 100}


def test_nuohe_round_trip_and_sentinel(decode):
    sent = {"CSI": 48, "EMG": 20, "BS": 0, "SQI": 97}
    assert found(decode("nuohe", nuohe.datagram(sent) * 2)) == sent
    assert found(decode("nuohe", nuohe.datagram({}))) == {}
    assert not found(decode("nuohe", nuohe.datagram(sent)[:-1]))


def test_egos_values(capture, decode):
    out = decode("egos", capture("chinese/aiqin_egos600a_0.bin"))
    values = found(out)
    assert round(values["rSO2"], 2) == 62.69
    assert values["THI"] == 0.108
    assert len(values) == 2


def test_egos_round_trip_in_pieces_and_damage():
    line = egos.record({"rSO2": 70.25, "THI": 0.5})
    assert found(in_pieces("egos", b"\x00\xef" + line * 2, 3)) == {"rSO2": 70.25, "THI": 0.5}
    assert found(in_pieces("egos", egos.record({}), 11)) == {}
    broken = bytearray(line)
    broken[64] ^= 4
    out = in_pieces("egos", bytes(broken) + line, 50)
    assert Fault("checksum") in out
    assert sum(isinstance(one, Observation) for one in out) == 2


def test_egos_side(decode):
    assert found(decode("egos", egos.record({"rSO2": 70.0}), side="L")) == {"rSO2_L": 70}


def test_egos_impossible_numbers_are_absent(decode):
    assert found(decode("egos", egos.record({"rSO2": 1e30, "THI": float("-inf")}))) == {}


# -- Edan over the network: one message a connection ---------------------------------------------------------------


def test_edan_is_asked_again_and_again_and_its_cuff_is_dated(tmp_path):
    """The monitor holds the line open after its message; the bridge ends it and comes back, without looking down."""

    async def run():
        served, states = 0, set()

        async def serve(reader, writer):
            nonlocal served
            served += 1
            systolic = "120" if served < 3 else "131"
            writer.write(edan.message({"HR": str(60 + served), "NIBP_S": systolic}, at="20260301093000"))
            await reader.read()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        transport = {"kind": "tcp_client", "host": "127.0.0.1", "port": server.sockets[0].getsockname()[1]}
        spool = Spool(tmp_path, "b")
        device = DeviceConfig("OR1", "edan_xml", transport)
        session = DeviceSession(device, get_driver("edan_xml"), make_endpoint(transport), spool)
        task = asyncio.create_task(session.run())
        end = time.monotonic() + 8
        while served < 4 and time.monotonic() < end:
            await asyncio.sleep(0.02)
            if served:
                states.add(session.health().state)
        task.cancel()
        await asyncio.wait([task])
        server.close()
        await asyncio.to_thread(spool.close)
        return served, states, session

    served, states, session = asyncio.run(run())
    assert served >= 4
    assert states <= {"connecting", "receiving"}
    assert session.health().frames >= 3
    codec = get_driver("edan_xml").codec(CodecOptions())
    dated = []
    for second, systolic in ((0, "120"), (1, "120"), (2, "131")):
        codec.opened(Clocks(second * 1000, float(second)))
        line = edan.message({"NIBP_S": systolic}, at=f"2026030109300{second}")
        dated.append(by_code(codec.feed(line, Clocks(second * 1000, float(second))))["NIBP_S"].episode_ms)
    assert dated[:2] == [None, None]
    assert dated[2] is not None


# -- Pearlcare YY106 and Mingxi MNIR-P100 ---------------------------------------------------------------------------


def test_puke_round_trip_sentinels_and_damage(decode):
    sent = {"CSI": 45, "BS": 0, "EMG": 12, "SQI": 98}
    assert found(decode("puke", puke.datagram(sent))) == sent
    assert found(decode("puke", puke.datagram({}))) == {}
    assert {one.code for one in decode("puke", puke.datagram({}))} == {"CSI", "BS", "EMG", "SQI"}
    assert decode("puke", puke.datagram({"CSI": 101})) == [Fault("range")]
    assert decode("puke", b"\xfe" + puke.datagram(sent)[1:]) == [Fault("frame")]
    assert decode("puke", puke.datagram(sent)[:6]) == [Fault("frame")]


def test_mingxi_published_line_and_sides(decode):
    line = b"MNIR-P100:L=0.001;R=0.743;LHB=0.000;LHBO=0.000;RHB=585.000;RHBO=1639.000;\r\n"
    out = decode("mingxi", line)
    assert found(out) == {"rSO2_R": 74.3}, "the left side has no sensor: 0.001 is not a saturation"
    assert by_code(out)["rSO2_L"].value is None
    assert found(in_pieces("mingxi", mingxi.line(68.0, 71.5) * 2, 9)) == {"rSO2_L": 68.0, "rSO2_R": 71.5}
    for end in range(len(line) - 4):
        assert not found(decode("mingxi", line[:end] + b"\n"))
