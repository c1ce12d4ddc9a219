"""Rare names must survive copying out of a PDF.

ReportLab writes the code point of a glyph as bare hexadecimal into the map from glyphs to text. The map wants UTF-16, so
characters beyond the basic plane (𬍛, 𫖮 and thousands of others in names and places) were drawn right but came out as
nothing when a PDF was searched, copied or archived as text.
"""

from __future__ import annotations

from collections.abc import Sequence

from reportlab.pdfbase import ttfonts

_reportlab_map = ttfonts.makeToUnicodeCMap


def utf16_hex(code_point: int) -> str:
    """The code point as the UTF-16 units a ToUnicode map wants: 4 digits, or 8 for a surrogate pair."""
    return chr(code_point).encode("utf-16-be", "surrogatepass").hex().upper()


def to_unicode_map(fontname: str, subset: Sequence[int]) -> str:
    """ReportLab's map with every character beyond the basic plane written as a surrogate pair."""
    text: str = _reportlab_map(fontname, subset)
    for index, code_point in enumerate(subset):
        if code_point > 0xFFFF:
            wrong = f"<{index:02X}> <{code_point:04X}>"
            text = text.replace(wrong, f"<{index:02X}> <{utf16_hex(code_point)}>")
    return text


def install() -> None:
    """Put the corrected map in the place of ReportLab's; harmless when done twice."""
    ttfonts.makeToUnicodeCMap = to_unicode_map
