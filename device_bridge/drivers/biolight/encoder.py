"""The monitor's own frames, for simulators and tests."""

from collections.abc import Mapping

from device_bridge.drivers.biolight.frames import Block, build, pack

_INVALID_TEMPERATURE = b"\x04\x7f\x3f"


def frame(values: Mapping[str, float | None], counter: int = 0) -> bytes:
    """One frame with the canonical `values` it holds; None or a missing code is the device's own sentinel."""
    rate, saturation, pulse, respiration = (values.get(code) for code in ("HR", "SpO2", "PR", "RR"))
    hr = 511 if rate is None else round(rate)
    blocks = [
        Block(0xE0, 1, bytes((0x08, 0x61, 0, (hr >> 7) & 3, hr & 0x7F))),
        Block(0xE4, 0x32, _temperature(values.get("T1"))),
        Block(0xE4, 0x33, _temperature(values.get("T2"))),
        Block(0xE6, 0x14, _pressure(values, "P1")),
        Block(0xE3, 4, bytes((255 if respiration is None else round(respiration),))),
        Block(0xE1, 2, bytes((0, 127 if saturation is None else round(saturation)))),
        Block(0xE2, 0x0B, pack(1023 if pulse is None else round(pulse)) + b"\x02"),
        Block(0xE5, 3, _cuff(values)),
    ]
    return build(blocks, counter)


def _temperature(value: float | None) -> bytes:
    return _INVALID_TEMPERATURE if value is None else b"\x00" + pack(round(value * 10))


def _pressure(values: Mapping[str, float | None], name: str) -> bytes:
    numbers = [values.get(f"{name}_{suffix}") for suffix in "SMD"]
    if None in numbers:
        return b"\x09" + pack(990) * 3
    return b"\x08" + b"".join(pack(round((one or 0.0) * 10) + 1000) for one in numbers)


def _cuff(values: Mapping[str, float | None]) -> bytes:
    numbers = [values.get(f"NIBP_{suffix}") for suffix in "SMD"]
    if None in numbers:
        return b"\x10\x01\0\0" + pack(8182) * 3
    return b"\x00\x01\0\0" + b"".join(pack(round((one or 0.0) * 10)) for one in numbers)
