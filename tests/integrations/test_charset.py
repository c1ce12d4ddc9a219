"""Names arrive as they were written, whatever the sender says or forgets to say about its charset."""

import pytest

from integrations.hl7.charset import GB18030, UTF8, decode, encode, known_codec, msh18_of
from tests.integrations.messages import change_of, header, request, text


def message(name: str, charset: str = "") -> str:
    return text(header(kind="ADT^A08", charset=charset), f"PID|1||7^^^HIS^PI||{name}")


@pytest.mark.parametrize(
    "declared",
    ["GB 18030-2000", "GB18030", "GBK", "gb2312", "CP936", "GB_2312-80", "", "ASCII", "8859/1", "其它"],
)
def test_gb18030_bytes_are_read_whatever_is_declared(declared):
    raw = message("䶮㛃昞倈").encode(GB18030).replace("其它".encode(GB18030), b"X")
    declared_raw = raw.replace(b"2.4||||||", b"2.4||||||" + declared.encode(GB18030))
    assert change_of(declared_raw).patient.name == "䶮㛃昞倈"


@pytest.mark.parametrize("declared", ["UNICODE UTF-8", "UTF-8", "utf8", "UNICODE", "", "GBK", "ASCII"])
def test_utf8_bytes_are_read_whatever_is_declared(declared):
    assert change_of(message("黄䶮梅", declared)).patient.name == "黄䶮梅"


def test_utf8_is_declared_but_gbk_is_sent():
    text_read, decision = decode(message("王昞", "UNICODE UTF-8").encode("gbk"))
    assert "王昞" in text_read
    assert decision.codec == GB18030
    assert "内容不符" in decision.reason


def test_short_gbk_name_that_is_also_valid_utf8():
    # a pair of GBK characters whose bytes are valid UTF-8 (Cyrillic, Arabic …): the one name in fifty
    by_chance = [
        bytes([a, b, c, d])
        for a in range(0xC4, 0xDE, 5)
        for b in range(0xA1, 0xBF, 7)
        for c in range(0xC4, 0xDE, 5)
        for d in range(0xA1, 0xBF, 7)
    ]
    for raw_name in by_chance:
        name = raw_name.decode("gb18030")
        raw_name.decode("utf-8")  # really valid
        assert name in decode(message("@").encode().replace(b"@", raw_name))[0]


def test_units_in_english_text_stay_utf8():
    assert decode("MSH|^~\\&|5 µg ±2 °C".encode())[1].codec == UTF8


def test_peer_setting_wins_over_the_declaration():
    raw = message("黄小梅", "UNICODE UTF-8").encode("gbk")
    read, decision = decode(raw, "gbk")
    assert "黄小梅" in read
    assert "接口设置" in decision.reason


def test_byte_order_mark():
    read, decision = decode(b"\xef\xbb\xbf" + message("黄", "GBK").encode())
    assert "黄" in read
    assert decision.codec == UTF8


def test_damaged_bytes_are_refused_and_never_stored_as_question_marks():
    raw = request().encode("gb18030").replace("黄".encode("gb18030"), b"\xff\xff")
    decision = decode(raw)[1]
    assert decision.is_damaged


def test_pipe_and_caret_as_second_bytes_do_not_split():
    # 倈 = 81 7C, its second byte is "|"; splitting before decoding would lose the field
    name = "王倈昞"
    assert b"|" in "倈".encode("gbk")
    assert change_of(message(name, "GBK").encode("gbk")).patient.name == name


def test_outgoing_text_loses_no_character():
    assert encode("䶮㛃", "gbk").decode("gb18030") == "䶮㛃"
    assert msh18_of("gbk") == "GB 18030-2000"
    assert msh18_of("utf-8") == "UNICODE UTF-8"
    assert known_codec("nonsense") is None
