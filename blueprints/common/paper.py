"""The press of this installation, for pages that give out PDF."""

from typing import cast

from flask import current_app

from printing.press import Press


def press() -> Press:
    """Draws PDF in a process of its own; raises `PrintError` with a sentence when it cannot."""
    return cast(Press, current_app.extensions["mafei.press"])
