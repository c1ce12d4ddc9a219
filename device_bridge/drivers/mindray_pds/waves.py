"""Message 157: curves. Each `ZMW` segment holds one second of one curve in a packing that keeps HL7's marks out.

On the line seven bytes are followed by an eighth whose bits 0-6 are their highest bits. Unpacked: checksum (not
published), curve id, bytes a sample, samples a second (all high byte first), one reserved byte, the samples. What a count
is worth is not published, so the curves stay in counts.
"""

from device_bridge.drivers.base import NO_SAMPLE, Fault, Output, Unmapped, Wave

SEGMENT = b"ZMW|"
HEADER_SIZE = 8
_BLOCK = 8
_ONE_BYTE, _TWO_BYTES = 1, 2
_FASTEST_HZ = 2_000
_MOST_CURVES = 64
_MIDDLE = 32_767  # two-byte counts have no sign; those of a curve have one

WAVES: dict[int, str] = {
    **{1101 + n: f"ECG{n + 1}" for n in range(12)},
    1113: "ECG_I", 1114: "ECG_II", 1115: "ECG_III", 1116: "ECG_aVR", 1117: "ECG_aVL", 1118: "ECG_aVF",
    1119: "ECG_V1", 1120: "ECG_V2", 1121: "ECG_V3", 1122: "ECG_V4", 1123: "ECG_V5", 1124: "ECG_V6", 1126: "ECG_V",
    1151: "RESP", 1152: "PLETH", 1161: "P1", 1162: "P2", 1163: "P3", 1164: "P4",
    1171: "ART", 1172: "PAP", 1173: "CVP", 1174: "RAP", 1175: "LAP", 1176: "ICP",
    **{1177 + n: f"P{n + 1}" for n in range(8)},
    1200: "CO2", 1210: "CO2", 1211: "O2", 1212: "N2O", 1213: "AA", 1230: "PAW", 1231: "FLOW", 1232: "VOL",
    1240: "EEG", 1250: "PAW", 1251: "FLOW", 1252: "VOL",
}  # fmt: skip


def curves(message: bytes) -> list[Output]:
    """The curves of a message, without time: the arrival counts."""
    segments = [one.removeprefix(SEGMENT) for one in message.split(b"\r") if one.startswith(SEGMENT)]
    return [_curve(unpack(one)) for one in segments[:_MOST_CURVES]]


def unpack(packed: bytes) -> bytes:
    """The bytes as they were before packing; what is no whole block is filling."""
    plain = bytearray()
    for start in range(0, len(packed) - _BLOCK + 1, _BLOCK):
        *seven, highest = packed[start : start + _BLOCK]
        plain += bytes((byte & 0x7F) | ((highest >> place & 1) << 7) for place, byte in enumerate(seven))
    return bytes(plain)


def _curve(plain: bytes) -> Output:
    if len(plain) < HEADER_SIZE:
        return Fault("wave_length")
    number, size, rate = int.from_bytes(plain[2:4], "big"), plain[4], int.from_bytes(plain[5:7], "big")
    data = plain[HEADER_SIZE : HEADER_SIZE + size * rate]
    if size not in (_ONE_BYTE, _TWO_BYTES) or not 0 < rate <= _FASTEST_HZ or len(data) < size * rate:
        return Fault("wave_length")
    code = WAVES.get(number)
    if code is None:
        return Unmapped(f"wave {number}", "wave", str(rate))
    if size == _ONE_BYTE:
        return Wave(code, "", rate, 1.0, tuple(data))
    counts = (int.from_bytes(data[at : at + 2], "big") - _MIDDLE for at in range(0, len(data), 2))
    samples = tuple(NO_SAMPLE if count > _MIDDLE else count for count in counts)
    return Wave(code, "", rate, 1.0, samples, offset=float(_MIDDLE))
