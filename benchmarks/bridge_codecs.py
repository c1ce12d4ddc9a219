"""Decoding speed of the bridge, with a baseline in the same run.

DRI: megabytes of line a second (a monitor sends under 3 KB/s). HL7: messages of 60 observations a second
through our codec, and through python-hl7's parser alone, which is the usual way.

    python benchmarks/bridge_codecs.py
"""

import time
from collections.abc import Callable

import hl7

from device_bridge.drivers.base import Clocks, CodecOptions
from device_bridge.drivers.ge_dri.encoder import Physiological, physiological_frame
from device_bridge.drivers.mindray_pds import encoder as mindray
from device_bridge.drivers.mindray_pds.encoder import Numeric
from device_bridge.drivers.registry import get_driver
from device_bridge.simulators.ge_dri import fill
from device_bridge.simulators.patient import SimulatedPatient

SECONDS = 2.0
AT = Clocks(1_790_000_000_000, 0.0)


def rate(work: Callable[[], int]) -> float:
    """Units a second: `work` gives how many it did."""
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        done += work()
    return done / (time.perf_counter() - began)


def dri_line() -> bytes:
    """Ten minutes of one monitor with basic and three extended classes."""
    patient, line = SimulatedPatient(1), b""
    for second in range(600):
        at = 1_790_000_000 + second
        basic = Physiological(at)
        fill(basic, patient.values(1000 + second))
        classes = [basic, *(Physiological(at, subclass=n) for n in (1, 2, 3))]
        line += physiological_frame(classes, number=second & 0xFF, time=at)
    return line


def main() -> None:
    """Measure and print."""
    line = dri_line()

    def dri() -> int:
        codec = get_driver("ge_dri").codec(CodecOptions())
        for position in range(0, len(line), 4096):
            codec.feed(line[position : position + 4096], AT)
        return len(line)

    message = mindray.periodic([Numeric("101", "HR", "2101", "60")] * 60)
    text = message[1:-2].decode()

    def ours() -> int:
        codec = get_driver("mindray_pds").codec(CodecOptions())
        for _ in range(50):
            codec.feed(message, AT)
        return 50

    def theirs() -> int:
        for _ in range(5):
            hl7.parse(text)
        return 5

    print(f"GE DRI            {rate(dri) / 1e6:8.1f} MB/s")
    mine, baseline = rate(ours), rate(theirs)
    print(f"HL7 60 OBX, ours  {mine:8.0f} messages/s (framed, decoded, judged)")
    print(f"HL7 60 OBX, hl7   {baseline:8.0f} messages/s (parsed only)")
    print(f"ratio             {mine / baseline:8.1f} x")


if __name__ == "__main__":
    main()
