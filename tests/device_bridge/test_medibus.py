"""MEDIBUS and MEDIBUS.X: published telegrams, the dialogue, both code tables, what must never be charted."""

import itertools

import pytest

from device_bridge.drivers.base import Alarm, Clocks, CodecOptions, DeviceInfo, Fault, Unmapped
from device_bridge.drivers.medibus import encoder
from device_bridge.drivers.medibus.codec import MedibusCodec
from device_bridge.drivers.medibus.framing import COMMAND, RESPONSE, MedibusFramer, build
from device_bridge.drivers.medibus.outbound import check
from device_bridge.drivers.medibus.tables import MEDIBUS, MEDIBUS_X
from device_bridge.drivers.registry import get_driver
from device_bridge.profiles.store import shipped
from device_bridge.wire import NOT_CHARTABLE, Quality
from tests.device_bridge.drivers_common import AT, by_code, found, in_pieces, sends

PUBLISHED = {
    (COMMAND, 0x51): "1B 51 36 43 0D", (COMMAND, 0x52): "1B 52 36 44 0D", (COMMAND, 0x30): "1B 30 34 42 0D",
    (COMMAND, 0x55): "1B 55 37 30 0D", (RESPONSE, 0x51): "01 51 35 32 0D", (RESPONSE, 0x52): "01 52 35 33 0D",
    (RESPONSE, 0x15): "01 15 31 36 0D", (COMMAND, 0x24): "1B 24 33 46 0D", (COMMAND, 0x25): "1B 25 34 30 0D",
    (COMMAND, 0x26): "1B 26 34 31 0D", (COMMAND, 0x27): "1B 27 34 32 0D", (COMMAND, 0x28): "1B 28 34 33 0D",
    (COMMAND, 0x29): "1B 29 34 34 0D", (COMMAND, 0x2E): "1B 2E 34 39 0D",
}  # fmt: skip
PAGE = {0x7D: "  20", 0x78: "   5", 0xB9: " 6.5", 0x88: " 500", 0xE6: "38  ", 0xF0: " 45 ", 0xEF: "    "}


@pytest.mark.parametrize(("telegram", "published"), PUBLISHED.items())
def test_published_telegrams(telegram, published):
    assert build(*telegram) == bytes.fromhex(published)
    (parsed,) = MedibusFramer().feed(bytes.fromhex(published))
    assert (parsed.start, parsed.code, parsed.data) == (*telegram, b"")


class Machine:
    """Plays the machine against a codec, tick by tick."""

    def __init__(self, pages):
        self.codec = MedibusCodec(CodecOptions())
        self.pages = pages
        self.asked = []
        self.heard = []
        self.now = Clocks(0, 0.0)

    def take(self, outputs):
        self.heard += outputs
        for payload in sends(outputs):
            assert check(payload) is None
            (telegram,) = MedibusFramer().feed(payload)
            self.asked.append((self.now.mono_s, telegram.start, telegram.code))
            answer = self.pages.get(telegram.code) if telegram.is_command else None
            if answer is not None:
                self.take(self.codec.feed(answer, self.now))

    def run(self, seconds):
        self.take(self.codec.opened(self.now))
        for tick in range(1, int(seconds * 10)):
            self.now = Clocks(tick * 100, tick / 10)
            self.take(self.codec.poll(self.now))


def answers(**changes):
    pages = {code: build(RESPONSE, code) for code in (0x51, 0x30, 0x2B, 0x29, 0x27, 0x2E, 0x23)}
    pages |= {0x28: build(RESPONSE, 0x28, b"09:33:1207-OKT-26")}
    pages |= {0x52: encoder.identity("8603", "FABIUS", "03.00:04.00"), 0x24: encoder.measured(PAGE)}
    pages |= {0x2A: encoder.texts([(0x59, "VOLUME MODE")])}
    return pages | changes.pop("pages", {})


def test_the_dialogue():
    machine = Machine(answers())
    machine.run(10)
    codes = [code for _, _, code in machine.asked]
    assert codes[:9] == [0x51, 0x52, 0x2A, 0x24, 0x2B, 0x29, 0x27, 0x2E, 0x23]
    assert 5 <= codes.count(0x24) <= 8, "about once a second"
    assert codes.count(0x28) == 1, "the time of day only now and then"
    assert DeviceInfo({"device_clock": "2026-10-07 09:33:12"}) in machine.heard
    assert DeviceInfo({"device_id": "8603", "model": "FABIUS", "revision": "03.00:04.00"}) in machine.heard
    assert DeviceInfo({"vent_mode": "容量控制"}) in machine.heard
    assert found(machine.heard)["TVe"] == 500


def test_a_page_the_machine_does_not_know_is_left_out():
    machine = Machine(answers(pages={0x2B: build(RESPONSE, 0x15)}))
    machine.run(10)
    codes = [code for _, _, code in machine.asked]
    assert codes.count(0x2B) == 1
    assert codes.count(0x24) >= 5


def test_a_silent_machine_is_initialised_again_and_one_question_is_open_at_a_time():
    machine = Machine({0x51: build(RESPONSE, 0x51)})
    machine.run(30)
    times = [at for at, _, code in machine.asked if code == 0x52]
    assert len(times) == 3
    assert all(later - earlier >= 9.9 for earlier, later in itertools.pairwise(times))
    assert sum(isinstance(one, Fault) and one.kind == "no_answer" for one in machine.heard) == 2


def test_questions_of_the_machine_are_answered_while_ours_is_open():
    codec = MedibusCodec(CodecOptions())
    codec.opened(Clocks(0, 0.0))
    codec.feed(build(RESPONSE, 0x51), Clocks(10, 0.01))
    (asked,) = sends(codec.poll(Clocks(100, 0.1)))
    assert asked == build(COMMAND, 0x52)
    (identity,) = sends(codec.feed(build(COMMAND, 0x52), Clocks(200, 0.2)))
    assert identity.startswith(b"\x01\x520000'MAFEI'")
    assert sends(codec.feed(build(COMMAND, 0x30), Clocks(300, 0.3))) == [build(RESPONSE, 0x30)]
    assert sends(codec.feed(build(COMMAND, 0x28), Clocks(300, 0.3))) == [build(RESPONSE, 0x28)]
    for banned in (0x49, 0x4A, 0x54, 0x60):
        assert sends(codec.feed(build(COMMAND, banned), Clocks(300, 0.3))) == [build(RESPONSE, 0x15)]
    out = codec.feed(encoder.identity("8603", "X", "1"), Clocks(400, 0.4))
    assert isinstance(out[0], DeviceInfo), "the pending response was not lost"


def test_suspended_means_silent():
    codec = MedibusCodec(CodecOptions())
    codec.opened(Clocks(0, 0.0))
    codec.feed(build(RESPONSE, 0x51) + b"\x11", Clocks(10, 0.01))
    assert sends(codec.poll(Clocks(5000, 5.0))) == []
    codec.feed(b"\x13", Clocks(5100, 5.1))
    assert sends(codec.poll(Clocks(5200, 5.2)))


def test_values_units_and_blanks(decode):
    out = decode("medibus", encoder.measured(PAGE))
    assert found(out) == {
        "Ppeak": 20.3943, "PEEP": 5.0986, "MV": 6.5, "TVe": 500, "EtCO2": 38, "FiO2": 45
    }  # fmt: skip
    assert by_code(out)["EtO2"].value is None


def test_the_dialect_decides_what_a_code_means(decode):
    page = encoder.measured({0x06: " 50 ", 0xDC: " 72 ", 0x03: " 6.1"})
    classic, newer = decode("medibus", page), decode("medibus_x", page)
    assert found(classic) == {"Compl": 49.0333}
    assert Unmapped("1:DC", "", "72") in classic, "with its number, so that it can be found on the screen"
    assert found(newer) == {"HR": 72, "MV": 6.1}
    assert Unmapped("1:06", "", "50") in newer


def test_carbon_dioxide_and_agents_in_the_unit_that_is_filled(decode):
    assert found(decode("medibus", encoder.measured({0xE6: "38  ", 0xE3: " 5.1", 0xDB: " 5.0"})))["EtCO2"] == 38
    assert found(decode("medibus", encoder.measured({0xE6: "    ", 0xE3: " 5.0"}))) == {"EtCO2": 37.5031}
    percent = found(decode("medibus", encoder.measured({0xDB: " 5.0", 0x6B: "1000"})))
    assert percent == {"EtCO2_pct": 5.0, "EtCO2": 37.5031}
    assert found(decode("medibus", encoder.measured({0x58: " 2.0", 0x6B: "1000"}))) == {"FiSEV": 2.0}


def test_ratio_and_rates(decode):
    page = encoder.measured({0xE7: " 1.0", 0xE8: " 2.0", 0xD7: "12  ", 0xD5: "    "})
    assert found(decode("medibus", page)) == {"IE": 2.0, "awRR": 12}


def test_numbers_in_standby_and_simulation_are_marked():
    codec = get_driver("medibus_x").codec(CodecOptions())
    codec.feed(encoder.texts([(0x54, "STANDBY")]), AT)
    one = by_code(codec.feed(encoder.measured({0x7D: "  20", 0xEB: " 98 "}), AT))
    assert one["Ppeak"].quality & Quality.QUESTIONABLE
    assert one["SpO2"].quality == Quality.GOOD
    codec.feed(encoder.texts([(0x62, "SIM")]), AT)
    one = by_code(codec.feed(encoder.measured({0x7D: "  20", 0xEB: " 98 "}), AT))
    assert all(value.quality & NOT_CHARTABLE for value in one.values())
    codec.feed(encoder.texts([]), AT)
    assert by_code(codec.feed(encoder.measured({0x7D: "  20"}), AT))["Ppeak"].quality == Quality.GOOD


def test_names_of_patients_are_not_passed_on(decode):
    assert "MILLER" not in repr(decode("medibus_x", encoder.texts([(0x61, "MILLER"), (0x59, "VOLUME")])))


def test_alarms_and_second_page(decode):
    (alarm,) = decode("medibus", encoder.alarms([("5", 0x6A, "CIRCLE OCCL.")]))
    assert isinstance(alarm, Alarm)
    assert (alarm.alarm.code, alarm.alarm.text) == ("6A", "CIRCLE OCCL.")
    page = encoder.measured({0x13: " 45 ", 0x15: " 97 ", 0x0E: " 12 "}, page=0x2B)
    assert found(decode("medibus_x", page)) == {"BIS": 45, "SQI": 97, "TOF": 12}
    assert found(decode("medibus", page)) == {}


def test_the_cuff_of_an_atlan_is_dated_when_it_changes():
    codec = get_driver("medibus_x").codec(CodecOptions())
    pages = [encoder.measured({0x96: f" {systolic}"}) for systolic in (120, 120, 118)]
    moments = [
        by_code(codec.feed(page, Clocks(n * 60_000, n * 60.0)))["NIBP_S"].episode_ms for n, page in enumerate(pages)
    ]
    assert moments == [None, None, 120_000]


def test_realtime_bytes_inside_a_response_and_damage():
    page = encoder.measured(PAGE)
    mixed = b"".join(bytes((byte, 0xD1, 0x80, 0xBF)) for byte in page)
    assert found(in_pieces("medibus", mixed, 5))["TVe"] == 500
    broken = page.replace(b"500", b"600")
    out = in_pieces("medibus", b"xx" + broken + page[:-4] + page, 3)
    assert sum(one.code == "TVe" for one in out if hasattr(one, "code")) == 1
    assert {one.kind for one in out if isinstance(one, Fault)} == {"garbage", "checksum", "truncated"}


def test_what_may_leave():
    for code in (0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x2B, 0x2C, 0x2D, 0x2E, 0x30, 0x51, 0x52, 0x53, 0x55):
        assert check(build(COMMAND, code)) is None
    for code in sorted(set(range(256)) - set(b"\x23\x24\x25\x26\x27\x28\x29\x2a\x2b\x2c\x2d\x2e\x30\x51\x52\x53\x55")):
        assert check(build(COMMAND, code)), f"{code:02X}"
    for code in (0x49, 0x4A, 0x54, 0x56, 0x60, 0x00):
        assert check(build(RESPONSE, code))
    for data in (b"1", b"\x0d", b"'X'", b"5006"):
        assert check(build(COMMAND, 0x24, data))
        assert check(build(RESPONSE, 0x4A, data))
        assert check(build(RESPONSE, 0x29, data))
    good = build(COMMAND, 0x24)
    for bad in (b"", good + good, good[:-1], good + b"\x00", good.replace(b"3F", b"3E"), b"\x1b" + good):
        assert check(bad)


@pytest.mark.parametrize("dialect", [MEDIBUS, MEDIBUS_X])
def test_round_trip_of_everything_the_table_says(decode, dialect):
    values = {line.code: 20.0 for line in shipped(dialect.name).lines.values()}
    page, sent = encoder.from_canonical(values, dialect)
    decoded = found(decode(dialect.name, page))
    assert {code: decoded[code] for code in sent} == sent
    assert len(sent) > 25


@pytest.mark.parametrize(
    ("driver", "settings", "expected"),
    [
        ("medibus", {0x01: "  50 ", 0x04: "0.500", 0x0A: " 12  ", 0x0B: "  5  ", 0x09: " 14  "},
         {"FiO2_set": 50, "VT_set": 500, "RR_set": 12, "PEEP_set": 5.0986}),
        ("medibus", {0x09: " 14  ", 0x0A: "     ", 0x0E: " 20  "}, {"RR_set": 14, "Pinsp_set": 20.3943}),
        # in MEDIBUS.X 0A is only the minimum of the rate
        ("medibus_x", {0x09: " 14  ", 0x0A: "  6  ", 0x40: "  480"}, {"RR_set": 14, "VT_set": 480}),
        ("medibus_x", {0x24: "  40 ", 0x4A: "  63 ", 0x4B: "  70 "}, {"FiO2_set": 40}),
    ],
)  # fmt: skip
def test_settings_by_dialect(driver, settings, expected):
    page = build(RESPONSE, 0x29, "".join(f"{code:02X}{text:<5.5}" for code, text in settings.items()).encode())
    out = by_code(in_pieces(driver, page, 7))
    assert {code: round(one.value, 4) for code, one in out.items() if one.value is not None} == expected
    assert not any("63" in repr(one) or "70" in repr(one) for one in out.values()), "age and weight are left out"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("09:33:1207-OKT-26", "2026-10-07 09:33:12"),
        (" 9:33 7-OCT-14", "2014-10-07 09:33:00"),
        ("23:59:5931-DEZ-25", "2025-12-31 23:59:59"),
        ("10:00:0005-MRZ-26", "2026-03-05 10:00:00"),
        ("10:00:0031-FEB-26", None),
        ("rubbish", None),
    ],
)
def test_the_clock_of_the_machine(text, expected):
    out = in_pieces("medibus", build(RESPONSE, 0x28, text.encode()), 50)
    assert out == ([DeviceInfo({"device_clock": expected})] if expected else [Fault("clock")])


def test_the_age_of_the_patient_is_not_even_listed(decode):
    out = decode("medibus", encoder.measured({0x4A: "  63", 0x99: "  12"}))
    assert [one.source_code for one in out if isinstance(one, Unmapped)] == ["1:99"]
