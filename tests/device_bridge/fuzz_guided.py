"""Coverage-guided fuzz of every codec, to be run by hand beside the tests.

    pip install --require-hashes -r requirements/fuzz.txt
    python -m tests.device_bridge.fuzz_guided --seconds 20 --corpus /tmp/corpus --tally /tmp/fuzz.jsonl

One process a driver under libFuzzer (`atheris`), which keeps what reaches new code. The first byte of an input says how
it is cut and whether the rest is put into the family's own frame with a right checksum, so that the search gets behind
it. It stops at an exception, at an input that takes over `HANG_S`, at memory beyond `MEMORY_MB`, at a codec that holds
more than `HELD_BYTES` after many inputs, and at a byte string that a codec wants to send and its checker refuses.

`--damage` changes every byte of a sample to every other value, one at a time, for the families whose frames have a
checksum: none of them may give a value that the undamaged sample does not give.
"""

import argparse
import gc
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.device_bridge import fuzz_every_driver as plain
from tests.device_bridge.fuzz_frames import CHECKED, FRAMERS, PAYLOADS, reframed
from tests.device_bridge.test_every_driver import AT, codec_of, drive, held_bytes, values_of

HANG_S = 5
MEMORY_MB = 700
HELD_BYTES = 20_000_000  # HL7 messages may have 8 MB
_LOOK_AT_MEMORY_EVERY = 5_000
_SIZES = (1, 17, 200, 1 << 20)
_BYTE_BY_BYTE_UP_TO = 200
_FRAMED = 4
_DONE = re.compile(r"stat::number_of_executed_units:\s+(\d+)")
_RSS = re.compile(r"rss: (\d+)Mb")
_COVERAGE = re.compile(r"cov: (\d+)")


def seeds(name: str) -> list[bytes]:
    """Where the search begins: what our encoders write and, where they are, the real captures."""
    whole = [bytes((size,)) + data for data in plain.corpus()[name] for size in (2, 3)]
    return whole + [bytes((_FRAMED | 3,)) + payload for payload in PAYLOADS.get(name, ())]


class Target:
    """One driver under test; every input also goes, now and then, to a codec that lives as long as the run."""

    def __init__(self, name: str) -> None:
        self._name, self._count = name, 0
        self._old = codec_of(name)
        self._old.opened(AT)

    def __call__(self, data: bytes) -> None:
        """Try one input."""
        if not data:
            return
        line = data[1:]
        if data[0] & _FRAMED and self._name in FRAMERS:
            line = reframed(self._name, line)
        size = _SIZES[data[0] & 3 if len(line) < _BYTE_BY_BYTE_UP_TO else max(1, data[0] & 3)]
        drive(self._name, [line[at : at + size] for at in range(0, len(line), size)])
        self._count += 1
        if self._count % 16 == 0:
            self._old.feed(line, AT)
        if self._count % _LOOK_AT_MEMORY_EVERY == 0:
            gc.collect()
            held = held_bytes(self._old)
            assert held < HELD_BYTES, f"the codec holds {held} bytes"


def damage(name: str) -> int:
    """Every byte of the sample to every other value; the number of inputs. Raises `AssertionError` at a phantom."""
    sample = plain.corpus()[name][0]
    real = values_of(drive(name, [sample]))
    assert real, f"the sample of {name} gives nothing"
    for at in range(len(sample)):
        for other in range(256):
            if other == sample[at]:
                continue
            line = sample[:at] + bytes((other,)) + sample[at + 1 :]
            phantom = values_of(drive(name, [line])) - real
            assert not phantom, f"{name}: byte {at} as {other:02x} gives {sorted(phantom)}: {line.hex()}"
    return len(sample) * 255


def child(name: str, arguments: list[str]) -> None:
    """Search one driver; does not return."""
    import atheris

    atheris.instrument_func(Target.__call__)
    atheris.Setup([sys.argv[0], *arguments], Target(name))
    atheris.Fuzz()


def search(name: str, seconds: float, corpus: Path) -> dict[str, int]:
    """Run the child for a time; what libFuzzer counted. A finding is told, with the file that holds the input."""
    folder = corpus / name
    first = corpus / f"{name}-seeds"
    for one in (folder, first):
        one.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(name)):
        (first / f"{number:03}").write_bytes(data[:8192])
    command = [sys.executable, "-m", __spec__.name, "--child", name, "--", str(folder), str(first),
               f"-max_total_time={max(1, round(seconds))}", f"-timeout={HANG_S}", f"-rss_limit_mb={MEMORY_MB}",
               "-max_len=4096", "-print_final_stats=1", f"-artifact_prefix={corpus}/{name}-found-"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    counted = _DONE.search(done.stderr)
    if done.returncode or counted is None:
        print(
            f"{name}: FOUND, stopped with {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}", flush=True
        )
    memory = [int(one) for one in _RSS.findall(done.stderr)]
    coverage = [int(one) for one in _COVERAGE.findall(done.stderr)]
    return {
        "inputs": int(counted.group(1)) if counted else 0,
        "found": int(done.returncode != 0),
        "branches": coverage[-1] if coverage else 0,
        "first_mb": memory[0] if memory else 0,
        "last_mb": memory[-1] if memory else 0,
    }


def totals(tally: Path) -> Counter[str]:
    """Inputs by driver over all runs of a tally."""
    counts: Counter[str] = Counter()
    for line in tally.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        counts[row["driver"]] += row["inputs"]
    return counts


def main() -> None:
    """Search or damage driver after driver, and add up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="for each driver")
    parser.add_argument("--driver", action="append", help="only these")
    parser.add_argument("--corpus", type=Path, default=Path(tempfile.gettempdir()) / "mafei-fuzz")
    parser.add_argument("--tally", type=Path, help="file to which the counts of every run are added")
    parser.add_argument("--damage", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.rest)
    options.corpus.mkdir(parents=True, exist_ok=True)
    tally = options.tally or options.corpus / "tally.jsonl"
    every = sorted(CHECKED if options.damage else plain.corpus())
    found = 0
    for name in options.driver or every:
        began = time.monotonic()
        row = {"inputs": damage(name)} if options.damage else search(name, options.seconds, options.corpus)
        row = {"driver": name, "kind": "damage" if options.damage else "search", **row}
        row["seconds"] = round(time.monotonic() - began)
        found += int(row.get("found", 0))
        with tally.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)
    counts = totals(tally)
    print(f"{counts.total():,} inputs over all runs of {tally}: {dict(sorted(counts.items()))}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    if "--child" in sys.argv:
        # the modules above are loaded already; libFuzzer must see the branches of the codecs
        import atheris

        for module in [one for one in sys.modules if one.startswith(("device_bridge", "tests.device_bridge"))]:
            del sys.modules[module]
        with atheris.instrument_imports(include=["device_bridge"]):
            from tests.device_bridge.fuzz_guided import main as instrumented
        instrumented()
    else:
        main()
