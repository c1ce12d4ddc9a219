"""Reads again what is about to leave towards an SDC device. Shares no code with the rest on purpose.

Every SOAP request of the consumer comes through here. Reading the description and the states, and holding a
subscription, are allowed: the action in the header and the element in the body must be one of the pairs below.
`SetValue`, `SetString`, `SetContextState`, `SetAlertState`, `SetMetricState`, `SetComponentState`, `Activate` and
whatever else is not in the list is refused.
"""

import re
from xml.parsers import expat

_SDC = "http://standards.ieee.org/downloads/11073/11073-20701-2018"
_BICEPS = "http://standards.ieee.org/downloads/11073/11073-10207-2017/message"
_EVENTING = "http://schemas.xmlsoap.org/ws/2004/08/eventing"
_METADATA = "http://schemas.xmlsoap.org/ws/2004/09/mex"
_ADDRESSING = "http://www.w3.org/2005/08/addressing"
_ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
_ALLOWED: frozenset[tuple[str, str]] = frozenset(
    {
        ("http://schemas.xmlsoap.org/ws/2004/09/transfer/Get", ""),
        (f"{_METADATA}/GetMetadata/Request", f"{_METADATA} GetMetadata"),
        *((f"{_SDC}/GetService/{one}", f"{_BICEPS} {one}") for one in ("GetMdib", "GetMdDescription", "GetMdState")),
        *((f"{_EVENTING}/{one}", f"{_EVENTING} {one}") for one in ("Subscribe", "Renew", "GetStatus", "Unsubscribe")),
    }
)
# The description of a service is fetched by its address; such a request has no body that could say anything.
_DOCUMENT = re.compile(rb"GET /[A-Za-z0-9/_.%-]{0,200}(?:\?wsdl)?")
_LONGEST = 64 * 1024
_REFUSED = "SDC 设备只允许读取与订阅（Get、GetMdib、Subscribe、Renew），不允许任何 Set、Activate"


def check(payload: bytes) -> str | None:
    """None for a reading or subscribing request, otherwise why it must not leave."""
    if payload.startswith(b"GET "):
        return None if _DOCUMENT.fullmatch(payload) else _REFUSED
    if not payload or len(payload) > _LONGEST:
        return _REFUSED
    seen = _Seen()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = seen.start
    parser.EndElementHandler = seen.end
    parser.CharacterDataHandler = seen.text
    parser.StartDoctypeDeclHandler = seen.refuse
    parser.EntityDeclHandler = seen.refuse
    try:
        parser.Parse(payload, True)
    except (expat.ExpatError, ValueError, LookupError):
        return _REFUSED
    if len(seen.actions) != 1 or len(seen.bodies) != 1 or len(seen.contents) > 1:
        return _REFUSED
    pair = (seen.actions[0].strip(), seen.contents[0] if seen.contents else "")
    return None if pair in _ALLOWED else _REFUSED


class _Seen:
    """Notes the actions in the header and the elements directly in the body."""

    def __init__(self) -> None:
        self.actions: list[str] = []
        self.bodies: list[str] = []
        self.contents: list[str] = []
        self._path: list[str] = []

    def start(self, name: str, attributes: object) -> None:
        del attributes
        place = tuple(self._path)
        if not place and name != f"{_ENVELOPE} Envelope":
            raise ValueError
        if len(place) == 1 and name not in (f"{_ENVELOPE} Header", f"{_ENVELOPE} Body"):
            raise ValueError
        if len(place) == 1 and name == f"{_ENVELOPE} Body":
            self.bodies.append(name)
        if len(place) == 2 and place[1] == f"{_ENVELOPE} Body":
            self.contents.append(name)
        if name == f"{_ADDRESSING} Action":
            if len(place) != 2 or place[1] != f"{_ENVELOPE} Header":
                raise ValueError
            self.actions.append("")
        self._path.append(name)

    def end(self, name: str) -> None:
        del name
        self._path.pop()

    def text(self, text: str) -> None:
        if self._path and self._path[-1] == f"{_ADDRESSING} Action":
            self.actions[-1] += text

    def refuse(self, *parts: object) -> None:
        raise ValueError
