"""Whatever comes over the wire: the de-framer and the reader never raise and always have an answer."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.hl7.ack import acknowledgement_of
from integrations.hl7.charset import decode
from integrations.hl7.codes import PeerProfile
from integrations.hl7.errors import MessageError
from integrations.hl7.escaping import escape, unescape
from integrations.hl7.message import parse_message
from integrations.hl7.preview import as_json, describe, preview
from integrations.hl7.times import parse_date, parse_time
from integrations.mllp import Deframer, frame
from integrations.mllp_client import NoAcknowledgement, read_acknowledgement
from tests.integrations.messages import PID, PV1, header, order, text

PROFILE = PeerProfile()
WORDS = st.sampled_from(
    [*'|^~\\&\r\n\x0b\x1c\x00"', "MSH", "PID|", "ORC|NW|", "OBX|1|", "\\.br\\", "\\X", "&&", "黄", "䶮", "NTE", '""']
)
GOOD = text(
    header(), PID, PV1, "AL1|1|DA|^碘", *order("R1", "NW", "DG1|1||K80^胆囊结石", "OBX|1|CE|ASA||3"), "NTE|1||备血"
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"\x0b", b"\x1c", b"\r", b"\x0bMSH|", b"\x00"]), max_size=30))
def test_deframer_gives_the_same_whatever_the_packets(parts):
    whole = Deframer(limit=200)
    at_once = whole.feed(b"".join(parts))
    piecewise = Deframer(limit=200)
    in_parts = [item for part in parts for item in piecewise.feed(part)]
    if all(item.problem is None for item in at_once + in_parts):
        assert at_once == in_parts
    assert len(at_once) == len(in_parts)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.binary(max_size=60).filter(lambda body: not {0x0B, 0x1C} & set(body) and body.strip(b"\0\r\n\t ")),
        max_size=6,
    )
)
def test_frames_come_back(messages):
    assert [item.body for item in Deframer().feed(b"".join(map(frame, messages)))] == messages


def answered(raw: bytes) -> None:
    for shown in preview(raw, PROFILE):
        describe(shown)
        as_json(shown)
        reply = parse_message(acknowledgement_of(shown.item).decode(shown.item.charset.codec))
        assert reply.first("MSA").text(1) in ("AA", "AR")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_answered(raw):
    answered(raw)
    answered(b"MSH|^~\\&|" + raw)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_damage_to_a_good_message_is_answered(data):
    source = list(GOOD)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(source) - 1))
        source[place : place + data.draw(st.integers(0, 30))] = data.draw(WORDS)
    answered("".join(source).encode(data.draw(st.sampled_from(["utf-8", "gb18030"])), "replace"))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_small_parts_never_raise(value):
    assert unescape(escape(value)).count("|") == value.count("|")
    unescape(value)
    parse_time(value)
    parse_date(value)
    with contextlib.suppress(MessageError):
        parse_message(value)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80))
def test_charset_never_raises(raw):
    read, decision = decode(raw)
    body = raw.removeprefix(b"\xef\xbb\xbf")
    assert decision.is_damaged or read.encode(decision.codec)[-1:] == body[-1:]


@given(st.binary(max_size=80))
def test_acknowledgements_of_any_bytes(raw):
    with contextlib.suppress(NoAcknowledgement):
        assert read_acknowledgement(raw).raw == raw


RESULTS = text(
    header(kind="ORU^R01"), PID, PV1, "OBR|1||R1|XCG^血常规|||20261122071000||||||||全血|||||||20261122091000|||F",
    "OBX|1|NM|HGB^血红蛋白^LIS||11.2|g/dL|11.5-15.0|L|||F", "OBX|2|SN|CTNI^肌钙蛋白I||<^0.01|ng/mL", "OBX|3|TX|X^结论||好",
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(RESULTS)), st.integers(0, 12), WORDS | st.text(max_size=4)), max_size=6))
def test_a_damaged_report_of_results_is_read_or_refused(cuts):
    told = RESULTS
    for start, length, word in cuts:
        told = told[:start] + word + told[start + length :]
    answered(told.encode("utf-8", "replace"))
