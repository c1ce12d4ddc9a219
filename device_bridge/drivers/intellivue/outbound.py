"""Reads again what is about to leave towards an IntelliVue monitor. Shares no code with the rest on purpose.

Allowed: the two association requests, the release, the confirmation of the creation event, single and extended
polls of numbers, curves and the monitor itself. Every SET, every other action, create and delete are refused.
"""

import hashlib
import struct

_ASSOCIATIONS = frozenset(
    {
        "5745de7adc6ffc0ae7d7b29add691b9559bd8903960f07fe83a40e9727f49329",
        "97dd7f37a93724c08553cd389ff4033dcea3d05c520fcb845b458a2a4efaf1f4",
    }
)
_RELEASE = bytes.fromhex("0918c11661803080020101a08062808001000000000000000000")
_OBJECTS = frozenset({0x0006, 0x0009, 0x0021, 0x0036})
_REFUSED = "飞利浦监护仪只允许发送关联、确认和读取(轮询)请求"


def check(payload: bytes) -> str | None:
    """None when the payload is one read request of the session, otherwise why it must not leave."""
    if hashlib.sha256(payload).hexdigest() in _ASSOCIATIONS or payload == _RELEASE:
        return None
    try:
        return None if _operation_allowed(payload) else _REFUSED
    except struct.error:
        return _REFUSED


def _operation_allowed(payload: bytes) -> bool:
    session, context, operation, length = struct.unpack_from(">4H", payload, 0)
    if (session, context) != (0xE100, 2) or length != len(payload) - 8:
        return False
    _, command, size = struct.unpack_from(">3H", payload, 8)
    if size != len(payload) - 14:
        return False
    if operation == 2:
        return command == 1 and _is_confirmation(payload)
    if operation != 1 or command != 7:
        return False
    return _is_poll(payload)


def _is_confirmation(payload: bytes) -> bool:
    if len(payload) != 28:
        return False
    object_class, context, handle, _, event, length = struct.unpack_from(">3HI2H", payload, 14)
    return (object_class, context, handle, event, length) == (0x21, 0, 0, 0x0D06, 0)


def _is_poll(payload: bytes) -> bool:
    object_class, context, handle, scope_high, scope_low, action, size = struct.unpack_from(">7H", payload, 14)
    if (object_class, context, handle, scope_high, scope_low) != (0x21, 0, 0, 0, 0) or size != len(payload) - 28:
        return False
    if action == 0x0C16:
        return size == 8 and _object(payload)
    if action != 0xF13B or size != 20:
        return False
    count, length, attribute, width, ticks = struct.unpack_from(">4HI", payload, 36)
    return (count, length, attribute, width) == (1, 8, 0xF13E, 4) and ticks <= 3600 * 8000 and _object(payload)


def _object(payload: bytes) -> bool:
    partition, kind = struct.unpack_from(">2H", payload, 30)
    return partition == 1 and kind in _OBJECTS


def check_serial(payload: bytes) -> str | None:
    """The same for the serial line: exactly one frame with the right check sequence around such a request."""
    if len(payload) < 8 or payload[0] != 0xC0 or payload[-1] != 0xC1:
        return _REFUSED
    body = bytearray()
    escaped = False
    for byte in payload[1:-1]:
        if byte in (0xC0, 0xC1):
            return _REFUSED
        if byte == 0x7D:
            if escaped:
                return _REFUSED
            escaped = True
            continue
        body.append(byte ^ 0x20 if escaped else byte)
        escaped = False
    if escaped or len(body) < 6 or bytes(body[:2]) != b"\x11\x01" or int.from_bytes(body[2:4], "big") != len(body) - 6:
        return _REFUSED
    if _check_sequence(bytes(body[:-2])) != int.from_bytes(body[-2:], "little"):
        return _REFUSED
    return check(bytes(body[4:-2]))


def _check_sequence(data: bytes) -> int:
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ 0x8408 if register & 1 else register >> 1
    return register ^ 0xFFFF
