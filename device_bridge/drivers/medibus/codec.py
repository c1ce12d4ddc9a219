"""The MEDIBUS dialogue: initialise, identify, ask page after page, and answer what the machine asks."""

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Observation, Output, Send
from device_bridge.drivers.cuff import CuffWatch
from device_bridge.drivers.medibus.framing import COMMAND, NAK, RESPONSE, MedibusFramer, Telegram, build
from device_bridge.drivers.medibus.pages import Pages
from device_bridge.drivers.medibus.tables import MEDIBUS, Dialect
from device_bridge.profiles.table import table_of

INITIALISE, IDENTIFY, NO_OPERATION, STOP = 0x51, 0x52, 0x30, 0x55
FIRST, SECOND, SETTINGS, TEXTS, ALARMS_1, ALARMS_2, ALARMS_3 = 0x24, 0x2B, 0x29, 0x2A, 0x27, 0x2E, 0x23
CLOCK = 0x28
IDENTITY = b"0000'MAFEI'01.00:04.00"
_CYCLE = (TEXTS, FIRST, SECOND, SETTINGS, ALARMS_1, ALARMS_2, ALARMS_3)
_CLOCK_EVERY_S = 600.0
_NEVER_CONFIRMED = frozenset({0x49, 0x4A, 0x54})  # time changed, configure response, configure real time
_PAUSE_S = 1.0
_PATIENCE_S = 10.0
_INITIALISE_EVERY_S = 3.0


class MedibusCodec:
    """One machine."""

    dialect: Dialect = MEDIBUS

    def __init__(self, options: CodecOptions) -> None:
        self._framer = MedibusFramer()
        self._pages = Pages(self.dialect, table_of(self.dialect.name, options))
        self._cuff = CuffWatch()
        self._started = False
        self._ready = False
        self._identified = False
        self._outstanding: int | None = None
        self._asked_at = 0.0
        self._next = 0.0
        self._place = 0
        self._unsupported: set[int] = set()
        self._clock_at: float | None = None

    def opened(self, now: Clocks) -> list[Output]:
        """Begin the dialogue."""
        self._started = True
        return self._ask(INITIALISE, now)

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode what arrived and answer it."""
        out: list[Output] = []
        for telegram in self._framer.feed(data):
            out += self._command(telegram, received) if telegram.is_command else self._response(telegram, received)
        out += [Fault(kind) for kind in self._framer.faults]
        self._framer.faults.clear()
        if self._framer.aborted:
            self._framer.aborted = False
            self._outstanding = None
        return out

    def poll(self, now: Clocks) -> list[Output]:
        """Ask the next page; one question at a time."""
        if not self._started or self._framer.suspended:
            return []
        if self._outstanding is not None:
            patience = _INITIALISE_EVERY_S if self._outstanding == INITIALISE else _PATIENCE_S
            if now.mono_s - self._asked_at < patience:
                return []
            lost = self._outstanding != INITIALISE
            self._ready = False
            return [*([Fault("no_answer", f"{self._outstanding:02X}")] if lost else []), *self._ask(INITIALISE, now)]
        if now.mono_s < self._next:
            return []
        return self._ask(self._following(now) if self._ready else INITIALISE, now)

    def closed(self, now: Clocks) -> list[Output]:
        """Nothing is held back."""
        return []

    # -- asking ----------------------------------------------------------------------------------------

    def _ask(self, code: int, now: Clocks) -> list[Output]:
        self._outstanding, self._asked_at = code, now.mono_s
        return [Send(build(COMMAND, code), "data request" if code in (*_CYCLE, CLOCK) else "communication")]

    def _following(self, now: Clocks) -> int:
        if not self._identified:
            return IDENTIFY
        if self._place == 0 and CLOCK not in self._unsupported:
            if self._clock_at is None:  # the first values come before the time of day
                self._clock_at = now.mono_s + 2 * _PAUSE_S
            elif now.mono_s >= self._clock_at:
                self._clock_at = now.mono_s + _CLOCK_EVERY_S
                return CLOCK
        wanted = [code for code in _CYCLE if code not in self._unsupported]
        if not wanted:
            return NO_OPERATION
        code = wanted[self._place % len(wanted)]
        self._place = (self._place + 1) % len(wanted)
        return code

    def _answered(self, now: Clocks) -> None:
        """The pause comes after a whole cycle; within it the next page follows at once."""
        done = self._outstanding
        self._outstanding = None
        cycle_over = done in _CYCLE and self._place == 0
        self._next = now.mono_s + (_PAUSE_S if cycle_over or done == NO_OPERATION else 0.0)

    # -- hearing ---------------------------------------------------------------------------------------

    def _command(self, telegram: Telegram, received: Clocks) -> list[Output]:
        """The machine asks or tells. It must get an answer, also while ours is still open."""
        if not self._started:
            return []
        if telegram.code == IDENTIFY:
            return [Send(build(RESPONSE, IDENTIFY, IDENTITY), "identity")]
        if telegram.code == INITIALISE:
            # the machine begins anew: what was asked before will not be answered
            self._ready, self._identified, self._place = True, False, 0
            self._outstanding, self._next = None, received.mono_s
            return [Send(build(RESPONSE, INITIALISE), "communication")]
        if telegram.code in _NEVER_CONFIRMED or not 0x20 <= telegram.code <= 0x55:
            return [Send(build(RESPONSE, NAK), "not understood")]
        return [Send(build(RESPONSE, telegram.code), "communication")]

    def _response(self, telegram: Telegram, received: Clocks) -> list[Output]:
        code = telegram.code
        if code == NAK:
            if self._outstanding in (*_CYCLE, CLOCK):
                self._unsupported.add(self._outstanding or 0)
                self._place = 0
            elif self._outstanding == IDENTIFY:
                self._identified = True
            self._answered(received)
            return [Fault("not_supported")] if self._started else []
        if code == INITIALISE:
            self._ready = True
        if code == self._outstanding:
            self._answered(received)
        out = self._page(telegram)
        if any(isinstance(one, Observation) for one in out):
            out = self._cuff.date(out, received.wall_ms)
        return out

    def _page(self, telegram: Telegram) -> list[Output]:
        if telegram.code == FIRST:
            return self._pages.first(telegram.data)
        if telegram.code == SECOND:
            return self._pages.second(telegram.data)
        if telegram.code == TEXTS:
            return self._pages.texts(telegram.data)
        if telegram.code == SETTINGS:
            return self._pages.settings(telegram.data)
        if telegram.code == CLOCK:
            return self._pages.clock(telegram.data) if telegram.data else []
        if telegram.code in (ALARMS_1, ALARMS_2, ALARMS_3):
            return self._pages.alarms(telegram.data)
        if telegram.code == IDENTIFY:
            self._identified = True
            return self._pages.identity(telegram.data)
        return []
