"""Normalising and reading positions: each of the traps that make the library lose or refuse data."""

import hl7
import pytest

from integrations.hl7.errors import MessageError
from integrations.hl7.escaping import escape, unescape
from integrations.hl7.message import parse_message, split_messages
from integrations.hl7.times import format_time, parse_date, parse_time
from tests.integrations.messages import PID, header, one, request, text


@pytest.mark.parametrize("newline", ["\r", "\n", "\r\n", "\r\r", "\n\n"])
def test_every_line_end_gives_the_same_segments(newline):
    message = parse_message(request().replace("\r", newline))
    assert [segment.name for segment in message.segments] == ["MSH", "PID", "PV1", "ORC", "OBR"]


def test_byte_order_marks_and_blanks_before_the_message():
    message = parse_message(" \r\n\ufeff" + request())
    assert message.header.control_id == "R0001"


def test_line_break_typed_into_a_note_does_not_become_a_segment():
    message = parse_message(request() + "NTE|1|L|备自体血\r请提前通知\rNTE|2|L|第二条\r")
    assert [note.free_text(3) for note in message.all("NTE")] == ["备自体血\n请提前通知", "第二条"]
    assert message.notes == ("NTE 段内有换行，已并入该段",)


def test_first_character_trap_of_the_library():
    pid = parse_message(text(header(), "PID|1||7654321||黄小梅")).first("PID")
    assert str(hl7.parse(text(header(), "PID|1||7654321")).segment("PID")[3][0][0]) == "7"
    assert pid.text(3) == "7654321"
    assert pid.text(3, 1, 1) == "7654321"
    assert pid.text(3, 2) == pid.text(3, 1, 2) == pid.text(99) == pid.text(0) == ""


def test_explicit_null_is_empty():
    assert parse_message(text(header(), 'PID|1||7||""')).first("PID").text(5) == ""


def test_subcomponents_and_repetitions():
    pv1 = parse_message(text(header(), "PV1|1|I|^^12^020101&Z心血管内科")).first("PV1")
    assert (pv1.text(3, 4, 1), pv1.text(3, 4, 2)) == ("020101", "Z心血管内科")
    pid = parse_message(text(header(), "PID|1||1^^^A^PI~2^^^B^NI")).first("PID")
    assert [item.text(1) for item in pid.repetitions(3)] == ["1", "2"]


def test_free_text_keeps_separators_that_were_not_escaped():
    nte = parse_message(text(header(), "NTE|1|L|BP 120^80 & 氧合~第二行")).first("NTE")
    assert nte.free_text(3) == "BP 120^80 & 氧合\n第二行"


def test_other_separators_of_the_sender():
    source = "MSH#*+!%#HIS#W#M#W#20261122##ADT*A08#5#P#2.4\rPID#1##7##黄*小梅!F!\r"
    message = parse_message(source)
    assert message.header.kind == "ADT^A08"
    assert message.first("PID").text(5, 2) == "小梅#"


@pytest.mark.parametrize(
    "source",
    ["", "\r\n", "hello", "<xml/>", "PID|1", "MSH", "MSH|", "MSH|||||", "MSHA^~\\&A", "MSH|^^^^|x", "{}"],
)
def test_what_is_no_message_is_told_in_words(source):
    with pytest.raises(MessageError) as caught:
        parse_message(source)
    assert caught.value.where.startswith("MSH") or caught.value.where == "PID"


def test_batch_and_file_envelopes_are_taken_off():
    batch = text(
        "FHS|^~\\&|HIS", "BHS|^~\\&|HIS", *[request(control_id=f"B{n}").strip() for n in range(3)], "BTS|3", "FTS|1"
    )
    assert len(list(split_messages(batch))) == 3
    assert all(source.startswith("MSH|") and "BTS" not in source for source, _ in split_messages(batch))


@pytest.mark.parametrize("value", ["a|b^c&d~e\\f", "第一行\n第二行", "\\.br\\", "100% \\ 生理盐水", "䶮"])
def test_escaping_comes_back(value):
    assert unescape(escape(value)) == value


def test_escape_never_lets_framing_bytes_out():
    assert escape("a\x0bb\x1cc\rd") == "abc\\.br\\d"


@pytest.mark.parametrize(
    ("escaped", "meaning"),
    [
        ("\\F\\\\S\\\\T\\\\R\\\\E\\", "|^&~\\"),
        ("a\\.br\\b\\.sp2\\c", "a\nb\n\nc"),
        ("\\XE9BB84\\", "黄"),
        ("\\H\\重要\\N\\", "重要"),
        ("C:\\新建\\x", "C:\\新建\\x"),
        ("\\XZZ\\ \\.spx\\ \\未完", "\\XZZ\\ \\.spx\\ \\未完"),
    ],
)
def test_unescaping_never_swallows_text(escaped, meaning):
    assert unescape(escaped) == meaning


@pytest.mark.parametrize(
    ("written", "hospital"),
    [
        ("20261123083000", "20261123083000"),
        ("202611230830", "20261123083000"),
        ("20261123", "20261123000000"),
        ("20261123083000.1234+0800", "20261123083000"),
        ("20261123003000Z", "20261123083000"),
        ("2026-11-23 08:30:00", "20261123083000"),
        ("2026-11-23T08:30", "20261123083000"),
        ("2026/11/23 8:30", "20261123083000"),
        ("2026年11月23日", "20261123000000"),
    ],
)
def test_times_as_systems_write_them(written, hospital):
    assert format_time(parse_time(written)) == hospital


@pytest.mark.parametrize("written", ["", "0", "00010101000000", "19000101", "18991230", "20261399", "20260230", "明天"])
def test_no_time(written):
    assert parse_time(written) is None


def test_birth_date_is_the_day_as_written():
    assert parse_date("19400601").isoformat() == "1940-06-01"
    assert parse_date("1988-05-01 00:30:00").isoformat() == "1988-05-01"
    assert parse_date("") is None


def test_home_made_message_type():
    assert one(text(header(kind="ADT_A08"), PID)).header.kind == "ADT^A08"
