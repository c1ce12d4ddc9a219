"""The dialogue with a rack or a single pump: open, which modules are there, read each of them in turn.

Every message of the pump is acknowledged on the line (ACK) and its enquiries are answered (DC4); that is all that
leaves besides the read commands `DC` and `LE`. The closing command is not sent: the pump ends the session by itself.
"""

from device_bridge.drivers.base import Alarm, Clocks, CodecOptions, DeviceInfo, Fault, Output, Send
from device_bridge.drivers.fresenius_pump.framing import ACK, DC4, Event, FreseniusFramer, frame
from device_bridge.drivers.pumps import permitted, pump_number
from device_bridge.parameters import PUMPS
from device_bridge.profiles.table import table_of
from device_bridge.wire import DeviceAlarm

CONNECT, VALUES, MODULES = b"DC", b"LE;draem", b"LE;b"
_BASE = 0
_MODULES = 5  # of a rack
_PATIENCE_S = 2.0
_EVERY_S = 2.0


class FreseniusCodec:
    """Option `layout`: "rack" (Base Primea, default) or "single"; nothing is asked without option `read_pump`.

    Module n of a rack fills the codes of pump n; a single pump those that option `pump` names.
    """

    def __init__(self, options: CodecOptions) -> None:
        self._framer = FreseniusFramer()
        self._table = table_of("fresenius_pump", options)
        self._permitted = permitted(options)
        self._rack = options.values.get("layout") != "single"
        self._number = pump_number(options)
        self._restart(0.0)

    def _restart(self, next_at: float) -> None:
        first = bytes((0x30 + _BASE,)) + CONNECT if self._rack else CONNECT
        self._waiting = [first]
        self._asked: bytes | None = None
        self._asked_at, self._next = 0.0, next_at
        self._modules: list[int] = []
        self._silent = 0

    def opened(self, now: Clocks) -> list[Output]:
        """Open the dialogue, when it is permitted."""
        self._restart(now.mono_s)
        return self.poll(now)

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode what arrived and answer it."""
        out: list[Output] = []
        for event in self._framer.feed(data):
            out += self._event(event, received)
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """One question at a time; after a silence the dialogue begins anew."""
        if not self._permitted:
            return []
        out: list[Output] = []
        if self._asked is not None:
            if now.mono_s - self._asked_at < _PATIENCE_S:
                return []
            out.append(Fault("no_answer"))
            self._asked, self._silent = None, self._silent + 1
            if self._silent >= 3:
                self._restart(now.mono_s + _EVERY_S)
        if now.mono_s < self._next:
            return out
        if not self._waiting:
            self._waiting = self._cycle()
        self._asked, self._asked_at = self._waiting.pop(0), now.mono_s
        return [*out, Send(frame(self._asked), "data request")]

    def closed(self, now: Clocks) -> list[Output]:
        """Half a message is nothing."""
        return []

    def _cycle(self) -> list[bytes]:
        if not self._rack:
            return [VALUES]
        base = bytes((0x30 + _BASE,)) + MODULES
        return [base, *(b"%d" % module + VALUES for module in self._modules)]

    def _event(self, event: Event, now: Clocks) -> list[Output]:
        if event.kind == "enquiry":
            return [Send(bytes((DC4,)), "line monitor")] if self._permitted else []
        if event.kind != "message":
            if event.kind == "refused":
                self._answered(now)
            return [Fault(event.kind, event.status)]
        out: list[Output] = [Send(bytes((ACK,)), "frame answer", after_commit=True)] if self._permitted else []
        if event.status == "I":
            self._answered(now)
            return [Fault("error_answer", ";".join(event.fields)[:20]), *out]
        if event.status != "C":
            return [Fault("unexpected_answer", event.status[:10]), *out]
        self._answered(now)
        return [*self._contents(event), *out]

    def _answered(self, now: Clocks) -> None:
        self._asked, self._silent = None, 0
        self._next = now.mono_s + (0.0 if self._waiting else _EVERY_S)

    def _contents(self, event: Event) -> list[Output]:
        values = {field[:1]: field[1:] for field in event.fields if field}
        if event.address == _BASE and "b" in values:
            return self._found(_hex(values["b"]))
        if "d" not in values and "r" not in values:
            return []
        number = event.address or self._number
        rate, volume = _hex(values.get("d", "")), _hex(values.get("r", ""))
        if not 1 <= number <= PUMPS:
            return [Fault("pump_number", str(number)[:20])]
        out = self._table.tell(f"{number}.rate", rate) + self._table.tell(f"{number}.volume", volume)
        for letter, name in (("a", "报警"), ("e", "故障")):
            word = _hex(values.get(letter, ""))
            if word:
                text = f"注射泵{number} {name}字 {values[letter]}"[:200]
                out.append(Alarm(DeviceAlarm(0, f"PUMP{number}_{letter}{word:X}", text, "technical", "continue")))
        if values.get("m"):
            out.append(DeviceInfo({f"pump{number}_mode": values["m"][:20]}))
        return out

    def _found(self, bits: int | None) -> list[Output]:
        if bits is None:
            return [Fault("modules")]
        modules = [place + 1 for place in range(_MODULES) if bits & (1 << place)]
        fresh = [module for module in modules if module not in self._modules]
        self._modules = modules
        self._waiting = [b"%d" % module + CONNECT for module in fresh] + [b"%d" % module + VALUES for module in modules]
        return [DeviceInfo({"modules": ",".join(map(str, modules))})]


def _hex(digits: str) -> int | None:
    if not digits or len(digits) > 8 or any(one not in "0123456789ABCDEFabcdef" for one in digits):
        return None
    return int(digits, 16)
