"""Text widths and the placing of labels so that none covers another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

# Advance widths in em of Noto Sans SC (screen fonts are within a few per cent); wide scripts are a full em.
_NARROW = {"i": 0.28, "l": 0.29, "j": 0.28, "I": 0.3, ".": 0.28, ",": 0.28, ":": 0.28, ";": 0.28, "'": 0.28}
_NARROW |= {" ": 0.23, "(": 0.34, ")": 0.34, "/": 0.39, "-": 0.35, "f": 0.33, "t": 0.38, "r": 0.39}
_WIDE = {"m": 0.93, "w": 0.81, "M": 0.82, "W": 0.89, "%": 0.92, "@": 0.95}
_WIDTHS = _NARROW | _WIDE
_FULL_WIDTH_FROM = 0x2014  # dashes, quotes, arrows, enclosed figures and all of CJK are a full em here
_SUBSCRIPTS = range(0x2070, 0x20A0)
_SUBSCRIPT = 0.36
_DEFAULT = 0.57
_CAPITAL = 0.66


def text_width(text: str, size: float) -> float:
    """Width of ``text`` set at ``size``, in the unit of ``size``."""
    total = 0.0
    for character in text:
        code = ord(character)
        if code >= _FULL_WIDTH_FROM:
            total += _SUBSCRIPT if code in _SUBSCRIPTS else 1.0
        elif "A" <= character <= "Z" and character not in _WIDTHS:
            total += _CAPITAL
        else:
            total += _WIDTHS.get(character, _DEFAULT)
    return total * size


_NOT_AT_LINE_START = "，。、；：！？）》」』】%‰℃,.;:!?)"


Measure = Callable[[str, float], float]


def wrap(text: str, width: float, size: float, measure: Measure = text_width) -> tuple[str, ...]:
    """Break ``text`` into lines of at most ``width``; Latin words and figures stay whole when they fit. Closing
    punctuation never begins a line: it takes the character before it along."""
    lines: list[list[str]] = [[]]
    used = 0.0
    for word in _words(text):
        for piece in _fitting(word, width, size, measure):
            advance = measure(piece, size)
            if lines[-1] and used + advance > width:
                carried = _carried(lines[-1], piece)
                used = sum(measure(part, size) for part in carried)
                if used + advance > width:  # too narrow for both: punctuation begins the line after all
                    lines[-1] += carried
                    carried, used = [], 0.0
                lines.append(carried)
            if piece.isspace() and not lines[-1]:
                continue
            lines[-1].append(piece)
            used += advance
    return tuple("".join(line).strip() for line in lines)


def _carried(line: list[str], piece: str) -> list[str]:
    """What moves down with ``piece`` so that no line begins with closing punctuation; taken off ``line``."""
    carried: list[str] = []
    first = piece
    while first[0] in _NOT_AT_LINE_START and len(line) > 1:
        first = line.pop()
        carried.insert(0, first)
    return carried


def _words(text: str) -> list[str]:
    words: list[str] = []
    for character in text:
        if words and _is_letter(character) and _is_letter(words[-1][-1]):
            words[-1] += character
        else:
            words.append(character)
    return words


def _is_letter(character: str) -> bool:
    """Whether a character belongs to a Latin word or figure, which is not broken (µ and ₂ included)."""
    code = ord(character)
    return not character.isspace() and (code < _FULL_WIDTH_FROM or code in _SUBSCRIPTS)


def _fitting(word: str, width: float, size: float, measure: Measure) -> list[str]:
    """The word itself, or its characters when it is wider than a whole line."""
    return [word] if measure(word, size) <= width else list(word)


class Packer:
    """Greedy rows of intervals: the first row without an overlap takes the label."""

    def __init__(self, gap: float, limit: int | None = None) -> None:
        self._gap = gap
        self._limit = limit
        self._rows: list[list[tuple[float, float]]] = []

    @property
    def height(self) -> int:
        """How many rows are in use."""
        return len(self._rows)

    def rows(self, first: int = 0) -> range:
        """The rows that may be tried from ``first`` on; one more than are in use when there is no limit."""
        return range(first, self._limit if self._limit is not None else max(len(self._rows), first) + 1)

    def is_free(self, row: int, left: float, right: float) -> bool:
        """Whether nothing in ``row`` comes nearer to [left, right] than the gap."""
        if row >= len(self._rows):
            return True
        return all(right + self._gap <= start or left >= end + self._gap for start, end in self._rows[row])

    def take(self, row: int, left: float, right: float) -> None:
        """Occupy [left, right] in ``row``."""
        while len(self._rows) <= row:
            self._rows.append([])
        self._rows[row].append((left, right))

    def place(self, left: float, right: float, first: int = 0) -> int | None:
        """Occupy [left, right] in the first free row from ``first`` on; None when the limit is reached."""
        for row in self.rows(first):
            if self.is_free(row, left, right):
                self.take(row, left, right)
                return row
        return None


def join_numbers(numbers: Sequence[int]) -> str:
    """Footnote numbers of one place: 「1,2」."""
    return ",".join(str(number) for number in sorted(set(numbers)))
