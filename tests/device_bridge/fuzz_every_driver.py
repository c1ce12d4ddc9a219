"""Long mutation fuzz of every codec, to be run by hand: `python -m tests.device_bridge.fuzz_every_driver --seconds 600`.

Starts from what our encoders write and, where they are, from the real captures. Stops at the first exception,
and at the first byte string that a codec would like to send and its checker refuses.
"""

import argparse
import random
import time
from collections import Counter

from device_bridge.drivers.ge_dri.encoder import Physiological, physiological_frame
from device_bridge.drivers.intellivue.framing import SerialFramer
from device_bridge.drivers.mindray_pds import encoder as mindray
from device_bridge.drivers.mindray_pds.encoder import Numeric
from device_bridge.drivers.mllp import frame
from device_bridge.drivers.registry import get_driver
from device_bridge.simulators.ge_dri import fill
from device_bridge.simulators.patient import SimulatedPatient
from tests.device_bridge.conftest import CAPTURES
from tests.device_bridge.test_every_driver import LOCAL, SAMPLES, drive

_CAPTURES = {
    "astm": ["bloodgas/radiometer_abl735.txt"],
    "biolight": ["chinese/biolight_a8_udp45679_0.bin"],
    "edan_xml": ["chinese/edan_elite_v8_xml.xml"],
    "ihe_pcd01": ["pcd01/comen_nc_continuous.hl7.txt", "pcd01/mindray_egateway_R40_leadoff.hl7.txt"],
    "intellivue_udp": ["intellivue/philips_udp24005_connect_indication_payload.bin"],
}
_EDGES = (0, 255, 127, 128, 1, 2, 3, 13, 10)


def _dri():
    classes = [Physiological(1_772_355_000, subclass=number) for number in range(4)]
    fill(classes[0], SimulatedPatient(1).values(1000))
    return physiological_frame(classes, number=1, time=1_772_355_000)


def _mindray():
    lines = [mindray.connected("B1", "-"), mindray.periodic([Numeric("101", "HR", "2101", "60")]), mindray.heartbeat()]
    lines.append(mindray.curves([(1114, 2, [2048, 2050, 2060]), (1152, 1, [20, 30])]))
    lines.append(mindray.aperiodic([Numeric("170", "NIBP", "2105", "120")], LOCAL))
    return b"".join([*lines, mindray.alarms([(1, "10", "HR")], LOCAL)])


_PCD = (
    b"MSH|^~\\&|GATEWAY|ICU|||20260301093000+0800||ORU^R01^ORU_R01|1|P|2.6|||AL|NE||UNICODE UTF-8\r"
    b"PID|||1^^^H^PI\rPV1||I|ICU^^B1\rOBR|1|||1^X^MDC|||20260301093000+0800\r"
    b"OBX|1|NM|147842^MDC_ECG_HEART_RATE^MDC|1.2.3.1|60|264864^MDC_DIM_BEAT_PER_MIN^MDC|||||R|||20260301093000+0800\r"
)


def corpus():
    """Where the mutations begin, by driver."""
    found = {name: [sample] for name, sample in SAMPLES.items()}
    found |= {"ge_dri": [_dri()], "mindray_pds": [_mindray()], "ihe_pcd01": [frame(_PCD)]}
    for name, files in _CAPTURES.items():
        for file in files:
            if (CAPTURES / file).is_file():
                data = get_driver(name).prepare_file((CAPTURES / file).read_bytes())
                found.setdefault(name, []).append(data)
    session = CAPTURES / "intellivue" / "rs232_capture_part.raw"
    if session.is_file():
        raw = session.read_bytes()
        found["intellivue_rs232"] += [raw[:3000], raw[60_000:62_000]]
        found["intellivue_udp"] += SerialFramer().feed(raw[:200_000])[:60:6]
    return found


def mutate(chance, data):
    """Up to six small changes."""
    line = bytearray(data)
    for _ in range(chance.randrange(6)):
        line = line or bytearray(b"x")
        where = chance.randrange(len(line))
        match chance.randrange(5):
            case 0:
                line[where] = chance.randrange(256)
            case 1:
                del line[where : where + chance.randrange(1, 20)]
            case 2:
                line[where:where] = chance.randbytes(chance.randrange(1, 6))
            case 3:
                line[where] = chance.choice(_EDGES)
            case _:
                start = chance.randrange(len(line))
                line[where:where] = line[start : start + chance.randrange(1, 60)]
    return bytes(line)


def main():
    """Run until the time is over; the failing input is printed as hexadecimal digits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance, seeds, counts = random.Random(options.seed), corpus(), Counter()
    names = sorted(seeds)
    ends = time.monotonic() + options.seconds
    while time.monotonic() < ends:
        name = chance.choice(names)
        data = mutate(chance, chance.choice(seeds[name]))
        size = chance.choice((7, 50, 4096))
        try:
            drive(name, [data[i : i + size] for i in range(0, len(data), size)][:400])
        except Exception:
            print(f"{name}: {data.hex()}")
            raise
        counts[name] += 1
    print(f"{counts.total()} inputs: {dict(sorted(counts.items()))}")


if __name__ == "__main__":
    main()
