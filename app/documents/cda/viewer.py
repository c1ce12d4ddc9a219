"""A shared document as something to read: head lines and sections of words, from any CDA that is given."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from lxml import etree

from app.core.errors import InvalidInput

MAX_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class CdaSection:
    """A section: title and pairs of name and value; `depth` indents what is nested."""

    title: str
    lines: tuple[tuple[str, str, int], ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class CdaView:
    """A readable shared document."""

    title: str
    code: str
    head: tuple[tuple[str, str], ...]
    sections: tuple[CdaSection, ...]


def read_cda(xml: bytes) -> CdaView:
    """Read a document; entities and the network are never touched. Raises `InvalidInput`."""
    if len(xml) > MAX_BYTES:
        raise InvalidInput("共享文档过大。")
    try:
        root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False))
    except etree.XMLSyntaxError as error:
        raise InvalidInput(f"不是有效的 XML：{error.msg}") from None
    if etree.QName(root).localname != "ClinicalDocument":
        raise InvalidInput("不是 CDA 共享文档。")
    return CdaView(
        title=_text(root, "{*}title"),
        code=_attribute(root, "{*}code", "code"),
        head=tuple(_head(root)),
        sections=tuple(_section(node) for node in root.iterfind(".//{*}structuredBody/{*}component/{*}section")),
    )


def _text(node: etree._Element, path: str) -> str:
    found = node.find(path)
    return (found.text or "").strip() if found is not None else ""


def _attribute(node: etree._Element, path: str, name: str) -> str:
    found = node.find(path)
    return found.get(name, "") if found is not None else ""


def _head(root: etree._Element) -> Iterator[tuple[str, str]]:
    patient = root.find("{*}recordTarget/{*}patientRole/{*}patient")
    if patient is not None:
        yield "姓名", _text(patient, "{*}name")
        yield "性别", _attribute(patient, "{*}administrativeGenderCode", "displayName")
        yield "年龄", _attribute(patient, "{*}age", "value") + _attribute(patient, "{*}age", "unit")
    for node in root.iterfind("{*}recordTarget/{*}patientRole/{*}id"):
        words = {"11": "门（急）诊号", "12": "住院号", "34": "知情同意书编号"}
        yield words.get(node.get("root", "").rsplit(".", 1)[-1], "标识"), node.get("extension", "")
    yield "创作者", _text(root, "{*}author/{*}assignedAuthor/{*}assignedPerson/{*}name")
    yield "保管机构", _text(root, "{*}custodian//{*}name")
    yield "生成时间", _moment(_attribute(root, "{*}effectiveTime", "value"))
    for node in [*root.iterfind("{*}legalAuthenticator"), *root.iterfind("{*}authenticator")]:
        role = _attribute(node, "{*}assignedEntity/{*}code", "displayName") or "签名"
        yield role, f"{_text(node, './/{*}assignedPerson/{*}name')} {_moment(_attribute(node, '{*}time', 'value'))}"


def _moment(text: str) -> str:
    if len(text) == 14 and text.isdigit():
        return f"{text[:4]}-{text[4:6]}-{text[6:8]} {text[8:10]}:{text[10:12]}:{text[12:]}"
    return text


def _section(node: etree._Element) -> CdaSection:
    code = node.find("{*}code")
    return CdaSection(
        title=code.get("displayName", "") if code is not None else "",
        lines=tuple(_lines(node, 0)),
        text=_text(node, "{*}text"),
    )


def _lines(node: etree._Element, depth: int) -> Iterator[tuple[str, str, int]]:
    for child in node:
        if not isinstance(cast(Any, child).tag, str):  # a comment or processing instruction
            continue
        name = etree.QName(child).localname
        if name in ("text", "code", "value") and depth == 0:
            continue
        if name == "observation":
            yield _attribute(child, "{*}code", "displayName"), _value(child.find("{*}value")), depth
            yield from _lines(child, depth + 1)
        elif name in ("procedure", "substanceAdministration"):
            yield from _act(child, depth)
            yield from _lines(child, depth + 1)
        elif name in ("entry", "entryRelationship", "component", "organizer", "act"):
            yield from _lines(child, depth)


def _act(node: etree._Element, depth: int) -> Iterator[tuple[str, str, int]]:
    code = _attribute(node, "{*}code", "displayName")
    drug = _text(node, ".//{*}manufacturedLabeledDrug/{*}name") or _text(node, ".//{*}manufacturedMaterial/{*}name")
    if code:
        yield "项目", code, depth
    if drug:
        dose = node.find("{*}doseQuantity")
        words = f"{dose.get('value', '')} {dose.get('unit', '')}" if dose is not None else ""
        yield drug, words.strip(), depth
    for side, word in (("low", "开始"), ("high", "结束")):
        moment = _attribute(node, f"{{*}}effectiveTime/{{*}}{side}", "value")
        if moment:
            yield word, _moment(moment), depth
    performer = _text(node, "{*}performer//{*}name")
    if performer:
        yield "手术者", performer, depth


def _value(node: etree._Element | None) -> str:
    if node is None:
        return ""
    if node.get("displayName"):
        return f"{node.get('displayName')}（{node.get('code', '')}）"
    if node.get("value") in ("true", "false") and not node.get("unit"):
        return "是" if node.get("value") == "true" else "否"
    if node.get("value") is not None:
        return _moment(" ".join(filter(None, (node.get("value"), node.get("unit")))))
    return (node.text or "").strip()
