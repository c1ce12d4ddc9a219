r"""HL7 escape sequences (\F\ \S\ \T\ \R\ \E\ \.br\ \Xhh\): our own, because the library raises on odd ones."""

import re

_NAMES = {"F": "|", "S": "^", "T": "&", "R": "~", "E": "\\", "H": "", "N": "", "P": "#"}
_NEWLINES = (".br", ".sp", ".ce")
_LONGEST = 64


def escape(text: str) -> str:
    """Free text as it may stand in a field of a message with the usual separators; line breaks become \\.br\\."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    out = []
    for char in text:
        if char == "\\":
            out.append("\\E\\")
        elif char == "|":
            out.append("\\F\\")
        elif char == "^":
            out.append("\\S\\")
        elif char == "&":
            out.append("\\T\\")
        elif char == "~":
            out.append("\\R\\")
        elif char == "\n":
            out.append("\\.br\\")
        elif char < " " and char != "\t":
            continue  # VT and FS would break the frame
        else:
            out.append(char)
    return "".join(out)


def unescape(text: str, separators: str = "|^~\\&") -> str:
    """Inverse of `escape` for a message with these separators (field, component, repetition, escape, subcomponent).

    An unknown or unfinished sequence stays as it is: a backslash in a note must not swallow the text after it.
    """
    mark = separators[3] if len(separators) > 3 else "\\"
    if mark not in text:
        return text
    names = {**_NAMES, **_names_of(separators)}
    pattern = re.compile(
        re.escape(mark) + "([^" + re.escape(mark) + "\r\n]{1," + str(_LONGEST) + "})" + re.escape(mark)
    )
    return pattern.sub(lambda match: _meaning(match.group(1), names, match.group(0)), text)


def _names_of(separators: str) -> dict[str, str]:
    order = ("F", "S", "R", "E", "T")
    return dict(zip(order, separators, strict=False))


def _meaning(name: str, names: dict[str, str], original: str) -> str:
    if name in names:
        return names[name]
    if name[:3] in _NEWLINES and (name[3:].isdigit() or not name[3:]):
        return "\n" * min(int(name[3:] or 1), 20)
    if name[:1] == "X":
        return _from_hex(name[1:], original)
    if name[:3] in (".in", ".ti", ".sk"):
        return " "
    if name in (".fi", ".nf"):
        return ""
    return original


def _from_hex(digits: str, original: str) -> str:
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        return original
    for codec in ("utf-8", "gb18030"):
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            continue
    return original
