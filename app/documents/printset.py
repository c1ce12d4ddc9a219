"""What a set of documents is made of, in words: the cover list and the parts in order."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SetPart:
    """One document of a set. `mark` stands in red at its head (重打 …); `columns` are its words on the cover list."""

    pdf: bytes
    columns: tuple[str, ...]
    mark: str = ""


@dataclass(frozen=True, slots=True)
class SetCover:
    """The list in front of a set. `refused` are lines of what could not be printed and why."""

    hospital: str
    title: str
    lines: tuple[str, ...]
    head: tuple[str, ...]
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BoundSet:
    """A set as one file; `pages` of each part, without the cover."""

    pdf: bytes
    pages: tuple[int, ...]
    cover_pages: int
