"""IHE PCD-01: absent values, units, cuff times, acknowledgements."""

import hl7
import pytest

from device_bridge.drivers.base import (
    CodecOptions,
    Send,
)
from device_bridge.drivers.registry import get_driver
from device_bridge.wire import Quality
from tests.device_bridge.drivers_common import AT, by_code, pcd, row

CUFF = "150021^MDC_PRESS_BLD_NONINV_SYS"
MMHG = "266016^MDC_DIM_MMHG^MDC"


SPO2 = "150456^MDC_PULS_OXIM_SAT_O2"


@pytest.mark.parametrize(
    "bad",
    [
        row(SPO2, ""), row(SPO2, "-999"), row(SPO2, "-99.9"), row(SPO2, "8388607"), row(SPO2, "-1"),
        row(SPO2, "97", flags="INV"), row(SPO2, "97", flags="NAV"), row(SPO2, "97", status="X"),
    ],
)  # fmt: skip
def test_pcd_absent_values(decode, bad):
    assert by_code(decode("ihe_pcd01", pcd(bad)))["SpO2"].value is None


@pytest.mark.parametrize("term", [CUFF, "150301^MDC_PRESS_CUFF_SYS"])
def test_pcd_both_kinds_of_cuff_codes(decode, values, term):
    found = values(decode("ihe_pcd01", pcd(row(term, "121", MMHG, own="20260301092900+0800"))))
    assert found == {"NIBP_S": 121}


def test_pcd_name_wins_over_a_wrong_number_and_is_flagged(decode):
    found = by_code(decode("ihe_pcd01", pcd(row("150456^MDC_ECG_HEART_RATE", "70", ""))))
    assert found["HR"].value == 70
    assert Quality.QUESTIONABLE in found["HR"].quality


def test_pcd_units_are_converted_or_suspect(decode):
    kpa = "265987^MDC_DIM_KILO_PASCAL^MDC"
    found = by_code(decode("ihe_pcd01", pcd(row("151708^MDC_CONC_AWAY_CO2_ET", "5", kpa))))
    assert found["EtCO2"].value == 37.5031
    percent = by_code(decode("ihe_pcd01", pcd(row("151708^MDC_CONC_AWAY_CO2_ET", "5"))))
    assert Quality.UNIT_SUSPECT in percent["EtCO2"].quality


def test_pcd_cuff_has_its_own_time(decode):
    found = by_code(decode("ihe_pcd01", pcd(row(CUFF, "121", MMHG, own="20260301091500+0800"))))
    assert found["NIBP_S"].episode_ms == 1_772_327_700_000
    assert not found["NIBP_S"].episode_inferred


def test_pcd_cuff_without_time_is_dated_by_its_first_message():
    codec = get_driver("ihe_pcd01").codec(CodecOptions())
    moments = []
    for minute, value in enumerate(["120", "120", "115", "115"]):
        message = pcd(row(CUFF, value, MMHG), at=f"202603010930{minute:02}+0800")
        moments.append(by_code(codec.feed(message, AT))["NIBP_S"].episode_ms)
    assert moments[:2] == [None, None], "what was already there has no known age"
    assert moments[2] == moments[3] is not None


def test_pcd_acknowledges_after_the_data_is_safe(decode):
    sends = [one for one in decode("ihe_pcd01", pcd(row(SPO2, "97"))) if isinstance(one, Send)]
    assert [send.after_commit for send in sends] == [True]
    answer = hl7.parse(sends[0].payload[1:-2].decode())
    assert str(answer.segment("MSA")[1]) == "AA"
    assert str(answer.segment("MSA")[2]) == "77"
    assert not [one for one in decode("ihe_pcd01", pcd(row(SPO2, "97"), header="NE|NE")) if isinstance(one, Send)]
