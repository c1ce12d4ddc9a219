"""XML as a plain tree. Document types and entities are refused before anything is expanded; sizes are bounded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

MAX_NODES = 200_000
MAX_DEPTH = 64
_MAX_TEXT = 4000


class Refused(ValueError):
    """Not XML that is read here; the text is a short word for counting."""


@dataclass(slots=True)
class Node:
    """One element: local name, namespace, attributes by local name, children, text."""

    name: str
    space: str
    attributes: Mapping[str, str]
    children: list["Node"] = field(default_factory=list)
    text: str = ""

    @property
    def kind(self) -> str:
        """The type that the element states (`xsi:type`), else its name."""
        return self.attributes.get("type", self.name).rpartition(":")[2]

    def child(self, name: str) -> "Node | None":
        """The first child of that name."""
        return next((one for one in self.children if one.name == name), None)

    def walk(self) -> Iterator["Node"]:
        """The element and everything in it, in order."""
        waiting = [self]
        while waiting:
            one = waiting.pop()
            yield one
            waiting += reversed(one.children)


def parse(data: bytes) -> Node:
    """The root of a document. Raises `Refused`."""
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.EntityDeclHandler = builder.refuse
    try:
        parser.Parse(data, True)
    except Refused:
        raise
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Refused("xml") from error
    if builder.root is None:
        raise Refused("xml")
    return builder.root


class _Builder:
    def __init__(self) -> None:
        self.root: Node | None = None
        self._path: list[Node] = []
        self._count = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._count += 1
        if self._count > MAX_NODES or len(self._path) >= MAX_DEPTH:
            raise Refused("xml_size")
        space, _, local = name.rpartition(" ")
        node = Node(local, space, {key.rpartition(" ")[2]: value for key, value in attributes.items()})
        if self._path:
            self._path[-1].children.append(node)
        else:
            self.root = node
        self._path.append(node)

    def end(self, name: str) -> None:
        del name
        self._path.pop()

    def text(self, text: str) -> None:
        if self._path and text.strip():
            self._path[-1].text = (self._path[-1].text + text.strip())[:_MAX_TEXT]

    def refuse(self, *parts: object) -> None:
        raise Refused("doctype")
