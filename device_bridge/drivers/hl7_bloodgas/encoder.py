"""The analyser's side, for simulators and tests."""

from collections.abc import Sequence

from device_bridge.drivers.mllp import frame


def message(results: Sequence[tuple[str, str, str, str]], *, at: str, sent: str, control: str = "1") -> bytes:
    """One ORU^R01; `results` are (test, printed value, unit, flag), times `YYYYMMDDhhmmss`."""
    lines = [
        f"MSH|^~\\&|SIM-ABL||||{sent}||ORU^R01|{control}|P|2.3",
        "PID|1",
        f"OBR|1||{control}||||{at}",
    ]
    for number, (test, value, unit, flag) in enumerate(results, 1):
        lines.append(f"OBX|{number}|ST|^{test}^M||{value}|{unit}||{flag}|||F")
    return frame(("\r".join(lines) + "\r").encode("utf-8"))
