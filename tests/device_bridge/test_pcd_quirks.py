"""What manufacturers do differently over PCD-01."""

import pytest

from device_bridge.drivers.base import Alarm, Fault, Routed, Unmapped
from device_bridge.drivers.mllp import frame
from device_bridge.wire import NOT_CHARTABLE, Quality
from tests.device_bridge.drivers_common import by_code, found, sends


def pcd(*rows):
    header = "MSH|^~\\&|X^00A0^EUI-64|X|||20260301093000+0800||ORU^R01^ORU_R01|77|P|2.6|||AL|NE"
    return frame(("\r".join([header, "OBR|1||||||20260301093000+0800", *rows]) + "\r").encode())


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("OBX|1|NM|150021^MDC_PRESS_BLD_NONINV_SYS^MDC|1.1.9.150021|120|266016^MDC_DIM_MMHG^MDC", {"NIBP_S": 120}),
        ("OBX|1|NM|150301^MDC_PRESS_CUFF_SYS^MDC|1.1.9.150301|121|266016^MDC_DIM_MMHG^MDC", {"NIBP_S": 121}),
        # the wrong number with the right name and the right containment
        ("OBX|1|NM|150031^MDC_PRESS_CUFF_SYS^MDC|1.1.9.150301|122|266016^MDC_DIM_MMHG^MDC", {"NIBP_S": 122}),
        ("OBX|1|NM|149522^MDC_PULS_RATE^MDC|1.0.0.149522|59|264864^MDC_DIM_BEAT_PER_MIN^MDC", {"PR": 59}),
        ("OBX|1|NM|478^PVI^99MNDRY|1.3.1.478|14|262688^MDC_DIM_PERCENT^MDC", {"PVI": 14}),
        ("OBX|1|NM|153^PPV^99MNDRY|1.3.1.153|9|262688^MDC_DIM_PERCENT^MDC", {"PPV": 9}),
        ("OBX|1|NM|131842^MDC_ECG_AMPL_ST_II^MDC|1.7.4.131842|0.12|266418^MDC_DIM_MILLI_VOLT^MDC", {"ST_II": 1.2}),
        ("OBX|1|NM|151712^MDC_CONC_AWAY_CO2_EXP^MDC|1.11.1.1|38|266016^MDC_DIM_MMHG^MDC", {"EtCO2": 38}),
        ("OBX|1|NM|188420^MDC_TEMP_RECT^MDC|1.2.1.1|98.6|268160^MDC_DIM_FAHR^MDC", {"T1": 37.0}),
        # the limit at which a depression of the ST segment counts, and not the sign for "none"
        ("OBX|1|NM|131842^MDC_ECG_AMPL_ST_II^MDC|1.7.4.131842|-1.0|263442^MDC_DIM_MILLI_M^MDC", {"ST_II": -1.0}),
        ("OBX|1|NM|147842^MDC_ECG_HEART_RATE^MDC|1.7.4.147842|-1|264864^MDC_DIM_BEAT_PER_MIN^MDC", {}),
    ],
)
def test_codes(decode, row, expected):
    assert found(decode("ihe_pcd01", pcd(row + "|||||R"))) == expected


def test_a_temperature_ten_times_too_high_is_not_charted(decode):
    row = "OBX|1|NM|150344^MDC_TEMP^MDC|1.2.1.150344|384.5|268192^MDC_DIM_DEGC^MDC|||||R"
    one = by_code(decode("ihe_pcd01", pcd(row)))["T1"]
    assert (one.value, one.quality) == (384.5, Quality.OUT_OF_RANGE)
    assert one.quality & NOT_CHARTABLE


@pytest.mark.parametrize(
    ("flag", "charted"), [("DEMO", False), ("TEST", False), ("CALI", False), ("QUES", True), ("L", True)]
)
def test_flags(decode, flag, charted):
    row = f"OBX|1|NM|147842^MDC_ECG_HEART_RATE^MDC|1.7.4.147842|60|264864^MDC_DIM_BEAT_PER_MIN^MDC||{flag}|||R"
    one = by_code(decode("ihe_pcd01", pcd(row)))["HR"]
    assert one.value == 60
    assert bool(one.quality & NOT_CHARTABLE) is not charted


def test_the_cuff_keeps_the_time_of_its_measurement(decode):
    row = "OBX|1|NM|150021^MDC_PRESS_BLD_NONINV_SYS^MDC|1.1.9.150021|147|266016^MDC_DIM_MMHG^MDC|||||R|||20260301091016+0800"
    assert by_code(decode("ihe_pcd01", pcd(row)))["NIBP_S"].episode_ms == 1_772_327_416_000


# -- units -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "stated", "unit", "value"),
    [
        ("151868^MDC_VOL_AWAY_TIDAL^MDC", "0.48", "263744^MDC_DIM_X_L^MDC", {"TVe": 480}),
        ("151880^MDC_VOL_MINUTE_AWAY^MDC", "6.5", "265216^MDC_DIM_X_L_PER_MIN^MDC", {"MV": 6.5}),
        ("1^MDC_FLOW_O2_FG^MDC", "2", "265216^MDC_DIM_X_L_PER_MIN^MDC", {"FG_O2": 2000}),
        ("151976^MDC_PRESS_AWAY_END_EXP_POS^MDC", "5", "265986^MDC_DIM_HECTO_PASCAL^MDC", {"PEEP": 5.0986}),
        ("150087^MDC_PRESS_BLD_VEN_CENT_MEAN^MDC", "10", "266048^MDC_DIM_CM_H2O^MDC", {"CVP": 7.3556}),
        ("150344^MDC_TEMP^MDC", "98.6", "266560^MDC_DIM_FAHR^MDC", {"T1": 37.0}),
        ("151708^MDC_CONC_AWAY_CO2_ET^MDC", "5.0", "kPa", {"EtCO2": 37.5031}),
        ("150456^MDC_PULS_OXIM_SAT_O2^MDC", "97", "%", {"SpO2": 97}),
    ],
)
def test_units(decode, code, stated, unit, value):
    out = by_code(decode("ihe_pcd01", pcd(f"OBX|1|NM|{code}|1.1.1.1|{stated}|{unit}|||||R")))
    assert {name: round(one.value, 4) for name, one in out.items()} == value
    assert all(one.quality == Quality.GOOD for one in out.values())


@pytest.mark.parametrize("unit", ["262688^MDC_DIM_PERCENT^MDC", "263762^MDC_DIM_MILLI_L^MDC", "bpm"])
def test_a_unit_of_another_kind_is_flagged_and_never_converted(decode, unit):
    one = by_code(decode("ihe_pcd01", pcd(f"OBX|1|NM|151708^MDC_CONC_AWAY_CO2_ET^MDC|1.1.1.1|5|{unit}|||||R")))["EtCO2"]
    assert one.value == 5
    assert one.quality & Quality.UNIT_SUSPECT
    assert one.quality & NOT_CHARTABLE


# -- Philips information centre and Efficia ------------------------------------------------------------------------


def test_codes_of_the_philips_information_centre(decode):
    rows = [
        "OBX||NM|0002-4182^HR^MDIL|0|60|0004-0aa0^bpm^MDIL|50-120||||F",
        "OBX||NM|0002-4bb8^SpO2^MDIL|0|95|0004-0220^%^MDIL|||||F",
        "OBX||NM|0002-4a15^ABPs^MDIL|0|16|0004-0f03^kPa^MDIL|||||F",
        "OBX||NM|0002-f04e^BIS^MDIL|0|44|0004-0200^^MDIL|||||F",
        "OBX||NM|0002^Pulse^MDIL|0|59|bpm|||||F",
        "OBX||NM|0002-ffff^Odd^MDIL|0|1||||||F",
        "OBX||ST|0402-f8f5^sMode^MDIL|0|MONITORING||||||F",
        "OBX||TX|5^HardInop^MDIL-ALERT||SpO2T  No Pulse||||||F",
    ]
    out = decode("ihe_pcd01", pcd(*rows))
    assert found(out) == {"HR": 60, "SpO2": 95, "ART_S": 120.0099, "BIS": 44, "PR": 59}
    assert Unmapped("0002-ffff", "Odd", "1") in out
    (alarm,) = [one.alarm for one in out if isinstance(one, Alarm)]
    assert (alarm.code, alarm.priority, alarm.text) == ("MDIL5", "technical", "SpO2T  No Pulse")


# -- questions, answers, places ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["QRY^R02", "QRY^A19", "QBP^ZV1^QBP_Q21"])
def test_a_monitor_that_asks_for_a_patient_gets_no_answer(decode, kind):
    """An answer would load a patient into the monitor; even a bare acknowledgement could be taken for one."""
    out = decode("ihe_pcd01", pcd().replace(b"ORU^R01^ORU_R01", kind.encode()))
    assert out == [Fault("query", kind)]


@pytest.mark.parametrize(
    ("accept", "application", "answered"),
    [
        ("AL", "NE", True),
        ("NE", "AL", True),
        ("", "", True),
        ("NE", "NE", False),
        ("ER", "NE", False),
        ("ER", "ER", False),
    ],
)
def test_the_sender_says_whether_it_wants_an_answer(decode, accept, application, answered):
    out = decode("ihe_pcd01", pcd().replace(b"|||AL|NE", f"|||{accept}|{application}".encode()))
    assert bool(sends(out)) is answered


def test_a_location_in_an_observation_names_the_bed(decode):
    row = "OBX|1|NM|147842^MDC_ECG_HEART_RATE^MDC|1.7.4.147842|60|264864^MDC_DIM_BEAT_PER_MIN^MDC|||||R"
    place = "OBX|2|ST|0^MDC_ATTR_LOCATION^MDC|1.0.0.0|ICU~ROOM2~BED7||||||R"
    (routed,) = [one for one in decode("ihe_pcd01", pcd(row, place), beds={"BED7": "OR7"}) if isinstance(one, Routed)]
    assert (routed.device, found(routed.outputs)) == ("OR7", {"HR": 60})


# -- a rack of pumps behind a gateway (DoseLink) ---------------------------------------------------------------------

RACK = (
    "OBX|1|NM|157784^MDC_FLOW_FLUID_PUMP^MDC|1.1.1.1|12.5|265266^MDC_DIM_MILLI_L_PER_HR^MDC|||||R",
    "OBX|2|NM|157993^MDC_VOL_FLUID_DELIV_TOTAL^MDC|1.1.1.4|3.25|263762^MDC_DIM_MILLI_L^MDC|||||R",
    "OBX|3|NM|157784^MDC_FLOW_FLUID_PUMP^MDC|1.2.1.1|5|265266^MDC_DIM_MILLI_L_PER_HR^MDC|||||R",
    "OBX|4|NM|157784^MDC_FLOW_FLUID_PUMP^MDC|1.12.1.1|7|265266^MDC_DIM_MILLI_L_PER_HR^MDC|||||R",
)


def test_pumps_of_a_rack_are_read_only_when_allowed(decode):
    closed = decode("ihe_pcd01", pcd(*RACK))
    assert not found(closed)
    assert Unmapped("157784", "MDC_FLOW_FLUID_PUMP", "12.5") in closed
    opened = decode("ihe_pcd01", pcd(*RACK), read_pump=True)
    assert found(opened) == {"PUMP1_RATE": 12.5, "PUMP1_VOL": 3.25, "PUMP2_RATE": 5}
