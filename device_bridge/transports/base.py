"""What the device session expects of a transport."""

from typing import Protocol, runtime_checkable

from device_bridge.outbound import ClearedBytes, OutboundGate


class TransportError(OSError):
    """The device cannot be reached or the settings make no sense; the text is for people (Chinese)."""


class Connection(Protocol):
    """One established line to one device."""

    peer: str

    async def read(self) -> bytes:
        """Whatever has arrived; empty when the line ended. Raises `OSError` when it broke."""

    async def write(self, cleared: ClearedBytes) -> None:
        """Send bytes that the outbound gate has let pass. Raises `OSError` when the line broke."""

    async def close(self) -> None:
        """End the line; safe to call more than once."""


class Endpoint(Protocol):
    """The place of a device. `many`: several devices or gateways may be connected at the same time."""

    many: bool

    async def connect(self) -> Connection:
        """Reach the device, or wait until it reaches us. Raises `OSError`."""

    async def close(self) -> None:
        """Stop listening."""


@runtime_checkable
class GatedEndpoint(Protocol):
    """An endpoint whose protocol makes requests by itself: it gets the gate of the session and asks it each time."""

    def use_gate(self, gate: OutboundGate) -> None:
        """Clear every request with this gate before it leaves."""
