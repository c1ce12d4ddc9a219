"""`python -m integrations parse`: says what would happen, where it is wrong, and never shows a traceback."""

import json
import sys

import pytest

from integrations.cli import main
from integrations.mllp import frame
from tests.integrations.messages import PID, PV1, header, order, request, text

GOOD = request("NTE|1|L|备血")
BAD = text(header(control_id="BAD1"), PV1, *order())


@pytest.fixture
def parse(tmp_path, capsys):
    def run(content: bytes | str, *options: str):
        file = tmp_path / "m.hl7"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        code = main(["parse", str(file), *options])
        return code, capsys.readouterr().out

    return run


def test_words(parse):
    code, out = parse(GOOD)
    assert code == 0
    assert "新申请 REQ1：黄小梅（病人ID 0001234567） 择期手术 腹腔镜胆囊切除术" in out
    assert "拟手术时间：2026-11-23 08:30" in out
    assert "备注：备血" in out
    assert "应答：AA" in out
    assert "共 1 条，可接受 1 条，拒绝 0 条。" in out


def test_refusal_says_segment_field_and_what_to_do(parse):
    code, out = parse(BAD)
    assert code == 1
    assert "✗ 申请：PID-3：缺少患者号。请 HIS 在 PID-3 填写患者唯一号" in out
    assert "应答：AR" in out


def test_mllp_capture_batch_and_plain_text(parse):
    assert "共 2 条" in parse(frame(GOOD.encode()) + frame(BAD.encode()))[1]
    assert "共 2 条" in parse("BHS|^~\\&|HIS\r" + GOOD + BAD + "BTS|2\r")[1]
    assert parse(GOOD.replace("\r", "\r\n"))[0] == 0
    assert parse(b"\xef\xbb\xbf" + GOOD.encode())[0] == 0


def test_broken_capture(parse):
    code, out = parse(frame(GOOD.encode()) + b"\x0b" + BAD.encode()[:80])
    assert code == 1
    assert "没有传完" in out


def test_json_holds_the_change_and_the_acknowledgement(parse):
    code, out = parse(GOOD, "--json")
    (item,) = json.loads(out)
    assert code == 0
    assert item["acknowledgement"]["code"] == "AA"
    assert "MSA|AA|R0001" in item["acknowledgement"]["message"]
    change = item["outcomes"][0]["change"]
    assert change["what"] == "surgery_request"
    assert change["planned_at"] == "2026-11-23T00:30:00+00:00"
    (refused,) = json.loads(parse(BAD, "--json")[1])
    assert refused["outcomes"][0]["error"]["where"] == "PID-3"


def test_charset_option(parse):
    raw = text(header(charset=""), PID, PV1, *order()).encode("gbk")
    assert parse(raw, "--charset", "gbk")[0] == 0
    assert main(["parse", "x", "--charset", "klingon"]) == 2


def test_unreadable_file(capsys):
    assert main(["parse", "/nonexistent/x.hl7"]) == 2
    assert "读不到文件" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", [b"", b"\x00", b"\x0b", b"\x0b\x1c\r", b"\xff" * 99, b"MSH", b"MSH|^~\\&|" * 9, b"<a/>"]
)
def test_rubbish_is_refused_in_words(parse, content):
    code, out = parse(content)
    assert code == 1
    assert "应答：AR" in out
    json.loads(parse(content, "--json")[1])


def test_standard_input(monkeypatch, capsys):
    class Stdin:
        class buffer:  # noqa: N801 - shape of sys.stdin
            @staticmethod
            def read() -> bytes:
                return GOOD.encode()

    monkeypatch.setattr(sys, "stdin", Stdin)
    assert main(["parse", "-"]) == 0
    assert "REQ1" in capsys.readouterr().out
