"""Values: from what a browser or an interface sends to the one canonical JSON form, or a Chinese refusal.

Canonical forms: text and number as strings (a number keeps its decimals), a time as ISO 8601 UTC, a choice as
its code, yes/no/unknown as these words, several choices as a list of codes, diagnoses and procedures as
`[{code, name}]`, tables and drug rows as lists of rows, a score as `{items, total}`, marks as `[{x, y, note}]`.
None is an empty field.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, DecimalException
from typing import Any

from app.core import clock
from app.core.errors import InvalidInput
from app.documents.definition import Field, FieldType, Kind

OTHER = "other:"  # a choice that is not in the list
MAX_ROWS = 300
MAX_LIST = 60
MAX_IMAGE = 400_000
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_TIME_FORMATS = (
    "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%Y%m%d%H%M%S",
    "%Y%m%d%H%M", "%Y/%m/%d %H:%M",
)  # fmt: skip
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def canonical_value(field: Field, raw: Any) -> Any:
    """The canonical JSON value; None when empty. Raises `InvalidInput` keyed by the field, never anything else."""
    try:
        return _canonical(field, raw)
    except _Refused as refusal:
        raise InvalidInput(fields={field.key: f"{field.label}：{refusal}"}) from None


def warning(field: Field, value: Any) -> str:
    """Chinese sentence when a valid value is unusual, else empty."""
    if field.type is not FieldType.NUMBER or value is None:
        return ""
    number = Decimal(value)
    if field.soft_low is not None and number < field.soft_low:
        return f"{field.label} {value}{field.unit} 偏低（<{field.soft_low}），请核对"
    if field.soft_high is not None and number > field.soft_high:
        return f"{field.label} {value}{field.unit} 偏高（>{field.soft_high}），请核对"
    return ""


class _Refused(Exception):
    """Why a value is not acceptable."""


def _canonical(field: Field, raw: Any) -> Any:
    if raw is None or (isinstance(raw, str | list | dict | tuple) and not raw):
        return None
    match field.type:
        case FieldType.TEXT | FieldType.LONG_TEXT:
            return _text(raw, field.max_length, multiline=field.type is FieldType.LONG_TEXT)
        case FieldType.NUMBER:
            return _number(field, raw)
        case FieldType.DATETIME:
            return _moment(raw)
        case FieldType.CHOICE:
            return _choice(field, raw)
        case FieldType.MULTI_CHOICE:
            return _choices(field, raw)
        case FieldType.YES_NO_UNKNOWN:
            return _yes_no(field, raw)
        case FieldType.SCORE:
            return _score(field, raw)
        case FieldType.DIAGNOSIS | FieldType.PROCEDURE:
            return _coded(raw)
        case FieldType.TABLE | FieldType.DRUG_ROWS:
            return _rows(field, raw)
        case FieldType.SIGNATURE:
            return _image(raw)
        case FieldType.MARK:
            return _marks(raw)
    raise _Refused("由系统计算，不能填写")


def _text(raw: Any, limit: int, multiline: bool = False) -> str | None:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float | Decimal):
        raise _Refused("应为文字")
    text = str(raw).replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(c for c in text if _printable(c, multiline)).strip()
    if len(text) > limit:
        raise _Refused(f"最多 {limit} 字，现有 {len(text)} 字")
    return text or None


def _printable(character: str, multiline: bool) -> bool:
    """Whether a character may be stored: control characters and lone surrogates break XML and PDF."""
    code = ord(character)
    if character == "\n":
        return multiline
    return code >= 32 and not 0x7F <= code <= 0x9F and not 0xD800 <= code <= 0xDFFF and code not in (0xFFFE, 0xFFFF)


def _number(field: Field, raw: Any) -> str | None:
    text = _text(raw, 40)
    if text is None:
        return None
    if text.lower().endswith(field.unit.lower()) and field.unit:
        text = text[: -len(field.unit)].strip()
    try:
        number = Decimal(text.translate(_WIDE))
    except DecimalException:
        raise _Refused("应为数值") from None
    if not number.is_finite() or abs(number) > Decimal(10) ** 12 or number.as_tuple().exponent < -12:  # type: ignore[operator]
        raise _Refused("应为数值")
    if field.low is not None and number < field.low:
        raise _Refused(f"不能小于 {field.low} {field.unit}".rstrip())
    if field.high is not None and number > field.high:
        raise _Refused(f"不能大于 {field.high} {field.unit}".rstrip())
    if field.places is not None and number != round(number, field.places):
        raise _Refused("应为整数" if field.places == 0 else f"最多 {field.places} 位小数")
    if number == number.to_integral_value():
        return str(number.quantize(Decimal(1)))
    return format(number.normalize(), "f")


_WIDE = str.maketrans("０１２３４５６７８９．－", "0123456789.-")  # what a Chinese input method types


def _moment(raw: Any) -> str:
    if isinstance(raw, datetime):
        moment = raw if raw.tzinfo else clock.from_hospital(raw)
    elif isinstance(raw, str):
        moment = _parsed_moment(raw.strip().translate(_WIDE))
    else:
        raise _Refused("应为日期时间")
    try:
        moment = moment.astimezone(UTC)
    except (OverflowError, ValueError):
        raise _Refused("日期超出范围") from None
    if not _EARLIEST <= moment <= _LATEST:
        raise _Refused("日期超出范围")
    return moment.isoformat(timespec="seconds")


def _parsed_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else clock.from_hospital(moment)
    except (ValueError, OverflowError):
        pass
    for pattern in _TIME_FORMATS:
        try:
            return clock.from_hospital(datetime.strptime(text, pattern))  # noqa: DTZ007 hospital time by design
        except (ValueError, OverflowError):
            continue
    raise _Refused("日期时间不正确，例如 2026-11-22 14:05")


def _choice(field: Field, raw: Any) -> str | None:
    text = _text(raw, 200)
    if text is None or any(option.code == text for option in field.options):
        return text
    if field.other and text.startswith(OTHER):
        return text if text.removeprefix(OTHER).strip() else None
    raise _Refused("请从选项中选择")


def _choices(field: Field, raw: Any) -> list[str] | None:
    items = raw if isinstance(raw, list | tuple) else [raw]
    if len(items) > MAX_LIST:
        raise _Refused(f"最多选择 {MAX_LIST} 项")
    chosen = [code for item in items if (code := _choice(field, item))]
    order = {option.code: number for number, option in enumerate(field.options)}
    return sorted(dict.fromkeys(chosen), key=lambda code: (order.get(code, len(order)), code)) or None


def _yes_no(field: Field, raw: Any) -> str:
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    allowed = ("yes", "no", "unknown") if field.unknown else ("yes", "no")
    if isinstance(raw, str) and raw in allowed:
        return raw
    raise _Refused("请选择" + "、".join((field.yes, field.no, "不详")[: len(allowed)]))


def _score(field: Field, raw: Any) -> dict[str, Any] | None:
    if not isinstance(raw, Mapping) or field.scale is None:
        raise _Refused("应逐项评分")
    source = raw.get("items", raw)
    if not isinstance(source, Mapping):
        raise _Refused("应逐项评分")
    items: dict[str, int] = {}
    for item in field.scale.items:
        answer = source.get(item.key)
        if answer is None or answer == "":
            continue
        if isinstance(answer, bool) or str(answer) not in {option.code for option in item.options}:
            raise _Refused(f"{item.label}请从选项中选择")
        items[item.key] = int(str(answer))
    if not items:
        return None
    complete = len(items) == len(field.scale.items)
    return {"items": items, "total": sum(items.values()) if complete else None}


def _coded(raw: Any) -> list[dict[str, str]] | None:
    items = raw if isinstance(raw, list | tuple) else [raw]
    if len(items) > MAX_LIST:
        raise _Refused(f"最多 {MAX_LIST} 条")
    made = []
    for item in items:
        if isinstance(item, str):
            item = {"name": item}
        if not isinstance(item, Mapping):
            raise _Refused("应从字典选择或填写名称")
        name = _text(item.get("name", ""), 100)
        code = _text(item.get("code", "") or "", 24)
        if name:
            made.append({"code": code or "", "name": name})
    return made or None


def _rows(field: Field, raw: Any) -> list[dict[str, Any]] | None:
    if not isinstance(raw, list | tuple):
        raise _Refused("应为表格行")
    if len(raw) > MAX_ROWS:
        raise _Refused(f"最多 {MAX_ROWS} 行")
    made = []
    for number, item in enumerate(raw, 1):
        if not isinstance(item, Mapping):
            raise _Refused(f"第 {number} 行格式不对")
        row = _row(field, item, number)
        if row:
            made.append(row)
    return made or None


def _row(field: Field, item: Mapping[str, Any], number: int) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in field.columns:
        try:
            value = _canonical(column, item.get(column.key))
        except _Refused as refusal:
            raise _Refused(f"第 {number} 行{column.label}{refusal}") from None
        if value is not None:
            row[column.key] = value
    if row:
        for column in field.columns:
            if column.required and column.required[0].when is None and column.key not in row:
                raise _Refused(f"第 {number} 行未填{column.label}")
    return row


def _image(raw: Any) -> dict[str, str]:
    if not isinstance(raw, Mapping):
        raise _Refused("应为签名")
    data = raw.get("image", "")
    if not isinstance(data, str) or len(data) > MAX_IMAGE:
        raise _Refused("签名图片过大")
    head, _, body = data.partition(",")
    if head not in ("data:image/png;base64", "data:image/jpeg;base64"):
        raise _Refused("签名应为 PNG 或 JPEG 图片")
    try:
        content = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise _Refused("签名图片损坏") from None
    if not content.startswith((_PNG, _JPEG)):
        raise _Refused("签名应为 PNG 或 JPEG 图片")
    made = {"image": data}
    for key in ("name", "relation"):
        if text := _text(raw.get(key) or "", 60):
            made[key] = text
    return made


def _marks(raw: Any) -> list[dict[str, Any]]:
    if not isinstance(raw, list | tuple) or len(raw) > MAX_LIST:
        raise _Refused("标注格式不对")
    made = []
    for item in raw:
        if not isinstance(item, Mapping):
            raise _Refused("标注格式不对")
        try:
            x, y = Decimal(str(item.get("x"))), Decimal(str(item.get("y")))
            inside = 0 <= x <= 100 and 0 <= y <= 100
        except DecimalException:
            raise _Refused("标注位置不对") from None
        if not inside:
            raise _Refused("标注位置不对")
        made.append({"x": str(round(x, 1)), "y": str(round(y, 1)), "note": _text(item.get("note") or "", 60) or ""})
    return made


def native(field: Field, value: Any) -> Any:
    """A canonical value as expressions want it: Decimal, aware datetime, rows with native cells."""
    if value is None:
        return None
    match field.type:
        case FieldType.NUMBER:
            return Decimal(value)
        case FieldType.DATETIME:
            return datetime.fromisoformat(value)
        case FieldType.TABLE | FieldType.DRUG_ROWS:
            return [{column.key: native(column, row.get(column.key)) for column in field.columns} for row in value]
    return value


def natives(kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
    """All stored values of a document in native form."""
    return {item.key: native(item, values.get(item.key)) for _, item in kind.fields() if item.stored}


def from_fact(field: Field, value: Any) -> Any:
    """A fact of the case as canonical value of a field; None when it does not fit (a default never breaks a form)."""
    if value is None:
        return None
    if isinstance(value, Decimal) and field.type is FieldType.NUMBER and field.places is not None:
        value = round(value, field.places)
    if isinstance(value, datetime) and field.type in (FieldType.TEXT, FieldType.LONG_TEXT):
        value = f"{clock.to_hospital(value):%Y-%m-%d %H:%M}"
    if isinstance(value, list) and field.type in (FieldType.TEXT, FieldType.LONG_TEXT):
        value = "，".join(str(item.get("name", "") if isinstance(item, Mapping) else item) for item in value)
    if isinstance(value, str) and field.type in (FieldType.TEXT, FieldType.LONG_TEXT):
        value = value[: field.max_length]
    try:
        return canonical_value(field, value)
    except InvalidInput:
        return None


def shown(field: Field, value: Any) -> str:
    """A canonical value in Chinese words for paper, narrative text and differences."""
    if value is None:
        return ""
    match field.type:
        case FieldType.CHOICE:
            return _label(field, value)
        case FieldType.MULTI_CHOICE:
            return "、".join(_label(field, code) for code in value)
        case FieldType.YES_NO_UNKNOWN:
            return {"yes": field.yes, "no": field.no}.get(value, "不详")
        case FieldType.DATETIME:
            return f"{clock.to_hospital(datetime.fromisoformat(value)):%Y-%m-%d %H:%M}"
        case FieldType.NUMBER:
            return f"{value} {field.unit}".strip()
        case FieldType.DIAGNOSIS | FieldType.PROCEDURE:
            return "；".join(f"{item['name']}{'（' + item['code'] + '）' if item['code'] else ''}" for item in value)
        case FieldType.SCORE:
            return _score_words(field, value)
        case FieldType.TABLE | FieldType.DRUG_ROWS:
            return "\n".join("，".join(row_words(field, row)) for row in value)
        case FieldType.MARK:
            return "、".join(item["note"] or "标注" for item in value)
        case FieldType.SIGNATURE:
            return str(value.get("name", "已签名"))
    return str(value)


def row_words(field: Field, row: Mapping[str, Any]) -> list[str]:
    """The filled cells of a table row as `列名 值`."""
    return [f"{c.label} {shown(c, row[c.key])}" for c in field.columns if row.get(c.key) is not None]


def _label(field: Field, code: str) -> str:
    if code.startswith(OTHER):
        return code.removeprefix(OTHER)
    return next((option.label for option in field.options if option.code == code), code)


def _score_words(field: Field, value: Mapping[str, Any]) -> str:
    total = value.get("total")
    if total is None or field.scale is None:
        return "未评完"
    meaning = field.scale.meaning(int(total))
    return f"{total} 分{'：' + meaning if meaning else ''}"
