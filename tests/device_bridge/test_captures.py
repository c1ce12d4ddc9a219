"""Bytes recorded from real devices give exactly the values stated with them."""

from device_bridge.drivers.base import NO_SAMPLE, Alarm, DeviceInfo, Fault, Observation, Unmapped, Wave
from device_bridge.drivers.ge_dri.encoder import record
from device_bridge.drivers.ge_dri.framing import DriFramer, enframe, parse_header
from device_bridge.drivers.mindray_pds import encoder as mindray
from device_bridge.drivers.mindray_pds.encoder import Numeric
from device_bridge.drivers.mllp import MllpFramer, frame, split_segments
from device_bridge.wire import NOT_CHARTABLE, Quality

T8 = "mindray/mindray_beneview_t8_tcp4601_demo.bin"


def test_mindray_t8_values(capture, decode, values):
    outputs = decode("mindray_pds", capture(T8))
    found = {code: value for code, value in values(outputs).items() if value is not None}
    expected = {
        "HR": 60, "SpO2": 98, "PR": 60, "RR": 20, "T1": 37.0, "T2": 37.2, "ART_S": 120, "ART_M": 90, "ART_D": 75,
        "PPV": 7, "PAP_S": 25, "PAP_M": 14, "PAP_D": 9, "EtCO2": 38, "FiCO2": 2, "EtISO": 1.39, "FiISO": 1.69,
        "MAC": 1.81, "awRR": 20,
    }  # fmt: skip
    assert {code: found.get(code) for code in expected} == expected
    assert values(outputs)["CO"] is None
    assert values(outputs)["CI"] is None
    assert all(value is None for code, value in values(outputs).items() if code.startswith("ST_"))
    assert not [one for one in outputs if isinstance(one, Fault)]


def test_mindray_t8_partial_pressures_are_flagged_and_not_chartable(capture, decode):
    flags = {one.code: one.quality for one in decode("mindray_pds", capture(T8)) if isinstance(one, Observation)}
    for code in ("EtO2", "FiO2"):
        assert flags[code] == Quality.OUT_OF_RANGE | Quality.UNIT_SUSPECT
        assert flags[code] & NOT_CHARTABLE
    assert flags["EtN2O"] == Quality.UNIT_SUSPECT  # the module has one unit setting
    assert flags["HR"] == Quality.GOOD


def test_mindray_t8_configured_in_mmhg_gives_percent(capture, decode):
    outputs = decode("mindray_pds", capture(T8), gas_unit="mmHg", ambient_mmhg=760)
    oxygen = {one.code: one for one in outputs if isinstance(one, Observation)}
    assert oxygen["FiO2"].value == 21.0526
    assert oxygen["FiO2"].quality == Quality.GOOD


def test_mindray_t8_in_any_pieces_gives_the_same(capture, decode):
    whole = capture(T8)
    expected = decode("mindray_pds", whole)
    for size in (1, 7, 300):
        pieces = decode_in_pieces("mindray_pds", whole, size)
        assert pieces == expected


def decode_in_pieces(driver, data, size):
    from device_bridge.drivers.base import Clocks, CodecOptions
    from device_bridge.drivers.registry import get_driver

    codec, at = get_driver(driver).codec(CodecOptions()), Clocks(1_790_000_000_000, 1000.0)
    out = []
    for position in range(0, len(data), size):
        out += codec.feed(data[position : position + size], at)
    return out + codec.closed(at)


def test_mindray_t8_is_what_our_encoder_writes(capture):
    whole = capture(T8)
    rebuilt = b""
    for message in MllpFramer().feed(whole):
        segments = split_segments(message)
        number = segments[0][9]
        rows = segments[1:]
        if number == "204":
            numerics = [Numeric(*row[3].split("^"), row[4], row[5]) for row in rows]
            rebuilt += mindray.periodic(numerics)
        elif number == "205":
            rebuilt += mindray.states([(row[4], row[5] == "3^") for row in rows])
        elif number == "106":
            rebuilt += mindray.heartbeat()
        else:
            rebuilt += frame(message)
    assert rebuilt == whole


def test_mindray_text_messages(capture, decode):
    outputs = decode("mindray_pds", capture("mindray/messages_231.hl7.txt"))
    cuff = {one.code: one for one in outputs if isinstance(one, Observation) and one.value is not None}
    assert {code: one.value for code, one in cuff.items()} == {"NIBP_S": 120, "NIBP_D": 80, "NIBP_M": 93}
    # 2007-01-06 19:19:15 in Shanghai
    assert {one.episode_ms for one in cuff.values()} == {1_168_082_355_000}
    alarms = [one.alarm for one in outputs if isinstance(one, Alarm)]
    assert (alarms[0].code, alarms[0].text, alarms[0].priority) == ("10033", "SpO2 TOO HIGH", "high")
    assert ("205", "SpO2 Sensor Off", "technical") in [(a.code, a.text, a.priority) for a in alarms]
    assert not [one for one in outputs if "PATIENT" in repr(one)]


def test_ge_db02_record_50(capture, decode):
    outputs = decode("ge_dri", capture("ge_dri/db02.raw"))
    times = sorted({one.time_ms for one in outputs if isinstance(one, Observation)})
    assert len(times) == 107
    found = {one.code: one.value for one in outputs if isinstance(one, Observation) and one.time_ms == times[50]}
    expected = {
        "HR": 76, "ST_1": 0.4, "RR": 16, "NIBP_S": 93, "NIBP_D": 48, "NIBP_M": 69, "SpO2": 96.49, "PR": 76,
        "EtCO2_pct": 4.87, "EtCO2": 37.0, "FiCO2_pct": 0.26, "awRR": 16, "EtO2": 66, "FiO2": 63,
    }  # fmt: skip
    assert {code: found.get(code) for code in expected} == expected
    assert not {"ART_S", "P1_S", "CVP"} & set(found), "groups that are not measuring must be absent"


def test_ge_db02_is_one_cuff_measurement(capture, decode):
    outputs = decode("ge_dri", capture("ge_dri/db02.raw"))
    moments = {one.episode_ms for one in outputs if isinstance(one, Observation) and one.code == "NIBP_S"}
    assert len(moments) == 1


def test_ge_db02_is_what_our_encoder_writes(capture):
    whole = capture("ge_dri/db02.raw")
    framer = DriFramer()
    rebuilt = b""
    for body in framer.feed(whole):
        header = parse_header(body)
        assert header is not None
        ends = [sub.start for sub in header.subrecords[1:]] + [len(body)]
        parts = [(sub.kind, body[sub.start : end]) for sub, end in zip(header.subrecords, ends, strict=True)]
        made = record(
            header.maintype, parts, number=header.number, level=header.level, plug_id=header.plug_id, time=header.time
        )
        # the monitor leaves what it likes after the end of the list of sub-records
        listed = 16 + 3 * (len(parts) + 1)
        rebuilt += enframe(made[:listed] + body[listed:40] + made[40:])
    assert len(rebuilt) > 100_000
    assert whole.startswith(rebuilt)


def test_ge_lnhealth_numbers(capture, decode, values):
    outputs = decode("ge_dri", capture("ge_dri/ge_s5_lnhealth_phdb.bin"))
    found = values(outputs)
    assert found["HR"] == 0
    assert found["ART_S"] == 9.0
    assert found["FiO2"] == 29.43
    assert found["SQI"] == 92
    assert found["SpO2"] is None
    assert {one.time_ms for one in outputs if isinstance(one, Observation)} == {1_251_973_827_000}
    assert DeviceInfo({"plug_id": "35588"}) in outputs


def test_ge_lnhealth_waves(capture, decode):
    outputs = decode("ge_dri", capture("ge_dri/ge_s5_lnhealth_wave.bin"))
    waves = {one.code: one for one in outputs if isinstance(one, Wave)}
    assert DeviceInfo({"plug_id": "35537"}) in outputs
    assert waves["ECG1"].samples[0] * waves["ECG1"].scale == -0.177
    assert round(waves["PLETH"].samples[0] * waves["PLETH"].scale, 6) == -3.6
    assert round(waves["PLETH"].samples[2] * waves["PLETH"].scale, 6) == -4.0
    assert not [one for one in outputs if isinstance(one, Fault | Unmapped)]


# -- IHE PCD-01 ------------------------------------------------------------------------------------------


def test_comen_values(capture, decode, values):
    found = values(decode("ihe_pcd01", capture("pcd01/comen_nc_continuous.hl7.txt")))
    expected = {"SpO2": 97, "PR": 59, "RR": 20, "T1": 37.0, "NIBP_S": 120, "NIBP_D": 80, "NIBP_M": 90}
    assert found == expected


def test_ge_b40_through_a_gateway(capture, decode, values):
    found = values(decode("ihe_pcd01", capture("pcd01/ge_b40_vsp_gateway.hl7.txt")))
    assert found == {"HR": 68, "EtCO2": 1, "FiCO2": 1, "PR": 67, "SpO2": 97}


def test_vs8_demonstration_values_never_reach_a_chart(capture, decode):
    outputs = decode("ihe_pcd01", capture("pcd01/mindray_vs8_demo.hl7.txt"))
    observations = [one for one in outputs if isinstance(one, Observation)]
    assert len(observations) == 4
    assert all(one.quality & NOT_CHARTABLE for one in observations)


def test_egateway_wave(capture, decode):
    outputs = decode("ihe_pcd01", capture("pcd01/mindray_egateway_waveform_500hz.hl7.txt"))
    lead, pleth = [one for one in outputs if isinstance(one, Wave)]
    assert (lead.code, lead.rate_hz, len(lead.samples)) == ("ECG_I", 500, 500)
    assert (lead.samples[0], min(lead.samples), max(lead.samples)) == (80, -16, 244)
    assert round(lead.samples[0] * lead.scale, 5) == 0.09768
    assert set(pleth.samples) == {NO_SAMPLE}


def test_egateway_alarm(capture, decode):
    outputs = decode("ihe_pcd01", capture("pcd01/mindray_egateway_R40_leadoff.hl7.txt"))
    (alarm,) = [one.alarm for one in outputs if isinstance(one, Alarm)]
    assert (alarm.code, alarm.text, alarm.phase) == ("196680", "MDC_EVT_LEAD_OFF", "start")
    assert alarm.priority == "technical"
    assert alarm.time_ms == 1_769_230_058_000  # 2026-01-24T12:47:38+08:00
