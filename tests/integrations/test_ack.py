"""Acknowledgements: what a HIS looks at, in its own charset and version."""

import hl7
import pytest

from integrations.hl7.ack import AckCode, acknowledge, acknowledgement_of
from integrations.hl7.build import new_control_id
from integrations.hl7.charset import CharsetDecision
from integrations.hl7.codes import PeerProfile
from integrations.hl7.message import Header, parse_message
from integrations.hl7.reader import interpret
from tests.integrations.messages import PID, PV1, header, one, order, request, text


def reply(source: str | bytes, codec: str = "utf-8"):
    return parse_message(acknowledgement_of(one(source)).decode(codec))


def test_accepted():
    answer = reply(request(control_id="K77", version="2.3.1"))
    assert hl7.parse(answer.source).segment("MSA")[2][0] == "K77"
    assert answer.first("MSA").text(1) == "AA"
    assert answer.header.message_type == "ACK"
    assert answer.header.version == "2.3.1"
    assert (answer.header.sending_application, answer.header.receiving_application) == ("MAFEI", "HIS")
    assert answer.header.receiving_facility == "WMZYY"
    assert answer.header.trigger == ""  # 2.3.1 knows only ACK
    assert reply(request(version="2.5")).header.trigger == "O01"


def test_refusal_says_what_is_wrong_where_in_the_senders_charset():
    answer = reply(text(header(charset="GBK"), PV1, *order()).encode("gb18030"), "gb18030")
    assert answer.first("MSA").text(1) == "AR"
    assert answer.first("MSA").text(3).startswith("申请：PID-3：缺少患者号")
    assert answer.first("MSH").text(18) == "GB 18030-2000"
    assert (answer.first("ERR").text(1, 1), answer.first("ERR").text(1, 3)) == ("PID", "3")
    assert "缺少患者号" in answer.first("ERR").text(1, 4, 2)


def test_error_segment_of_newer_versions():
    err = reply(text(header(version="2.5.1", kind="ADT^A60"), PID)).first("ERR")
    assert (err.text(2, 1), err.text(2, 3), err.text(2, 5), err.text(4)) == ("MSH", "9", "2", "E")
    assert "A60" in err.text(8)


def test_partly_refused_message_is_no_quiet_yes():
    answer = reply(text(header(), PID, PV1, *order("R1"), *order("R2", procedure="")))
    assert answer.first("MSA").text(1) == "AR"
    assert "第2组申请" in answer.first("MSA").text(3)
    assert "其余 1 组已接受" in answer.first("MSA").text(3)


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00", b"hello", b"MSH|", "不是消息".encode("gbk")])
def test_even_rubbish_gets_an_answer(raw):
    for item in interpret(raw, PeerProfile()):
        answer = parse_message(acknowledgement_of(item).decode(item.charset.codec))
        assert answer.first("MSA").text(1) == "AR"
        assert answer.first("MSA").text(3)


def test_header_of_a_message_that_does_not_parse_is_still_answered():
    answer = reply("MSH|^^^|HIS|W|MAFEI|W|2026||ADT^A01|K9|P|2.4\rPID|1")
    assert answer.first("MSA").text(2) == "K9"


def test_damaged_characters_are_refused():
    raw = request().encode("gb18030").replace("黄".encode("gb18030"), b"\xff\xff")
    answer = reply(raw.replace(b"UNICODE UTF-8", b"GBK"), "gb18030")
    assert answer.first("MSA").text(1) == "AR"
    assert "字符集" in answer.first("MSA").text(3)


def test_text_of_the_peer_cannot_break_our_reply():
    raw = acknowledge(Header(control_id="1"), CharsetDecision("utf-8", ""), AckCode.TRY_AGAIN, "a|b^c\rMSA|AA|1\x1c")
    assert raw.count(b"MSA|") == 1
    assert b"\x1c" not in raw


def test_control_ids_do_not_repeat():
    ids = {new_control_id() for _ in range(5000)}
    assert len(ids) == 5000
    assert {len(text) for text in ids} == {20}
