"""Where the paper fonts lie and whether they were made, told without loading anything that reads fonts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

#: Raise when the way of cutting changes, so that installed fonts are made anew.
RECIPE = 1
DISTRIBUTION = "justmytype-intl-cjk"
STAMP = "fonts.json"
STYLES = {"regular": ("Regular", 400, "NotoSansSC-Regular.ttf"), "bold": ("Bold", 700, "NotoSansSC-Bold.ttf")}


@dataclass(frozen=True, slots=True)
class FontFiles:
    """The two static fonts on disk."""

    directory: Path

    @property
    def regular(self) -> Path:
        """Weight 400."""
        return self.directory / STYLES["regular"][2]

    @property
    def bold(self) -> Path:
        """Weight 700."""
        return self.directory / STYLES["bold"][2]

    @property
    def licence(self) -> Path:
        """The SIL Open Font License that goes with the fonts."""
        return self.directory / "OFL.txt"


@cache
def _installed(distribution: str) -> str:
    """Version of a package, read once: it is asked before every sheet and cannot change while we run."""
    return metadata.version(distribution)


def versions() -> dict[str, object]:
    """What the fonts are cut from and with."""
    return {
        "recipe": RECIPE,
        "source": _installed(DISTRIBUTION),
        "fonttools": _installed("fonttools"),
    }


def fonts_ready(directory: Path) -> bool:
    """Whether both fonts are present and were cut from the installed versions."""
    files = FontFiles(directory)
    try:
        stamp = json.loads((directory / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    sizes = {path.name: path.stat().st_size for path in (files.regular, files.bold) if path.is_file()}
    return bool(stamp.get("versions") == versions() and stamp.get("sizes") == sizes)
