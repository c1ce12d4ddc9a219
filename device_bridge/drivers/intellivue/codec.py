"""The data export session: associate, confirm, poll, renew; and what comes back."""

import ipaddress
from collections.abc import Callable
from zoneinfo import ZoneInfo

from device_bridge.drivers.base import Clocks, CodecOptions, DeviceInfo, Fault, Observation, Output, Send, Wave
from device_bridge.drivers.cuff import CuffWatch
from device_bridge.drivers.intellivue import messages, requests
from device_bridge.drivers.intellivue.messages import Cursor, Malformed, Message
from device_bridge.drivers.intellivue.numerics import Objects
from device_bridge.profiles.table import table_of

_RETRY_AFTER_S = 8.0
_KEEP_ALIVE_EVERY_S = 4.0
_RENEW_EVERY_S = 300.0
_GIVE_UP_AFTER_S = 15.0
_ACCEPTED, _REFUSED, _ABORTED, _RELEASED = 0x0E, 0x0C, 0x19, 0x0A
_WRAP = 1 << 32


class Timeline:
    """Turns the monitor's running time (1/8 ms, wraps after six days) into UTC milliseconds."""

    def __init__(self) -> None:
        self._base_ms: int | None = None
        self._ticks = 0
        self._last = 0

    def anchor(self, absolute_ms: int, relative: int) -> None:
        """Both clocks at one moment."""
        self._base_ms, self._ticks, self._last = absolute_ms, 0, relative

    def at(self, relative: int) -> int | None:
        """The moment, None before the monitor has stated its date."""
        if self._base_ms is None:
            return None
        step = (relative - self._last) % _WRAP
        if step >= _WRAP // 2:
            step -= _WRAP
        self._ticks += step
        self._last = relative
        return self._base_ms + self._ticks // 8


class IntelliVueCodec:
    """One monitor. Options: `waves` (true asks for the curves the monitor is set to export), `passive` (true
    only listens, for a line that belongs to another system)."""

    def __init__(self, driver: str, options: CodecOptions, wrap: Callable[[bytes], bytes]) -> None:
        self._zone = ZoneInfo(options.timezone)
        self._wrap = wrap
        self._waves = bool(options.values.get("waves", False))
        self._passive = bool(options.values.get("passive", False))
        self._objects = Objects(self._zone, table_of(driver, options))
        self._timeline = Timeline()
        self._cuff = CuffWatch()
        self._started = False
        self._associated = False
        self._created = False
        self._heard = 0.0
        self._next_association = 0.0
        self._next_keep_alive = 0.0
        self._next_renewal = 0.0
        self._number = 1

    # -- the session -----------------------------------------------------------------------------------

    def opened(self, now: Clocks) -> list[Output]:
        """Ask for an association."""
        self._started = True
        return self._associate(now)

    def poll(self, now: Clocks) -> list[Output]:
        """Keep the association alive, renew the polls, and begin again when the monitor is silent."""
        if not self._started or self._passive:
            return []
        if not self._created:
            return self._associate(now) if now.mono_s >= self._next_association else []
        if now.mono_s - self._heard > _GIVE_UP_AFTER_S:
            self._lost()
            return [Fault("association_lost"), *self._associate(now)]
        out: list[Output] = []
        if now.mono_s >= self._next_renewal:
            out += self._ask(now)
        if now.mono_s >= self._next_keep_alive:
            self._next_keep_alive = now.mono_s + _KEEP_ALIVE_EVERY_S
            out.append(self._send(requests.KEEP_ALIVE, "keep alive"))
        return out

    def closed(self, now: Clocks) -> list[Output]:
        """Nothing is held back; the monitor notices by itself."""
        self._lost()
        return []

    def _lost(self) -> None:
        self._associated = self._created = False

    def _send(self, payload: bytes, reason: str) -> Send:
        return Send(self._wrap(payload), reason)

    def _associate(self, now: Clocks) -> list[Output]:
        self._next_association = now.mono_s + _RETRY_AFTER_S
        if self._passive:
            return []
        request = requests.ASSOCIATION_WAVES if self._waves else requests.ASSOCIATION_NUMERICS
        return [self._send(request, "association request")]

    def _ask(self, now: Clocks) -> list[Output]:
        self._next_renewal = now.mono_s + _RENEW_EVERY_S
        classes = [requests.NUMERICS, *([requests.WAVES] if self._waves else [])]
        out: list[Output] = []
        for object_class in classes:
            self._number = self._number % 0x7FFF + 1
            out.append(self._send(requests.extended_poll(self._number, object_class), "poll"))
        return out

    # -- what arrives ------------------------------------------------------------------------------------

    def payload(self, payload: bytes, received: Clocks) -> list[Output]:
        """One message of the monitor; anything else becomes a fault."""
        self._heard = received.mono_s
        try:
            if payload[:2] == b"\xe1\x00":
                return self._operation(messages.parse_message(payload), received)
            if payload[:4] == b"\x00\x00\x01\x00":
                return self._indication(payload)
            return self._session(payload[:1], received)
        except Malformed as error:
            return [Fault(f"malformed_{error}")]

    def _session(self, first: bytes, received: Clocks) -> list[Output]:
        kind = first[0] if first else -1
        if kind == _ACCEPTED:
            self._associated = True
            self._next_association = received.mono_s + _GIVE_UP_AFTER_S
            return []
        if kind in (_REFUSED, _ABORTED, _RELEASED):
            self._lost()
            self._next_association = received.mono_s + _RETRY_AFTER_S
            return [Fault("association_refused" if kind == _REFUSED else "association_ended")]
        if kind in (0x0D, 0x09):  # another client's request on a tapped line
            return []
        return [Fault("unknown_message")]

    def _operation(self, message: Message, received: Clocks) -> list[Output]:
        if message.operation == messages.ROER:
            return [Fault("error_answer", str(message.command))]
        if message.command == messages.EVENT_REPORT and message.operation == messages.ROIV:
            return self._event(message, received)
        if message.command == messages.ACTION and message.operation in (messages.RORS, messages.RORLS):
            return self._result(message, received)
        return []

    def _event(self, message: Message, received: Clocks) -> list[Output]:
        event = messages.parse_event(message.body)
        if event.kind != messages.MDS_CREATE:
            return []
        absolute = messages.parse_absolute(event.attributes.get(messages.ATTR_TIME_ABS, b""), self._zone)
        relative = event.attributes.get(messages.ATTR_TIME_REL, b"")
        if absolute is not None:
            at = int.from_bytes(relative, "big") if len(relative) == 4 else event.relative
            self._timeline.anchor(absolute, at)
        out: list[Output] = [DeviceInfo(describe(event.attributes))]
        if self._started and not self._passive:
            self._created = True
            self._next_keep_alive = received.mono_s + _KEEP_ALIVE_EVERY_S
            confirmation = requests.confirm_creation(message.invoke, event.relative)
            out += [self._send(confirmation, "creation confirmation"), *self._ask(received)]
        return out

    def _result(self, message: Message, received: Clocks) -> list[Output]:
        result = messages.parse_poll(message.body)
        absolute = messages.parse_absolute(result.absolute, self._zone)
        if absolute is not None:
            self._timeline.anchor(absolute, result.relative)
        at = self._timeline.at(result.relative)
        out: list[Output] = []
        for one in result.objects:
            out += self._objects.read(one, at)
        if any(isinstance(one, Observation) for one in out):
            out = self._cuff.date(out, received.wall_ms if at is None else at)
        return out if self._waves else [one for one in out if not isinstance(one, Wave)]

    def _indication(self, payload: bytes) -> list[Output]:
        """What a monitor announces by itself on the network: who and where it is."""
        cursor = Cursor(payload)
        cursor.take(4)
        if cursor.u16() != messages.ROIV:
            raise Malformed("operation")
        inner = cursor.sized()
        inner.take(2)
        if inner.u16() not in (0, messages.EVENT_REPORT):
            raise Malformed("command")
        body = inner.sized()
        body.take(6)
        body.u32()
        if body.u16() != messages.CONNECT_INDICATION:
            raise Malformed("event")
        return [DeviceInfo(describe(messages.parse_attributes(body.sized())))]


def describe(attributes: dict[int, bytes]) -> dict[str, str]:
    """Model, network address and ports from the attributes; never the patient."""
    items: dict[str, str] = {}
    try:
        if 0x0928 in attributes:
            model = Cursor(attributes[0x0928])
            items["manufacturer"], items["model"] = (_text(model.sized()) for _ in range(2))
        network = attributes.get(0xF100, b"")
        if len(network) >= 10:
            items["mac"] = network[:6].hex(":")
            items["address"] = str(ipaddress.IPv4Address(network[6:10]))
        if 0xF101 in attributes:
            count, inner = Cursor(attributes[0xF101]).items()
            for _ in range(count):
                protocol, transport, port, _options = (inner.u16() for _ in range(4))
                if (protocol, transport) == (5, 1):
                    items["data_export_port"] = str(port)
    except Malformed:
        return items
    return items


def _text(cursor: Cursor) -> str:
    return cursor.take(cursor.left).decode("ascii", "replace").strip("\0 ")[:60]
