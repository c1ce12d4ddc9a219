"""What a driver is made of. Nothing here or in any driver opens a socket, reads a clock or touches a disk.

A *codec* receives bytes with the clocks at which they arrived and returns outputs. What it would like to send
to the device it returns too, as `Send`: the bytes leave only after the family's own checker has read them
again (`device_bridge.outbound`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from device_bridge.parameters import conversion, judge
from device_bridge.wire import DeviceAlarm, Quality

if TYPE_CHECKING:
    from device_bridge.profiles.lines import Profile

# Attribute access on an enum is slow enough to matter in the inner loops of codecs.
GOOD = Quality.GOOD
INVALID = Quality.INVALID


@dataclass(frozen=True, slots=True)
class Clocks:
    """The moment at which something arrived: wall clock (ms since 1970 UTC) and monotonic clock (s)."""

    wall_ms: int
    mono_s: float


# Not frozen, only because a frozen one costs twice the time to make and a busy line makes thousands a second.
@dataclass(slots=True, unsafe_hash=True)
class Observation:
    """One value as the device stated it; never changed after it was made.

    `time_ms` is the device's claim in UTC milliseconds, or None when the protocol carries no time.
    `episode_ms` is the moment of an episodic measurement (NIBP) when the device states it or the codec saw it
    appear (`episode_inferred`); None for continuous values and for episodes of unknown age.
    """

    code: str
    value: float | None  # None: the device said that there is no value
    unit: str
    quality: Quality
    time_ms: int | None = None
    episode_ms: int | None = None
    episode_inferred: bool = False


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that the device announced, with the device's own time, or 0 when it gave none."""

    alarm: DeviceAlarm


NO_SAMPLE = -32768


@dataclass(frozen=True, slots=True)
class Wave:
    """A piece of a curve: physical value = raw * scale + offset.

    `samples` are raw signed 16-bit counts; `NO_SAMPLE` stands where the device had none.
    """

    code: str
    unit: str
    rate_hz: float
    scale: float
    samples: tuple[int, ...]
    offset: float = 0.0
    time_ms: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What the device says about itself (model, bed, plug id). Never patient data."""

    items: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something on the line that the codec could not use. `kind` is a short stable word for counting."""

    kind: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A measurement the driver does not know; counted and shown, so that it can be added to the table."""

    source_code: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes the codec asks to send. `after_commit`: only once all that came before is safe on disk (ACKs)."""

    payload: bytes
    reason: str
    after_commit: bool = False


@dataclass(frozen=True, slots=True)
class Routed:
    """What a gateway said about another device: `device` is the key under which that one is registered."""

    device: str
    outputs: "tuple[Output, ...]"


@dataclass(frozen=True, slots=True)
class MessageBegins:
    """What follows, up to the next of these, is one message of a protocol that waits for an acknowledgement.

    A sender that did not get one says the same message again, word for word; then `identity` is the same again.
    Blank: nothing tells this message from another one.
    """

    identity: str


Output = Observation | Alarm | Wave | DeviceInfo | Fault | Unmapped | Send | Routed | MessageBegins


class Codec(Protocol):
    """One connection's decoder. Feeding it anything must never raise and never grow without bound."""

    def opened(self, now: Clocks) -> list[Output]:
        """The connection stands; typically the first request."""

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Bytes arrived, in pieces of any size."""

    def poll(self, now: Clocks) -> list[Output]:
        """Called several times a second: heartbeats, repeated requests, values held back."""

    def closed(self, now: Clocks) -> list[Output]:
        """The connection ended or the file is over: give what was held back."""


@dataclass(frozen=True, slots=True)
class CodecOptions:
    """What the registry knows about the device: its time zone, the driver's own options and the profile of its model
    (None: the default that comes with the driver)."""

    timezone: str = "Asia/Shanghai"
    values: Mapping[str, Any] = field(default_factory=dict)
    profile: "Profile | None" = None


# Reads one outgoing byte string on its own; None = may leave, otherwise the reason why not (in Chinese).
Checker = Callable[[bytes], str | None]


# No instrument measures more; a damaged floating-point number does.
BEYOND_ALL = 1e12


def _as_is(data: bytes) -> bytes:
    return data


# Options that are consents, and how the device page calls them.
CONSENTS: dict[str, str] = {"read_pump": "允许只读采集输注泵"}


@dataclass(frozen=True, slots=True)
class Driver:
    """An entry of the registry: everything the bridge must know about one family of devices."""

    name: str
    title: str  # Chinese, for the device page and the manual
    codec: Callable[[CodecOptions], Codec]
    checker: Checker
    default_transport: Mapping[str, Any]
    capabilities: tuple[str, ...] = ("numerics",)
    # Turns other forms in which captures are kept (text, bare records) into the bytes of the line.
    prepare_file: Callable[[bytes], bytes] = _as_is
    # Speaks in datagrams: one feed is one whole message.
    datagrams: bool = False
    # Gives one message a connection: it is ended after the message and made again a second later.
    one_message: bool = False
    # An option that somebody must set before the device is even connected to, and what he must know (Chinese).
    consent: str = ""
    warning: str = ""

    def refusal(self, options: Mapping[str, Any]) -> str | None:
        """Why a device with these options is left alone, None when it may be read."""
        if not self.consent or options.get(self.consent) is True:
            return None
        return f"默认关闭：{self.warning}请在设备页勾选“{CONSENTS[self.consent]}”后启用。"


def observe_as_stated(
    code: str,
    value: float | None,
    unit: str,
    *,
    time_ms: int | None = None,
    episode_ms: int | None = None,
    episode_inferred: bool = False,
    quality: Quality = Quality.GOOD,
) -> Observation:
    """An observation in the unit the device printed, judged in the canonical one.

    For results that people compare with a paper slip. The normaliser converts them; a unit that cannot become
    the canonical one is kept and flagged.
    """
    factor = conversion(code, unit)
    if value is None or factor is None:
        flags = quality | (Quality.UNIT_SUSPECT if value is not None else Quality.INVALID)
        return Observation(code, value, unit, flags, time_ms, episode_ms, episode_inferred)
    judged = quality | judge(code, round(value * factor, 4))
    return Observation(code, round(value, 4), unit, judged, time_ms, episode_ms, episode_inferred)
