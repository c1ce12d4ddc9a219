"""Message intake, measured beside python-hl7's own stream reader and parser in the same run.

    .venv/bin/python -m benchmarks.mllp_intake [--count 500]

Three questions: what survives the streams that real peers send (the library's reader and ours on the same bytes),
what reading costs (the library's parse alone, ours with charset, mapping and checks), and how many requests a second
the whole way takes: socket, journal and domain in one committed SQLite transaction, acknowledgement.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import hl7
from hl7.mllp.streams import HL7StreamReader

from app.core.db import db
from app.core.settings import Settings
from integrations.application import make_application
from integrations.hl7.codes import PeerProfile
from integrations.hl7.reader import interpret
from integrations.inbound import Inbound
from integrations.mllp import Deframer, MllpServer, frame
from integrations.mllp_client import MllpClient
from integrations.simulators.his_messages import request_message
from integrations.simulators.hospital import Hospital


def messages(count: int) -> list[str]:
    """Surgery requests of the simulated hospital."""
    hospital = Hospital(1, date(2026, 11, 22))
    return [request_message(hospital.next_request(), f"B{number:06d}", "utf-8") for number in range(count)]


def streams(texts: list[str]) -> dict[str, bytes]:
    """The same ten messages as peers frame them."""
    raw = [text.encode() for text in texts[:10]]
    normal = b"".join(map(frame, raw))
    return {
        "normal": normal,
        "FS without CR": normal.replace(b"\x1c\r", b"\x1c"),
        "CR LF between frames": normal.replace(b"\x1c\r", b"\x1c\r\r\n"),
        "keep-alive NUL": normal.replace(b"\x1c\r", b"\x1c\r\x00"),
        "truncated, then good": frame(raw[0])[:200] + normal,
        "GB18030": b"".join(frame(text.encode("gb18030")) for text in texts[:10]),
        "LF as segment end": b"".join(frame(text.replace("\r", "\n").encode()) for text in texts[:10]),
        "one of 5 MB": frame(raw[0] + b"OBX|99|ED|PDF||" + b"Q" * 5_000_000 + b"\r") + b"".join(map(frame, raw[1:])),
    }


def library_reads(stream: bytes) -> int:
    """Messages of which python-hl7 gives the request number, stopping where its reader raises."""

    async def read() -> int:
        reader = HL7StreamReader(loop=asyncio.get_running_loop(), encoding="utf-8")
        reader.feed_data(stream)
        reader.feed_eof()
        good = 0
        while True:
            try:
                message = await reader.readmessage()
                good += bool(message.extract_field("ORC", field_num=2))
            except asyncio.IncompleteReadError:
                return good
            except KeyError:
                continue  # no segment of that name: the message was read, its content lost
            except Exception:
                return good  # a server built on it drops the connection here

    return asyncio.run(read())


def we_read(stream: bytes) -> int:
    """The same by our de-framer and reader."""
    frames = [item for item in Deframer().feed(stream) if item.problem is None]
    return sum(bool(item.changes) for part in frames for item in interpret(part.body, PeerProfile()))


def rate(work: Callable[[str], object], texts: list[str]) -> float:
    """Messages a second; the best of three rounds, because other work shares the machine."""
    rounds = []
    for _ in range(3):
        started = time.perf_counter()
        for text in texts:
            work(text)
        rounds.append(len(texts) / (time.perf_counter() - started))
    return max(rounds)


def whole_way(texts: list[str]) -> tuple[float, float, float]:
    """(messages a second, median ms, 99th percentile ms) of one connection, each acknowledged after its commit."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(instance_dir=Path(folder), database_url=f"sqlite:///{folder}/bench.db")
        application = make_application(settings)
        with application.app_context():
            db.create_all()
            db.session.remove()
        times = []
        with (
            MllpServer("127.0.0.1", 0, Inbound(application, PeerProfile()).handle) as server,
            MllpClient("127.0.0.1", server.port) as client,
        ):
            started = time.perf_counter()
            for number, text in enumerate(texts):
                begun = time.perf_counter()
                if not client.send(text.encode(), f"B{number:06d}").is_accepted:
                    raise SystemExit(f"message {number} was not accepted")
                times.append((time.perf_counter() - begun) * 1000)
            elapsed = time.perf_counter() - started
        with application.app_context():
            db.engine.dispose()
    return len(texts) / elapsed, statistics.median(times), statistics.quantiles(times, n=100)[98]


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=500)
    texts = messages(max(parser.parse_args().count, 10))
    print(f"{'stream of ten messages':<26}{'python-hl7 reader':>20}{'this project':>16}")
    for name, stream in streams(texts).items():
        print(f"{name:<26}{library_reads(stream):>17}/10{we_read(stream):>13}/10")
    profile = PeerProfile()
    plain = rate(hl7.parse, texts)
    full = rate(lambda text: interpret(text.encode(), profile), texts)
    print(f"\npython-hl7 parse alone           {plain:>8.0f} messages/s")
    print(f"charset, parse, map and check    {full:>8.0f} messages/s ({plain / full:.2f} times the parse alone)")
    speed, median, slow = whole_way(texts)
    print(f"\nsocket to committed surgical case and acknowledgement: {speed:.0f} requests/s, ", end="")
    print(f"median {median:.1f} ms, 99th percentile {slow:.1f} ms")


if __name__ == "__main__":
    main()
