"""The only way from the bridge to a device.

The system collects and never controls. A codec can only *ask* to send; a transport can only write
`ClearedBytes`, and only `OutboundGate.clear` makes those, after the family's checker has read the bytes again
on its own. Everything that leaves is logged, everything refused is logged and raised as an alarm.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from device_bridge.drivers.base import Checker, Send

_SEAL = object()


class ClearedBytes:
    """Bytes that a checker has let pass. Cannot be made outside this module."""

    __slots__ = ("payload",)

    def __init__(self, payload: bytes, seal: object) -> None:
        if seal is not _SEAL:
            raise PermissionError("only the outbound gate clears bytes for a device")
        self.payload = payload


@dataclass(frozen=True, slots=True)
class Passage:
    """One attempt to send: for the log of everything that left, and of everything that was stopped."""

    reason: str
    payload: bytes
    refused: str | None


Log = Callable[[Passage], None]


class OutboundGate:
    """Checks what one device's driver wants to send."""

    def __init__(self, checker: Checker, log: Log) -> None:
        self._checker = checker
        self._log = log
        self._lock = threading.Lock()
        self.passed = 0
        self.refused = 0

    def clear(self, send: Send) -> ClearedBytes | None:
        """The bytes as permitted for a transport, or None when they must not leave.

        A checker that fails refuses: an unreadable message is not a permitted one.
        """
        try:
            refusal = self._checker(send.payload)
        except Exception as error:
            refusal = f"检查失败：{type(error).__name__}"
        with self._lock:
            if refusal is None:
                self.passed += 1
            else:
                self.refused += 1
        self._log(Passage(send.reason, send.payload, refusal))
        return ClearedBytes(send.payload, _SEAL) if refusal is None else None


def refuse_all(payload: bytes) -> str | None:
    """Checker of devices that only push: nothing may leave."""
    return "该设备只接收，不允许发送任何数据" if payload else "空数据"
