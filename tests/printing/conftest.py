"""The paper fonts of the checkout, made once when they are not there yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from printing.fonts import ensure_fonts

FONTS = Path(__file__).parents[2] / "instance" / "fonts"


@pytest.fixture(scope="session")
def fonts() -> Path:
    """The directory of the static fonts."""
    return ensure_fonts(FONTS).directory
