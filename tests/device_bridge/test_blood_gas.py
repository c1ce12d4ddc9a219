"""Blood gas analysers: framing and answers, results of two real analysers, and what must never be charted."""

import pytest

from device_bridge.drivers.astm import encoder as astm
from device_bridge.drivers.astm.codec import AstmCodec
from device_bridge.drivers.astm.framing import ENQ, EOT, checksum, frame, frame_text_file
from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Observation, Send, Unmapped
from device_bridge.drivers.blood_gas import parse_result
from device_bridge.drivers.hl7_bloodgas import encoder as hl7
from device_bridge.drivers.mllp import frame as frame_hl7
from device_bridge.drivers.registry import get_driver
from device_bridge.normaliser import Normaliser
from device_bridge.wire import NOT_CHARTABLE, Quality
from tests.device_bridge.drivers_common import AT, by_code, found, in_pieces, sends

ABL80 = "bloodgas/radiometer_abl80basic.txt"
ABL735 = "bloodgas/radiometer_abl735.txt"
RESULTS = [("pH", "7.41", ""), ("pCO2", "38.2", "mmHg"), ("pO2", "?95", "mmHg"), ("K+", "4.1", "mmol/L")]
AT_TIME, SENT = "20260301093000", "20260301093140"


def test_abl80_values_and_checksums(capture):
    codec = AstmCodec(CodecOptions())
    outputs = codec.feed(frame_text_file(capture(ABL80)), AT)
    assert codec.checksums == (37, 0)
    assert found(outputs) == {"Na": 132, "K": 3.6, "Ca": 1.17, "Cl": 89}
    absent = {one.code for one in outputs if isinstance(one, Observation) and one.value is None}
    assert {"pH", "pCO2", "pO2", "Hct", "tHb"} <= absent


def test_abl735_values_with_their_question_marks(capture, decode):
    outputs = decode("astm", capture(ABL735))
    expected = {
        "pH": 7.412, "pCO2": 5.53, "pO2": 11.5, "K": 3.6, "Na": 142, "Glu": 8.0, "Lac": 0.6, "tHb": 9.4, "Cl": 110,
        "Ca": 1.21, "pH_T": 7.377, "pCO2_T": 6.21, "pO2_T": 13.3,
    }  # fmt: skip
    values = found(outputs)
    assert {code: values.get(code) for code in expected} == expected
    flags = {code: one.quality for code, one in by_code(outputs).items()}
    assert flags["pH"] == Quality.QUESTIONABLE
    assert flags["pCO2"] == Quality.GOOD
    units = {code: one.unit for code, one in by_code(outputs).items()}
    assert (units["pCO2"], units["pO2"], units["tHb"]) == ("kPa", "kPa", "mmol/L")
    # 2002-07-19 15:11:22 in Shanghai: the moment of the sample, not of the message
    assert {one.episode_ms for one in by_code(outputs).values()} == {1_027_062_682_000}
    assert not [one for one in outputs if "Susanne" in repr(one)]


def test_abl735_in_any_pieces_gives_the_same(capture, decode):
    data = frame_text_file(capture(ABL735))
    assert [found(in_pieces("astm", data, size)) for size in (1, 13)] == [found(decode("astm", data))] * 2


def test_results_reach_the_chart_in_its_units(decode):
    line = b"".join(
        astm.session(astm.sample([("pCO2", "5.00", "kPa"), ("tHb", "12.0", "g/dL")], at=AT_TIME, sent=SENT))
    )
    arrived = Clocks(1_772_328_700_000 + 500, 10.0)  # 09:31:40 in Shanghai and half a second
    codec = AstmCodec(CodecOptions())
    readings = Normaliser().readings([o for o in codec.feed(line, arrived) if isinstance(o, Observation)], arrived)
    assert {one.code: one.value for one in readings} == {"pCO2": 37.5031, "tHb": 120.0}
    assert {one.time_ms for one in readings} == {1_772_328_600_000}, "the moment of the sample"


def test_a_wrong_analyser_clock_is_corrected_by_its_own_message_time():
    line = b"".join(astm.session(astm.sample(RESULTS, at=AT_TIME, sent=SENT)))
    arrived = Clocks(1_772_328_700_000 + 3_600_000, 10.0)  # the analyser is an hour behind
    codec = AstmCodec(CodecOptions())
    readings = Normaliser().readings([o for o in codec.feed(line, arrived) if isinstance(o, Observation)], arrived)
    assert {one.time_ms for one in readings} == {1_772_328_600_000 + 3_600_000}
    assert all(one.quality & Quality.CLOCK_CORRECTED for one in readings)


def test_the_same_sample_twice_is_one_sample():
    line = b"".join(astm.session(astm.sample(RESULTS, at=AT_TIME, sent=SENT)))
    normaliser, codec = Normaliser(), AstmCodec(CodecOptions())
    arrived = Clocks(1_772_328_700_000, 10.0)
    both = [
        normaliser.readings([o for o in codec.feed(line, arrived) if isinstance(o, Observation)], arrived)
        for _ in range(2)
    ]
    assert len(both[0]) == 4
    assert both[1] == []


def test_every_frame_is_answered_after_the_disk():
    codec = AstmCodec(CodecOptions())
    frames = astm.session(astm.sample(RESULTS, at=AT_TIME, sent=SENT))
    answers = [codec.feed(one, AT) for one in frames]
    assert [sends(one) for one in answers] == [[b"\x06"]] * (len(frames) - 1) + [[]]
    assert all(one.after_commit for many in answers for one in many if isinstance(one, Send))
    # the results come with the terminator record, before its acknowledgement
    kinds = [type(one) for one in answers[-2]]
    assert kinds.index(Observation) < kinds.index(Send)


def test_a_damaged_frame_is_refused_and_the_repetition_taken_once():
    frames = astm.session(astm.sample(RESULTS, at=AT_TIME, sent=SENT))
    broken = frames[4].replace(b"R|", b"R}")
    codec = AstmCodec(CodecOptions())
    out = [codec.feed(one, AT) for one in [*frames[:4], broken, frames[4], frames[4], *frames[5:]]]
    assert sends(out[4]) == [b"\x15"]
    assert sends(out[6]) == [b"\x06"]
    assert Fault("repeated") in out[6]
    flat = [one for many in out for one in many]
    assert sum(isinstance(one, Observation) for one in flat) == 4


def test_long_records_are_joined_and_odd_numbers_accepted():
    text = b"".join(astm.session(astm.sample(RESULTS, at=AT_TIME, sent=SENT), chunk=9))
    assert len(found(in_pieces("astm", text, 5))) == 4
    jumping = bytes((ENQ,)) + frame(7, b"H|\\^&\r") + frame(1, b"R|1|^^^pH^M|7.4|\rL|1|N\r") + bytes((EOT,))
    assert found(in_pieces("astm", jumping, 50)) == {"pH": 7.4}


def test_a_message_that_breaks_off_gives_no_result():
    frames = astm.session(astm.sample(RESULTS, at=AT_TIME, sent=SENT))
    codec = AstmCodec(CodecOptions())
    out = codec.feed(b"".join(frames[:-3]), AT) + codec.closed(AT)
    assert not found(out)
    assert Fault("unfinished") in out
    codec.feed(b"".join(frames[:-3]), AT)
    assert codec.poll(Clocks(AT.wall_ms, AT.mono_s + 31)) == [Fault("unfinished")]


def test_records_without_terminator_and_blocks_without_frames(decode):
    records = "\r".join(astm.sample(RESULTS, at=AT_TIME, sent=SENT)).encode() + b"\r"
    assert found(decode("astm", b"\x01" + records + b"\x04")) == {"pH": 7.41, "pCO2": 38.2, "pO2": 95, "K": 4.1}
    open_end = bytes((ENQ,)) + frame(1, records.replace(b"L|1|N\r", b"")) + bytes((EOT,))
    out = decode("astm", open_end)
    assert found(out)["pH"] == 7.41
    assert Fault("no_terminator") in out


def test_gem_has_everything_one_field_later(decode):
    line = "R|1|^^^pH||7.38||7.35^7.45|N||F||admin|20260210120100|GEM3500"
    out = decode("astm", b"".join(astm.session(["H|\\^&", "O|1", line, "L|1|N"])))
    assert found(out) == {"pH": 7.38}
    assert by_code(out)["pH"].episode_ms == 1_770_696_060_000


@pytest.mark.parametrize("value", [".....", "", "---", "abc", "nan", "?.....", "1e999"])
def test_no_result_is_absent_never_zero(decode, value):
    out = decode("astm", b"".join(astm.session(astm.sample([("Na+", value, "mmol/L")], at=AT_TIME, sent=SENT))))
    assert by_code(out)["Na"].value is None


@pytest.mark.parametrize(
    ("text", "value", "quality"),
    [("7.4", 7.4, Quality.GOOD), ("?7.412", 7.412, Quality.QUESTIONABLE), ("<-58.4", -58.4, Quality.OUT_OF_RANGE)],
)
def test_printed_results(text, value, quality):
    assert parse_result(text) == (value, quality)


def test_control_material_and_typed_in_values_never_reach_a_chart(decode):
    records = astm.sample([("Na+", "140", "mmol/L")], at=AT_TIME, sent=SENT)
    control = [one.replace("O|1||Sample #^1||||||||", "O|1||QC^1||||||||Q") for one in records]
    assert by_code(decode("astm", b"".join(astm.session(control))))["Na"].quality & NOT_CHARTABLE
    typed = [one.replace("^M|", "^I|") for one in records]
    assert not by_code(decode("astm", b"".join(astm.session(typed))))


def test_a_unit_that_is_not_known_is_flagged(decode):
    out = decode("astm", b"".join(astm.session(astm.sample([("K+", "4.1", "furlong")], at=AT_TIME, sent=SENT))))
    assert by_code(out)["K"].quality & Quality.UNIT_SUSPECT


def test_unknown_analytes_are_reported(decode):
    out = decode("astm", b"".join(astm.session(astm.sample([("Magic", "1", "x")], at=AT_TIME, sent=SENT))))
    assert Unmapped("Magic", "blood gas", "1") in out


def test_host_queries_are_never_answered():
    codec = AstmCodec(CodecOptions())
    out = codec.feed(b"".join(astm.session(["H|\\^&", "Q|1|^1||ALL", "L|1|N"])), AT)
    assert Fault("host_query") in out
    assert set(sends(out)) == {b"\x06"}


def test_checksum_is_the_published_one():
    assert checksum(b"1H|\\^&|||ABL80 BASIC^319053||||||||1|20231213144712\r\x03") == b"F3"


# -- HL7 -----------------------------------------------------------------------------------------------------


def test_hl7_results(decode):
    rows = [("pH", "7.41", "", "N"), ("pO2", "?95", "mmHg", "N"), ("SBE", "-58.4", "mmol/L", "<")]
    out = decode("hl7_bloodgas", hl7.message(rows, at=AT_TIME, sent=SENT))
    assert found(out) == {"pH": 7.41, "pO2": 95, "SBE": -58.4}
    flags = by_code(out)
    assert flags["pO2"].quality == Quality.QUESTIONABLE
    assert flags["SBE"].quality & NOT_CHARTABLE, "below the reportable range"
    assert {one.episode_ms for one in flags.values()} == {1_772_328_600_000}
    acknowledgement = out[-1]
    assert isinstance(acknowledgement, Send)
    assert acknowledgement.after_commit


def test_hl7_by_loinc_and_status(decode):
    data = hl7.message([("pH", "7.41", "", "N")], at=AT_TIME, sent=SENT)
    coded = data.replace(b"^pH^M", b"2744-1^pH arterial^LN")
    assert found(decode("hl7_bloodgas", coded)) == {"pH": 7.41}
    withdrawn = data.replace(b"|||F", b"|||X")
    assert by_code(decode("hl7_bloodgas", withdrawn))["pH"].value is None


@pytest.mark.parametrize("version", ["", "2.6.1.1.1.1", "two", "20260301093100"])
@pytest.mark.parametrize("driver", ["hl7_bloodgas", "ihe_pcd01"])
def test_an_odd_version_is_still_acknowledged(decode, driver, version):
    data = hl7.message([("pH", "7.41", "", "N")], at=AT_TIME, sent=SENT).replace(b"|P|2.3", f"|P|{version}".encode())
    (answer,) = sends(decode(driver, data))
    assert get_driver(driver).checker(answer) is None


# -- shapes of other analysers; from published simulators and usual codes, not from a recording -----------------------


def oru(*rows, version="2.5"):
    header = f"MSH|^~\\&|CDS|HOSP|LIS|HOSP|{SENT}||ORU^R01|88|P|{version}"
    lines = [header, "PID|1||12345", f"OBR|1||S1|GAS^Blood gas|||{AT_TIME}|||||||||A", *rows]
    return frame_hl7(("\r".join(lines) + "\r").encode())


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # i-STAT through its data manager: LOINC, units mmol/L and mmHg, a value that could not be measured
        (
            ["OBX|1|NM|2744-1^pH^LN||7.352||7.35-7.45|N|||F", "OBX|2|NM|2019-8^pCO2^LN||41.2|mmHg|35-45|N|||F",
             "OBX|3|NM|1994-3^iCa^LN||1.18|mmol/L||N|||F", "OBX|4|ST|2518-9^Lactate^LN||***|mmol/L||||F"],
            {"pH": 7.352, "pCO2": 41.2, "Ca": 1.18},
        ),
        # cobas b through its middleware: the name in the second component, kPa and g/dL
        (
            ["OBX|1|NM|^pH||7.41||||||F", "OBX|2|NM|^pO2||12.1|kPa|||||F", "OBX|3|NM|^ctHb||13.2|g/dL|||||F",
             "OBX|4|NM|^Glu||99|mg/dL|||||F", "OBX|5|SN|^cLac||<^0.3|mmol/L|||||F"],
            {"pH": 7.41, "pO2": 12.1, "tHb": 13.2, "Glu": 99, "Lac": 0.3},
        ),
        # GEM: four-letter names; a result that was taken back
        (
            ["OBX|1|NM|pH^pH^GEM||7.38||||||F", "OBX|2|NM|Na+^Na+^GEM||139|mmol/L|||||F",
             "OBX|3|NM|K+^K+^GEM||9.9|mmol/L|||||X"],
            {"pH": 7.38, "Na": 139},
        ),
    ],
)  # fmt: skip
def test_shapes_of_istat_cobas_and_gem(decode, rows, expected):
    out = decode("hl7_bloodgas", oru(*rows))
    assert found(out) == expected
    assert {one.episode_ms for one in by_code(out).values()} == {1_772_328_600_000}
    assert by_code(out).get("Lac", by_code(out)["pH"]).quality in (Quality.OUT_OF_RANGE, Quality.GOOD, Quality.INVALID)


def test_units_of_those_shapes_reach_the_chart():
    arrived = Clocks(1_772_328_700_000 + 500, 10.0)
    rows = ["OBX|1|NM|^Glu||99|mg/dL|||||F", "OBX|2|NM|^ctHb||13.2|g/dL|||||F", "OBX|3|NM|^pO2||12.1|kPa|||||F"]
    out = get_driver("hl7_bloodgas").codec(CodecOptions()).feed(oru(*rows), arrived)
    readings = Normaliser().readings([one for one in out if isinstance(one, Observation)], arrived)
    assert {one.code: round(one.value, 2) for one in readings} == {"Glu": 5.5, "tHb": 132, "pO2": 90.76}


def test_a_correction_of_a_sample_replaces_its_value_and_keeps_both_raw(decode):
    """Radiometer sends the sample again with status C: same moment, new value."""
    first = astm.sample([("pH(T)", "7.412", "")], at=AT_TIME, sent=SENT)
    again = [one.replace("|F||||", "|C||||").replace("7.412", "7.377") for one in first]
    codec, normaliser = AstmCodec(CodecOptions()), Normaliser()
    arrived = Clocks(1_772_328_700_000 + 500, 10.0)
    values = []
    for records in (first, again):
        out = codec.feed(b"".join(astm.session(records)), arrived)
        values += normaliser.readings([one for one in out if isinstance(one, Observation)], arrived)
    assert [(one.code, one.value) for one in values] == [("pH_T", 7.412), ("pH_T", 7.377)]
    assert len({one.time_ms for one in values}) == 1
