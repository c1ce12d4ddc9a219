"""Decoding speed of the bridge in processor time of one core, with a baseline in the same run.

DRI: megabytes of line a second (a monitor sends under 3 KB/s). HL7: messages of 60 observations a second through
our codecs, and through python-hl7's parser alone, which is the usual way.

    PYTHONPATH=. python benchmarks/bridge_codecs.py
"""

import time
from collections.abc import Callable

import hl7

from device_bridge.drivers.base import Clocks, CodecOptions, Observation
from device_bridge.drivers.ge_dri.encoder import Physiological, physiological_frame
from device_bridge.drivers.mindray_pds import encoder as mindray
from device_bridge.drivers.mindray_pds.encoder import Numeric
from device_bridge.drivers.mllp import frame
from device_bridge.drivers.registry import get_driver
from device_bridge.profiles.store import terms
from device_bridge.simulators.ge_dri import fill
from device_bridge.simulators.patient import SimulatedPatient

SECONDS = 2.0
AT = Clocks(1_790_000_000_000, 0.0)


def rate(work: Callable[[], int]) -> float:
    """Units a second of processor time: `work` gives how many it did."""
    work()
    done, began = 0, time.process_time()
    while time.process_time() - began < SECONDS:
        done += work()
    return done / (time.process_time() - began)


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


def pcd_message(number: int) -> bytes:
    """A gateway's message of 60 numerics, each parameter of the table in turn."""
    known = (list(terms().items()) * 2)[:60]
    rows = [
        f"OBX|{i + 1}|NM|{term}^{name}^MDC|1.2.3.{i + 1}|{60 + (number + i) % 40}||||||R|||20260922120000+0800\r"
        for i, (term, (_, name)) in enumerate(known)
    ]
    head = f"MSH|^~\\&|GATEWAY|ICU|||20260922120000+0800||ORU^R01^ORU_R01|{number}|P|2.6|||AL|NE||UNICODE UTF-8\r"
    head += "PID|||1^^^H^PI\rPV1||I|ICU^^B1\rOBR|1|||1^X^MDC|||20260922120000+0800\r"
    return frame((head + "".join(rows)).encode())


def codec_rate(driver: str, messages: list[bytes]) -> float:
    """Messages a second through a codec that lives as long as a connection."""

    def work() -> int:
        codec = get_driver(driver).codec(CodecOptions())
        for message in messages:
            codec.feed(message, AT)
        return len(messages)

    return rate(work)


def main() -> None:
    """Measure and print."""
    line = dri_line()

    def dri() -> int:
        codec = get_driver("ge_dri").codec(CodecOptions())
        for position in range(0, len(line), 4096):
            codec.feed(line[position : position + 4096], AT)
        return len(line)

    text = pcd_message(1)[1:-2].decode()

    def theirs() -> int:
        for _ in range(5):
            hl7.parse(text)
        return 5

    pds = [mindray.periodic([Numeric("101", "HR", "2101", str(60 + n))] * 60) for n in range(50)]
    pcd = [pcd_message(n) for n in range(50)]
    values = sum(isinstance(one, Observation) for one in get_driver("ihe_pcd01").codec(CodecOptions()).feed(pcd[0], AT))
    print(f"GE DRI                  {rate(dri) / 1e6:8.1f} MB/s")
    print(f"Mindray 60 OBX, ours    {codec_rate('mindray_pds', pds):8.0f} messages/s (framed, decoded, judged)")
    mine, baseline = codec_rate("ihe_pcd01", pcd), rate(theirs)
    print(f"PCD-01 60 OBX, ours     {mine:8.0f} messages/s (framed, decoded, judged; {values} distinct parameters)")
    print(f"PCD-01 60 OBX, hl7      {baseline:8.0f} messages/s (parsed only)")
    print(f"ratio                   {mine / baseline:8.1f} x")


if __name__ == "__main__":
    main()
