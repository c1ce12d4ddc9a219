"""Edges that documents need and do not know: the PDF renderer and an authority of time stamps."""

import hashlib
from typing import Any, Protocol

from app.core.errors import Conflict
from app.documents.sheet import Sheet


class Renderer(Protocol):
    """Turns a sheet into paper."""

    def __call__(self, sheet: Sheet, *, watermark: str = "", copy_no: int = 1) -> bytes:
        """PDF of the sheet."""

    def is_ready(self) -> bool:
        """Whether its fonts are installed."""


class TimeStamper(Protocol):
    """A time stamp authority."""

    def __call__(self, digest: str) -> str:
        """Token over a SHA-256 digest, as text; raises when the authority does not answer."""


class _Ports:
    renderer: Renderer | None = None
    stamper: TimeStamper | None = None
    with_sm3: bool = False


_ports = _Ports()


def plug(renderer: Renderer | None = None, stamper: TimeStamper | None = None, *, with_sm3: bool = False) -> None:
    """Called by the composition root."""
    _ports.renderer, _ports.stamper, _ports.with_sm3 = renderer, stamper, with_sm3


def render(sheet: Sheet, *, watermark: str = "", copy_no: int = 1) -> bytes:
    """PDF of a sheet; `Conflict` when no renderer is plugged in."""
    if _ports.renderer is None or not _ports.renderer.is_ready():
        raise Conflict("打印字体尚未安装，暂时不能生成 PDF，请联系信息科。")
    return _ports.renderer(sheet, watermark=watermark, copy_no=copy_no)


def sha256(content: str | bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def sm3(content: str) -> str:
    """Hexadecimal SM3 when it is configured and the crypto library of this machine has it, else empty."""
    if not _ports.with_sm3 or "sm3" not in hashlib.algorithms_available:
        return ""
    digest: Any = hashlib.new("sm3", content.encode())
    return str(digest.hexdigest())


def stamp(digest: str) -> str:
    """Time stamp token when an authority is configured, else empty."""
    return _ports.stamper(digest) if _ports.stamper else ""


def can_render() -> bool:
    """Whether a renderer is plugged in and has its fonts."""
    return _ports.renderer is not None and _ports.renderer.is_ready()
