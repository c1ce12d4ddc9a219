"""How soon a value is on the bridge's disk, idle and with thirty busy devices, fsync included.

PYTHONPATH=. python benchmarks/bridge_durability.py [directory]
"""

import statistics
import sys
import tempfile
import time
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from device_bridge.clocks import wall_ms
from device_bridge.normaliser import Reading
from device_bridge.spool import Received, Spool

DEVICES, SECONDS = 30, 5.0


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of all lie, in milliseconds."""
    return sorted(values)[int(share * (len(values) - 1))] * 1000


def told(name: str, waits: list[float]) -> None:
    """One line a case."""
    print(
        f"{name:<34} p50 {statistics.median(waits) * 1000:6.2f} ms   p95 {percentile(waits, 0.95):6.2f} ms   "
        f"p99 {percentile(waits, 0.99):6.2f} ms   max {max(waits) * 1000:6.2f} ms   n={len(waits)}"
    )


def piece(device: int) -> Received:
    """A frame of one device: 1 KB of line and 60 values."""
    at = wall_ms()
    return Received(f"D{device}", at, b"x" * 1024, [Reading("HR", at, 60.0 + n, 0) for n in range(60)])


def note(waits: list[float], began: float, _done: "Future[None]") -> None:
    """The moment at which the disk had it."""
    waits.append(time.perf_counter() - began)


def idle(spool: Spool) -> list[float]:
    """One frame at a time with pauses."""
    waits = []
    for _ in range(100):
        began = time.perf_counter()
        spool.add(piece(0)).result()
        waits.append(time.perf_counter() - began)
        time.sleep(0.02)
    return waits


def busy(spool: Spool) -> list[float]:
    """Thirty devices, five frames a second each, spread over the second."""
    waits: list[float] = []
    ends = time.monotonic() + SECONDS
    number = 0
    while time.monotonic() < ends:
        spool.add(piece(number % DEVICES)).add_done_callback(partial(note, waits, time.perf_counter()))
        number += 1
        time.sleep(1 / (5 * DEVICES))
    return waits


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        spool = Spool(Path(folder), "bench")
        told("idle, one frame", idle(spool))
        spent = time.process_time()
        waits = busy(spool)
        share = (time.process_time() - spent) / SECONDS
        spool.close()
    told(f"{DEVICES} devices, 5 frames/s each", waits)
    print(f"processor                          {share:6.1%} of one core")


if __name__ == "__main__":
    main()
