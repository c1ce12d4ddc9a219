"""MLLP and HL7 of devices: frames, character sets, times, numbers."""

import pytest

from device_bridge.drivers.mllp import MllpFramer, decode_text, frame, parse_number, parse_time


@pytest.mark.parametrize(
    ("line", "count"),
    [
        (frame(b"MSH|a\r") + frame(b"MSH|b\r"), 2),
        (frame(b"MSH|a\r") + b"\n" + frame(b"MSH|b\r"), 2),
        (b"xx" + frame(b"MSH|a\r"), 1),
        (b"\x00\x00" + frame(b"MSH|a\r") + b"\x00", 1),
        (b"\x0bMSH|a\r\x1c\x0bMSH|b\r\x1c", 2),  # no carriage return after the end mark
        (b"\x0bMSH|lost" + frame(b"MSH|b\r"), 1),
        (frame(b"MSH|" + b"x" * 70_000), 1),
    ],
)
def test_mllp_framing_of_what_real_senders_do(line, count):
    assert len(MllpFramer().feed(line)) == count
    framer = MllpFramer()
    assert sum(len(framer.feed(line[i : i + 1])) for i in range(len(line))) == count


def test_mllp_memory_is_bounded():
    framer = MllpFramer(limit=10_000)
    for _ in range(100):
        framer.feed(b"\x0b" + b"x" * 5_000)
        framer.feed(b"y" * 5_000)
        assert framer.pending <= 15_000
    framer.feed(b"z" * 20_000)
    assert "oversize" in framer.faults


def test_chinese_text_in_any_charset():
    assert "张三" in decode_text("MSH|^~\\&|\rPID|||张三".encode("gb18030"))
    assert "张三" in decode_text("MSH|^~\\&|\rPID|||张三".encode())


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("20260124131540000+0800", 1_769_231_740_000),
        ("20260124131540+0800", 1_769_231_740_000),
        ("20260124131540.250+0800", 1_769_231_740_250),
        ("20260124051540+0000", 1_769_231_740_000),
        ("20260124131540", 1_769_231_740_000),
        ("00000000000000", None),
        ("20261324131540", None),
        ("2026-01-24", None),
        ("", None),
        ("9" * 40, None),
    ],
)
def test_hl7_times(text, milliseconds):
    from zoneinfo import ZoneInfo

    assert parse_time(text, ZoneInfo("Asia/Shanghai")) == milliseconds


def test_numbers_do_not_depend_on_a_locale():
    assert parse_number("36.5") == 36.5
    assert parse_number("36,5") is None
    assert parse_number("1_000") is None
    assert parse_number("٣٦") is None
