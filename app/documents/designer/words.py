"""Formulas in the words of the form: `[入量] - [出量]` to the language of definitions and back.

A field stands in brackets by its label, a column as `[表格.列]`, functions have Chinese names; Chinese punctuation
counts as the ASCII one. What the record knows keeps its path (`patient.age_years`).
"""

import re
from collections.abc import Mapping

from app.documents.expressions import Expression, ExpressionError, parse

FUNCTIONS: Mapping[str, str] = {
    "合计": "sum", "分钟": "minutes", "天数": "days", "四舍五入": "round", "行数": "count", "如果": "when",
    "已填": "filled", "未填": "empty", "包含": "has", "连接": "join", "第一个": "first", "体重指数": "bmi",
}  # fmt: skip
_LOGIC: Mapping[str, str] = {"且": "and", "或": "or", "非": "not", "属于": "in"}
_SIGNS = str.maketrans({"，": ",", "（": "(", "）": ")", "×": "*", "÷": "/", "＋": "+", "－": "-", "＊": "*", "／": "/",
                        "＝": "=", "≥": "≥", "≤": "≤", "【": "[", "】": "]"})  # fmt: skip
_TOKEN = re.compile(
    r"""(?P<text>"[^"]*"|'[^']*'|“[^”]*”)|(?P<field>[\[【][^\]】]*[\]】])|(?P<word>[A-Za-z_\u4e00-\u9fff][\w.]*)"""
    r"""|(?P<sign><=|>=|!=|==|[=≥≤≠])|(?P<other>.)""",
    re.DOTALL,
)
_COMPARE = {"=": "==", "≥": ">=", "≤": "<=", "≠": "!="}


def to_expression(text: str, keys: Mapping[str, str]) -> Expression:
    """The checked expression of a formula; `keys` maps a label to its key. Raises `ExpressionError` in Chinese."""
    made = ""
    for match in _TOKEN.finditer(text.strip()):
        part = _part(match, keys)
        made += part.lstrip() if made.endswith(" ") else part
    expression = parse(made)
    unknown = sorted(name for name in expression.fields if name not in set(keys.values()))
    if unknown:
        raise ExpressionError(f"没有字段「{unknown[0]}」，字段请写在方括号里，例如 [体重]")
    return expression


def _part(match: re.Match[str], keys: Mapping[str, str]) -> str:
    text = match.group()
    if match["text"]:
        return '"' + text[1:-1] + '"' if text.startswith("“") else text
    if match["field"]:
        label = text[1:-1].strip()
        if label not in keys:
            raise ExpressionError(f"没有字段「{label}」")
        return keys[label]
    if match["word"]:
        if text in _LOGIC:
            return f" {_LOGIC[text]} "
        if text in FUNCTIONS:
            return FUNCTIONS[text]
        if not text.isascii():
            raise ExpressionError(f"不认识「{text}」，字段请写在方括号里，例如 [体重]")
        return text
    return _COMPARE.get(text, text) if match["sign"] else text.translate(_SIGNS)


_KNOWN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<word>[A-Za-z_][\w.]*)|(?P<other>.)""", re.DOTALL
)


def to_words(expression: str, keys: Mapping[str, str]) -> str:
    """An expression of a definition as a formula in the words of the form."""
    labels = {key: label for label, key in keys.items()}
    functions = {name: word for word, name in FUNCTIONS.items()}
    logic = {name: word for word, name in _LOGIC.items()}
    parts = []
    for match in _KNOWN.finditer(expression):
        word = match["word"]
        if word in labels:
            parts.append(f"[{labels[word]}]")
        else:
            parts.append(functions.get(word) or logic.get(word) or word if word else match.group())
    return "".join(parts)
