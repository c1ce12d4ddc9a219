"""The fonts of paper: two static weights cut once from the variable Noto Sans SC and embedded in every PDF.

Viewers without Chinese fonts draw nothing for fonts that are not embedded, so paper never depends on the machine.
``python -m printing.fonts --instance DIR`` makes ``DIR/fonts/`` (about half a minute); a stamp with the versions of
source and cutter says when to make them anew.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import lru_cache
from importlib import resources
from pathlib import Path
from time import perf_counter
from typing import Any, cast
from weakref import WeakKeyDictionary

from fontTools.ttLib import TTFont as FontFile
from fontTools.varLib import instancer
from reportlab import rl_config
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from svglib import fonts as svglib_fonts

from app.charting.reportlab_backend import Faces
from printing import unicode_map
from printing.errors import FontsMissing, PrintError
from printing.font_files import DISTRIBUTION, STAMP, STYLES, FontFiles, fonts_ready, versions

_PACKAGE = "justmytype_intl_cjk"

#: The family of HTML forms, the faces of direct drawing, and the face of SVG images. They differ on purpose: svglib
#: asks fontconfig for a family it does not know and then takes its name over, after which Chinese text is boxes.
FAMILY = "mafei"
FACES = Faces("mafei-paper", "mafei-paper-bold")
SVG_FACE = "mafei-svg"
SVG_FACE_BOLD = "mafei-svg-bold"

Progress = Callable[[str], None]


def source_font() -> Path:
    """The variable Noto Sans SC inside the installed package; ``PrintError`` when it is not there."""
    root = Path(str(resources.files(_PACKAGE))) / "fonts"
    found = sorted(root.rglob("NotoSansSC*.ttf"))
    if not found:
        raise PrintError(f"字体包 {DISTRIBUTION} 中没有 Noto Sans SC。请重新安装依赖。")
    return found[0]


def ensure_fonts(directory: Path, progress: Progress = lambda line: None) -> FontFiles:
    """Make the fonts unless they are ready; ``progress`` gets a Chinese sentence a step. Each file appears whole or
    not at all, and the stamp comes last, so an interrupted run is simply repeated."""
    files = FontFiles(directory)
    if fonts_ready(directory):
        progress("打印字体已就绪。")
        return files
    directory.mkdir(parents=True, exist_ok=True)
    source = source_font()
    sizes: dict[str, int] = {}
    for step, (style, weight, name) in enumerate(STYLES.values(), start=1):
        progress(f"正在生成打印字体 {step}/{len(STYLES)}：Noto Sans SC {style}（约 15–20 秒）…")
        began = perf_counter()
        _cut(source, weight, style, directory / name)
        sizes[name] = (directory / name).stat().st_size
        progress(f"　完成，{sizes[name] / 1e6:.1f} MB，用时 {perf_counter() - began:.0f} 秒。")
    _write_atomically(files.licence, (source.parent / "OFL.txt").read_bytes())
    stamp = {"versions": versions(), "sizes": sizes}
    _write_atomically(directory / STAMP, json.dumps(stamp, indent=1).encode())
    return files


def _cut(source: Path, weight: int, style: str, target: Path) -> None:
    """One static weight with a name of its own; both would else be called after the thinnest master."""
    with FontFile(source) as variable:
        static = instancer.instantiateVariableFont(variable, {"wght": weight}, inplace=True)
        names = static["name"]
        for name_id, text in (
            (1, f"Noto Sans SC {style}"),
            (2, "Regular"),
            (3, f"NotoSansSC-{style}-mafei"),
            (4, f"Noto Sans SC {style}"),
            (6, f"NotoSansSC-{style}"),
        ):
            names.removeNames(nameID=name_id)
            names.setName(text, name_id, 3, 1, 0x409)
            names.setName(text, name_id, 1, 0, 0)
        with _temporary(target) as path:
            static.save(path)
            os.replace(path, target)


@contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    """A path beside the target, readable by the service's user, removed unless it was moved away."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    path = Path(name)
    try:
        path.chmod(0o644)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _write_atomically(target: Path, content: bytes) -> None:
    with _temporary(target) as path:
        path.write_bytes(content)
        os.replace(path, target)


def register_fonts(directory: Path) -> FontFiles:
    """Make the fonts known to ReportLab and svglib, once a process. ``FontsMissing`` when they were never made."""
    files = FontFiles(directory)
    if not (files.regular.is_file() and files.bold.is_file()):
        raise FontsMissing
    _register(files)
    return files


@lru_cache(maxsize=1)
def _register(files: FontFiles) -> None:
    pdfmetrics.registerFont(TTFont(FACES.regular, str(files.regular)))
    pdfmetrics.registerFont(TTFont(FACES.bold, str(files.bold)))
    pdfmetrics.registerFontFamily(FACES.regular, FACES.regular, FACES.bold, FACES.regular, FACES.bold)
    for name in FACES.regular, FACES.bold:
        _lend_tables(cast(TTFont, pdfmetrics.getFont(name)).face)
    for face, origin in ((SVG_FACE, FACES.regular), (SVG_FACE_BOLD, FACES.bold)):
        pdfmetrics.registerFont(_twin(face, cast(TTFont, pdfmetrics.getFont(origin))))
        svglib_fonts.register_font(face, rlgFontName=face)
    unicode_map.install()
    rl_config.useA85 = 0  # streams as they are: text armour costs time and a quarter more bytes
    # every canvas starts with a base font; the built-in one is not embedded
    rl_config.canvas_basefontname = FACES.regular


class _Outlines:
    """The outline table of a font, of which subsets cut what they need."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data, self._start = data, start

    def __getitem__(self, part: slice) -> bytes:
        return self._data[self._start + part.start : self._start + part.stop]


def _lend_tables(face: Any) -> None:
    """Let the subsets of a font look into its outlines instead of copying all 10 MB of them each time."""
    plain = lru_cache(maxsize=None)(face.get_table)
    outlines = _Outlines(face._ttf_data, face.get_table_pos("glyf")[0])
    face.get_table = lambda tag: outlines if tag == "glyf" else plain(tag)


def _twin(name: str, font: TTFont) -> TTFont:
    """The same font under another name: the tables, 17 MB a file, are read and kept once."""
    twin = copy(font)
    twin.fontName, twin.state = name, WeakKeyDictionary()
    return twin


def missing_glyphs(text: str, directory: Path) -> str:
    """The characters of ``text`` that the paper font lacks, each once; empty when all can be printed. Control
    characters and spaces do not count."""
    known = _coverage(FontFiles(directory).regular)
    seen = dict.fromkeys(character for character in text if not character.isspace())
    return "".join(character for character in seen if ord(character) not in known and character.isprintable())


@lru_cache(maxsize=2)
def _coverage(path: Path) -> frozenset[int]:
    if not path.is_file():
        raise FontsMissing
    with FontFile(path, lazy=True) as font:
        return frozenset(font.getBestCmap())


def main(arguments: Iterable[str] | None = None) -> int:
    """Command line: make the fonts of an instance, telling the progress."""
    parser = argparse.ArgumentParser(prog="python -m printing.fonts", description="生成打印用中文字体")
    parser.add_argument("--instance", type=Path, required=True, help="实例目录，字体放在其中的 fonts/")
    chosen = parser.parse_args(None if arguments is None else list(arguments))

    def tell(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    ensure_fonts(chosen.instance / "fonts", tell)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
