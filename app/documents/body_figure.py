"""The body diagram: outlines in percent of a square, from the front at the left and from behind at the right. The page
and the paper draw the same paths, so that a mark lies where it was set."""

import re
from collections.abc import Iterator

SHIFTS = (0, 50)
HEAD = (25.0, 9.0, 4.6, 5.8)  # middle and radii
OUTLINE = (
    "M22.6 14.2 v3.2 c-4.6 1 -8 1.6 -9 5.6 l-2.4 14 l-2.4 12.6 c-.3 2.2 -.8 4.4 .4 5.6 c1.3 .9 2.5 -.7 2.9 -2.7 "
    "l2.7 -13 l3 -10.8 l.6 9 l-1.2 12.5 l-.2 13 l.6 15.5 l.2 13.5 c0 1.7 4.8 1.7 4.9 0 l1.3 -14.5 l.9 -18.5 l.8 -1.5 "
    "l.8 1.5 l.9 18.5 l1.3 14.5 c.1 1.7 4.9 1.7 4.9 0 l.2 -13.5 l.6 -15.5 l-.2 -13 l-1.2 -12.5 l.6 -9 l3 10.8 l2.7 13 "
    "c.4 2 1.6 3.6 2.9 2.7 c1.2 -1.2 .7 -3.4 .4 -5.6 l-2.4 -12.6 l-2.4 -14 c-1 -4 -4.4 -4.6 -9 -5.6 v-3.2"
)
FRONT = ("M18 20.5 c2.5 -.8 4.8 -.4 7 .8 c2.2 -1.2 4.5 -1.6 7 -.8", "M19 29 c2 1.5 4 1.5 6 .3 c2 1.2 4 1.2 6 -.3")
BACK = (
    "M19.5 24 c1.5 3.5 2 6 3.5 7", "M30.5 24 c-1.5 3.5 -2 6 -3.5 7",
    "M18.5 50 c2.5 2.5 5 2.5 6.5 .2 c1.5 2.3 4 2.3 6.5 -.2",
)  # fmt: skip
SPINE = "M25 18 v29"
NAVEL = (25.0, 41.0, 0.5)
LABELS = ((25, "正面"), (75, "背面"))

_STEP = re.compile(r"([Mvcl])([^Mvcl]*)")
_NUMBER = re.compile(r"-?\d*\.?\d+")


def steps(path: str) -> Iterator[tuple[str, tuple[float, ...]]]:
    """The steps of a path with absolute coordinates: `M` move, `L` line, `C` curve."""
    x = y = 0.0
    for command, words in _STEP.findall(path):
        numbers = [float(number) for number in _NUMBER.findall(words)]
        if command == "M":
            x, y = numbers
            yield "M", (x, y)
        elif command == "v":
            y += numbers[0]
            yield "L", (x, y)
        elif command == "l":
            x, y = x + numbers[0], y + numbers[1]
            yield "L", (x, y)
        else:
            yield "C", tuple(number + (x, y)[index % 2] for index, number in enumerate(numbers))
            x, y = x + numbers[4], y + numbers[5]
