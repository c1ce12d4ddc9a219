"""Fonts are cut once, whole or not at all, and cover the names of people."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont as FontFile
from reportlab.pdfbase import pdfmetrics

from app.charting.reportlab_backend import set_width
from printing import fonts as module
from printing.errors import FontsMissing
from printing.font_files import fonts_ready
from printing.fonts import FACES, ensure_fonts, missing_glyphs, register_fonts
from tests.printing.samples import RARE_NAME


def test_rare_names_and_units_can_be_printed(fonts: Path) -> None:
    assert missing_glyphs(f"{RARE_NAME}µ℃→–①⑳％±≥≤×Ⅱ（）", fonts) == ""


def test_a_character_the_font_lacks_is_reported_once(fonts: Path) -> None:
    assert missing_glyphs("好\U0001f600好\U0001f600 ₂", fonts) == "\U0001f600₂"


def test_weights_are_static_and_named_apart(fonts: Path) -> None:
    names = []
    for name, weight in (("NotoSansSC-Regular.ttf", 400), ("NotoSansSC-Bold.ttf", 700)):
        with FontFile(fonts / name, lazy=True) as font:
            assert "fvar" not in font
            names.append(font["name"].getDebugName(6))
            assert font["OS/2"].usWeightClass == weight
    assert names == ["NotoSansSC-Regular", "NotoSansSC-Bold"]


def test_ready_fonts_are_left_alone(fonts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("cut again")

    monkeypatch.setattr(module, "_cut", refuse)
    told: list[str] = []
    ensure_fonts(fonts, told.append)
    assert told == ["打印字体已就绪。"]


def test_an_interrupted_or_older_run_is_repeated(fonts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in fonts.iterdir():
        shutil.copy(path, tmp_path)
    assert fonts_ready(tmp_path)
    (tmp_path / "NotoSansSC-Bold.ttf").write_bytes(b"half a font")
    assert not fonts_ready(tmp_path)

    cut: list[str] = []

    def copy(_source: Path, _weight: int, _style: str, target: Path) -> None:
        cut.append(target.name)
        shutil.copy(fonts / target.name, target)

    monkeypatch.setattr(module, "_cut", copy)
    told: list[str] = []
    ensure_fonts(tmp_path, told.append)
    assert cut == ["NotoSansSC-Regular.ttf", "NotoSansSC-Bold.ttf"]
    assert "1/2" in told[0]
    assert fonts_ready(tmp_path)

    stamp = json.loads((tmp_path / "fonts.json").read_text())
    stamp["versions"]["source"] = "0.0.1"
    (tmp_path / "fonts.json").write_text(json.dumps(stamp))
    assert not fonts_ready(tmp_path)


def test_missing_fonts_are_explained(tmp_path: Path) -> None:
    with pytest.raises(FontsMissing, match=r"python -m printing\.fonts"):
        register_fonts(tmp_path)


def test_subscripts_are_set_small(fonts: Path) -> None:
    register_fonts(fonts)
    plain = pdfmetrics.stringWidth("SpO", FACES.regular, 10)
    assert plain < set_width("SpO₂", FACES.regular, 10) < set_width("SpO2", FACES.regular, 10)
