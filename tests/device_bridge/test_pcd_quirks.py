"""What manufacturers do differently over PCD-01."""

import pytest

from device_bridge.drivers.mllp import frame
from device_bridge.wire import NOT_CHARTABLE, Quality
from tests.device_bridge.drivers_common import by_code, found


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
