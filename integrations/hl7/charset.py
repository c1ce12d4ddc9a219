"""Which charset a message is in. The decision is kept with the message, so that a wrong name can be explained."""

import re
from dataclasses import dataclass

UTF8 = "utf-8"
GB18030 = "gb18030"  # superset of GBK and GB2312: 䶮 and 㛃 exist only here
_UTF8_BOM = b"\xef\xbb\xbf"

# MSH-18 as met in the wild, without spaces, dots, hyphens and underscores. ASCII and 8859/1 are declared by
# systems that send GBK all the same, so they count as not declared.
_DECLARED = {
    "UNICODEUTF8": UTF8,
    "UTF8": UTF8,
    "UNICODE": UTF8,
    "UTF": UTF8,
    "GB180302000": GB18030,
    "GB180302005": GB18030,
    "GB180302022": GB18030,
    "GB18030": GB18030,
    "GBK": GB18030,
    "GB2312": GB18030,
    "GB23121980": GB18030,
    "GB": GB18030,
    "CP936": GB18030,
    "MS936": GB18030,
    "936": GB18030,
    "EUCCN": GB18030,
}
#: Characters below U+0800 that hospital texts do use; any other one shows that two bytes were one GBK character.
_PLAIN_SIGNS = frozenset("°±²³·µ×÷àáèéêìíòóùúüāēīōūǎěǐǒǔǚǜαβγδεθλμπρσφωΔΣΦΩÀÉÖÜäöñ\u00a0")


@dataclass(frozen=True, slots=True)
class CharsetDecision:
    """The codec, why it was chosen (Chinese, for the interface log) and whether a byte could not be read."""

    codec: str
    reason: str
    is_damaged: bool = False


def known_codec(name: str) -> str | None:
    """Our codec for a charset name of a peer or of MSH-18; `None` when blank or not known."""
    return _DECLARED.get(re.sub(r"[\s._\-/]+", "", name.split("~")[0]).upper())


def declared_charset(raw: bytes) -> str:
    """MSH-18 (or blank), read without decoding the message."""
    match = re.search(rb"MSH(.)", raw, re.DOTALL)
    if match is None:
        return ""
    header = re.split(rb"[\r\n]", raw[match.start() :], maxsplit=1)[0]
    fields = header.split(match.group(1))
    return fields[17].decode("ascii", "replace").strip() if len(fields) > 17 else ""


def decode(raw: bytes, peer_charset: str = "") -> tuple[str, CharsetDecision]:
    """Decode a message: peer setting, then MSH-18, then strict UTF-8, then GB18030. Never raises.

    A declaration that the bytes contradict is not followed: the decision says so.
    """
    if raw.startswith(_UTF8_BOM):
        text = _strict(raw[3:], UTF8)
        if text is not None:
            return text, CharsetDecision(UTF8, "有 UTF-8 字节序标记")
    contradiction = ""
    for name, source in ((peer_charset, "接口设置"), (declared_charset(raw), "MSH-18")):
        codec = known_codec(name)
        if codec is None:
            continue
        text = _strict(raw, codec)
        if text is not None and not (codec == GB18030 and source == "MSH-18" and _is_chinese_utf8(raw)):
            return text, CharsetDecision(codec, f"{source}为 {name}")
        contradiction = f"{source}为 {name}，但内容不符，"
    return _guess(raw, contradiction)


def _guess(raw: bytes, contradiction: str) -> tuple[str, CharsetDecision]:
    text = _strict(raw, UTF8)
    gb_text = _strict(raw, GB18030)
    if text is not None and (gb_text is None or not _is_unlikely(text)):
        return text, CharsetDecision(UTF8, f"{contradiction}按内容判断为 UTF-8")
    if gb_text is not None:
        return gb_text, CharsetDecision(GB18030, f"{contradiction}按内容判断为 GB18030")
    return raw.decode(GB18030, "replace"), CharsetDecision(
        GB18030, f"{contradiction}既不是 UTF-8 也不是 GB18030，无法识别的字节以 \ufffd 代替", is_damaged=True
    )


def _strict(raw: bytes, codec: str) -> str | None:
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        return None


def _is_unlikely(text: str) -> bool:
    """Valid UTF-8 by chance: two-byte sequences only, of letters that no hospital text has (GBK: 1 name in 50)."""
    foreign = [char for char in text if char > "\x7f"]
    return bool(foreign) and max(foreign) < "\u0800" and not _PLAIN_SIGNS.issuperset(foreign)


def _is_chinese_utf8(raw: bytes) -> bool:
    """Chinese UTF-8 beyond doubt. Real GBK text of two and more characters does not happen to look so."""
    text = _strict(raw, UTF8)
    if text is None:
        return False
    foreign = [char for char in text if char > "\x7f"]
    return sum("\u4e00" <= char <= "\u9fff" for char in foreign) >= 2 and min(foreign) >= "\u0800"


def encode(text: str, codec: str) -> bytes:
    """Encode outgoing text; `gbk` names become GB18030 so that no character is lost."""
    return text.encode(known_codec(codec) or UTF8, "replace")


def msh18_of(codec: str) -> str:
    """The standard's name (table 0211) of a codec."""
    return "GB 18030-2000" if known_codec(codec) == GB18030 else "UNICODE UTF-8"
