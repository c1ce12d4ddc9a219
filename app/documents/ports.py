"""Edges that documents need and do not know: the PDF renderer and an authority of time stamps."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from app.charting.record import PrintStamp, RecordSheet
from app.core.errors import Conflict
from app.documents.printset import BoundSet, SetCover, SetPart
from app.documents.sheet import Sheet
from app.documents.sm3 import sm3_hex

ChartPages = tuple[RecordSheet, PrintStamp]
NO_FONTS = "打印字体尚未安装，暂时不能生成 PDF，请联系信息科。"


class Renderer(Protocol):
    """Turns a sheet into paper, marks finished paper, binds sets of it."""

    def __call__(self, sheet: Sheet, *, watermark: str = "", mark: str = "", chart: ChartPages | None = None) -> bytes:
        """PDF of the sheet, with the chart pages behind it."""

    def mark(self, pdf: bytes, *, mark: str = "", watermark: str = "") -> bytes:
        """The same pages with a mark over each."""

    def bind(self, cover: SetCover, parts: Sequence[SetPart]) -> BoundSet:
        """One file of many, with a list in front and page numbers across."""

    def pages(self, pdf: bytes) -> int:
        """Number of pages of finished paper; needs no fonts."""

    def is_ready(self) -> bool:
        """Whether its fonts are installed."""


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """A verified time stamp: the token (base64 of the RFC 3161 response), its time in UTC, who vouches for it."""

    token: str
    at: datetime
    authority: str


class NoTimeStamp(Exception):
    """The authority did not answer, or its answer does not verify."""


class TimeStamper(Protocol):
    """A time stamp authority."""

    def __call__(self, content: bytes) -> TimeStamp:
        """A time stamp over the content, verified; raises `NoTimeStamp`."""

    def verify(self, token: str, content: bytes) -> TimeStamp:
        """What a kept token says of the content; raises `NoTimeStamp` when it is not of this content."""


class _Ports:
    renderer: Renderer | None = None
    stamper: TimeStamper | None = None
    with_sm3: bool = False


_ports = _Ports()


def plug(renderer: Renderer | None = None, *, with_sm3: bool = False) -> None:
    """Called by the composition root."""
    _ports.renderer, _ports.with_sm3 = renderer, with_sm3


def plug_stamper(stamper: TimeStamper | None) -> None:
    """Called where commands and jobs are composed: the web process never waits for an authority."""
    _ports.stamper = stamper


def stamper() -> TimeStamper | None:
    """The authority of this process, if one is configured."""
    return _ports.stamper


def renderer() -> Renderer:
    """The renderer; `Conflict` when none is plugged in or its fonts are missing."""
    if _ports.renderer is None or not _ports.renderer.is_ready():
        raise Conflict(NO_FONTS)
    return _ports.renderer


def pages(pdf: bytes) -> int:
    """Number of pages of a PDF; `Conflict` when no renderer is plugged in."""
    if _ports.renderer is None:
        raise Conflict(NO_FONTS)
    return _ports.renderer.pages(pdf)


def sha256(content: str | bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def sm3(content: str) -> str:
    """Hexadecimal SM3 when it is configured, else empty."""
    return sm3_of(content) if _ports.with_sm3 else ""


def sm3_of(content: str) -> str:
    """Hexadecimal SM3 (GB/T 32905-2016)."""
    if "sm3" not in hashlib.algorithms_available:
        return sm3_hex(content.encode())
    digest: Any = hashlib.new("sm3", content.encode())
    return str(digest.hexdigest())


def can_render() -> bool:
    """Whether a renderer is plugged in and has its fonts."""
    return _ports.renderer is not None and _ports.renderer.is_ready()
