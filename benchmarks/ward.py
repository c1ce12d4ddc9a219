"""Beds of a ward as their own process: each sends one PCD-01 message a second with 60 numerics and a second of four
curves at 250 Hz, waits for the acknowledgement as gateways do, and sends again what was not acknowledged.

    python -m benchmarks.ward --plan plan.json --journal sent.jsonl

The plan is a list of `[key, port]`. The journal gets a line `[bed, number, claimed ms, first written ms, acknowledged
ms]` for every acknowledged message. SIGTERM ends the measuring; what waits is still delivered.
"""

import argparse
import asyncio
import contextlib
import json
import random
import signal
import time
from collections import deque
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import IO

from device_bridge.drivers.ihe_pcd01 import codes
from device_bridge.drivers.mllp import frame
from device_bridge.parameters import EPISODIC, PARAMETERS
from device_bridge.profiles.store import terms
from device_bridge.simulators.curves import sample

RATE_HZ = 250
NUMERICS = 60
CHANNELS = (("131328", "MDC_ECG_ELEC_POTL", "ECG1", 0.001), ("150452", "MDC_PULS_OXIM_PLETH", "PLETH", 0.01),
            ("150032", "MDC_PRESS_BLD_ART", "P1", 0.1), ("151704", "MDC_AWAY_CO2", "CO2", 0.01))  # fmt: skip
_PERIOD_S = 60  # the curves repeat after a minute
_WALK_S = 600  # the numerics after ten
_ANSWER_S = 4.0
_LAST_CALL_S = 60.0


@cache
def numerics() -> dict[str, str]:
    """Sixty continuous parameters of the protocol: canonical code and its term."""
    found: dict[str, str] = {}
    for term, (code, _name) in terms().items():
        if code not in EPISODIC:
            found.setdefault(code, term)
    return dict(list(found.items())[:NUMERICS])


@cache
def walk(bed: int, code: str) -> tuple[float, ...]:
    """Ten minutes of a parameter: it stays, or goes up or down by one step within what is possible."""
    chance = random.Random(f"{bed}-{code}")
    parameter = PARAMETERS[code]
    step = 1.0 if parameter.high - parameter.low > 40 else 0.1
    value, values = (parameter.low + parameter.high) / 2, []
    for _ in range(_WALK_S):
        value += chance.choice((-step, 0.0, 0.0, 0.0, step))
        value = min(max(value, parameter.low + step), parameter.high - step)
        values.append(round(value, 0 if step == 1.0 else 1))
    return tuple(values)


def value_of(bed: int, code: str, number: int) -> float:
    """What message `number` of a bed says."""
    return walk(bed, code)[number % _WALK_S]


@cache
def curves(channel: int) -> tuple[tuple[int, ...], ...]:
    """The 60 seconds of a channel as raw counts, with the noise of a real lead."""
    chance = random.Random(channel)
    _, _, code, scale = CHANNELS[channel]
    counts = [
        round(sample(code, n / RATE_HZ * 1.2 % 1, n / RATE_HZ * 0.2 % 1) / scale + chance.gauss(0, 3))
        for n in range(_PERIOD_S * RATE_HZ)
    ]
    return tuple(tuple(counts[s * RATE_HZ : (s + 1) * RATE_HZ]) for s in range(_PERIOD_S))


@cache
def _curve_text(channel: int, second: int) -> str:
    return "^".join(map(str, curves(channel)[second]))


def second_of(bed: int, number: int) -> int:
    """Which second of the minute a message carries; beds differ."""
    return (number + 7 * bed) % _PERIOD_S


def message(bed: int, number: int, claimed_ms: int) -> bytes:
    """The message as it goes over the line."""
    at = f"{datetime.fromtimestamp(claimed_ms / 1000, UTC):%Y%m%d%H%M%S}.{claimed_ms % 1000:03}+0000"
    rows = [
        f"MSH|^~\\&|GATEWAY|OR|||{at}||ORU^R01^ORU_R01|{bed}-{number}|P|2.6|||AL|NE||UNICODE UTF-8",
        f"PID|||{bed}^^^H^PI", f"PV1||I|OR^^B{bed}", f"OBR|1|||1^X^MDC|||{at}",
    ]  # fmt: skip
    for place, (code, term) in enumerate(numerics().items(), 1):
        value = value_of(bed, code, number)
        rows.append(f"OBX|{place}|NM|{term}^{terms()[term][1]}^MDC|1.1.1.{place}|{value:g}||||||R|||{at}")
    second = second_of(bed, number)
    for place, (term, name, _, scale) in enumerate(CHANNELS):
        prefix, unit = f"1.2.{place + 1}", "266418^MDC_DIM_MMHG^MDC"
        rows.append(f"OBX|{90 + place}|NA|{term}^{name}^MDC|{prefix}|{_curve_text(place, second)}|{unit}|||||R")
        rows.append(f"OBX|{94 + place}|NM|0^{codes.RATE}^MDC|{prefix}.2|{RATE_HZ}||||||R")
        rows.append(f"OBX|{98 + place}|NM|0^{codes.RESOLUTION}^MDC|{prefix}.3|{scale}|{unit}|||||R")
    return frame("\r".join([*rows, ""]).encode())


class Bed:
    """One connection of a gateway."""

    def __init__(self, number: int, port: int, journal: IO[str]) -> None:
        self._bed, self._port, self._journal = number, port, journal
        self._waiting: deque[tuple[int, int]] = deque()
        self._fresh = asyncio.Event()
        self._written: dict[int, int] = {}
        self.acknowledged = 0

    @property
    def waiting(self) -> int:
        """Messages that nobody has acknowledged."""
        return len(self._waiting)

    async def measure(self, stop: asyncio.Event, share: float) -> None:
        """A message a second, at this bed's part of the second."""
        number, began = 0, time.time() + share
        while not stop.is_set():
            await asyncio.sleep(max(0.0, began + number - time.time()))
            self._waiting.append((number, round((began + number) * 1000)))
            self._fresh.set()
            number += 1

    async def deliver(self) -> None:
        """In order, one at a time, again and again until it is acknowledged."""
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(0.25)
                continue
            try:
                await self._talk(reader, writer)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.1)
            finally:
                writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            while not self._waiting:
                self._fresh.clear()
                # a line that ends while nothing waits is noticed at once
                ended, fresh = asyncio.ensure_future(reader.read(1)), asyncio.ensure_future(self._fresh.wait())
                await asyncio.wait({ended, fresh}, return_when=asyncio.FIRST_COMPLETED)
                fresh.cancel()
                if ended.done():
                    raise ConnectionResetError
                ended.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await ended
            number, claimed = self._waiting[0]
            text = message(self._bed, number, claimed)
            self._written.setdefault(number, time.time_ns() // 1_000_000)
            writer.write(text)
            answer = await asyncio.wait_for(reader.readuntil(b"\x1c\r"), _ANSWER_S)
            if f"MSA|AA|{self._bed}-{number}\r".encode() not in answer:
                raise ConnectionResetError("another answer than the one that is due")
            self._waiting.popleft()
            self.acknowledged += 1
            now = time.time_ns() // 1_000_000
            self._journal.write(json.dumps([self._bed, number, claimed, self._written.pop(number), now]) + "\n")


async def run(plan: list[tuple[str, int]], journal: IO[str]) -> None:
    """Until SIGTERM, then until everything is acknowledged."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    beds = [Bed(number, port, journal) for number, (_, port) in enumerate(plan)]
    for place in range(len(CHANNELS)):
        curves(place)
    delivering = [asyncio.create_task(bed.deliver()) for bed in beds]
    await asyncio.gather(*(bed.measure(stop, 1 + number / len(beds)) for number, bed in enumerate(beds)))
    until = time.monotonic() + _LAST_CALL_S
    while any(bed.waiting for bed in beds) and time.monotonic() < until:
        await asyncio.sleep(0.2)
    for task in delivering:
        task.cancel()
    journal.flush()
    told = {"acknowledged": sum(bed.acknowledged for bed in beds), "waiting": sum(bed.waiting for bed in beds)}
    print(json.dumps(told), flush=True)


def main() -> None:
    """Read the plan and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    options = parser.parse_args()
    plan = json.loads(options.plan.read_text(encoding="utf-8"))
    with options.journal.open("w", encoding="utf-8", buffering=1) as journal:
        asyncio.run(run(plan, journal))


if __name__ == "__main__":
    main()
