"""Decoding again gives what was decoded first, and errands run beside the bridge and survive a lost connection."""

import asyncio
import sqlite3
import zlib
from datetime import datetime
from typing import Any

import pytest

from device_bridge.drivers.base import Clocks, CodecOptions, Observation
from device_bridge.drivers.nellcor import encoder as nellcor
from device_bridge.drivers.registry import get_driver
from device_bridge.errands import Errands
from device_bridge.normaliser import Normaliser
from device_bridge.redecode import Redecoder
from device_bridge.spool import Received, Spool
from device_bridge.spool_raw import RawPiece, read_raw
from device_bridge.wire import DeviceConfig
from tests.device_bridge.test_gateway_routing import BEDS, message

T0 = 1_790_000_000_000


def live(driver, pieces):
    """Code → [(time, value, quality)…] as a session makes them."""
    codec, normaliser = get_driver(driver).codec(CodecOptions()), Normaliser()
    found: dict[str, list[tuple[int, float, int]]] = {}
    outputs = []
    for piece in pieces:
        at = Clocks(piece.received_ms, piece.received_ms / 1000)
        outputs.append((codec.feed(piece.data, at), at))
    outputs.append((codec.closed(at), at))
    for given, at in outputs:
        for one in normaliser.readings([o for o in given if isinstance(o, Observation)], at):
            found.setdefault(one.code, []).append((one.time_ms, one.value, one.quality))
    return found


def again(driver, pieces):
    """The same by decoding again."""
    config = DeviceConfig("D", driver, {})
    columns = Redecoder(config, [config], T0, T0 + 10**9).run(pieces).columns
    return {code: list(zip(c.times, c.values, c.qualities, strict=True)) for code, c in columns.items()}


@pytest.mark.parametrize(
    ("driver", "name"), [("ge_dri", "ge_dri/db02.raw"), ("ihe_pcd01", "pcd01/ge_b40_vsp_gateway.hl7.txt")]
)
def test_a_real_capture_gives_the_same_values_again(capture, driver, name):
    data = get_driver(driver).prepare_file(capture(name))[:200_000]
    pieces = [RawPiece("D", T0 + 250 * n, data[at : at + 700]) for n, at in enumerate(range(0, len(data), 700))]
    first = live(driver, pieces)
    assert first
    inside = {code: [one for one in rows if T0 <= one[0] < T0 + 10**9] for code, rows in first.items()}
    assert again(driver, pieces) == {code: rows for code, rows in inside.items() if rows}


def test_pieces_of_one_commit_stay_apart_and_an_old_spool_is_read(tmp_path):
    spool = Spool(tmp_path, "b")
    spool.opened("D", T0, 1)
    for n in range(5):
        done = spool.add(Received("D", T0 + n, b"%d" % n, line=n % 2))
    done.result(5)
    assert spool.last_received_ms("D") is not None
    spool.close()
    pieces = list(read_raw(spool.path, ["D"], T0, T0 + 10))
    assert pieces[0] == RawPiece("D", T0, b"", 1, opened=True)
    assert [(p.received_ms, p.data, p.line) for p in pieces[1:]] == [(T0 + n, b"%d" % n, n % 2) for n in range(5)]
    old = sqlite3.connect(tmp_path / "old.sqlite")
    old.execute("CREATE TABLE raw (id INTEGER PRIMARY KEY, device TEXT, received_ms INTEGER, size INTEGER, data BLOB)")
    old.execute("INSERT INTO raw VALUES (1, 'D', ?, 3, ?)", (T0, zlib.compress(b"abc")))
    old.commit()
    assert [p.data for p in read_raw(tmp_path / "old.sqlite", ["D"], T0, T0 + 1)] == [b"abc"]


def test_a_gateway_gives_the_device_of_a_bed_its_values_only():
    gateway = DeviceConfig("GW", "ihe_pcd01", {}, {"beds": BEDS})
    pieces = [
        RawPiece("GW", T0 + n, message(bed, rate)) for n, (bed, rate) in enumerate([("X^^4", 61), ("HDU^507^3", 99)])
    ]
    bed = DeviceConfig("OR4", "ihe_pcd01", {"kind": "gateway"})
    columns = Redecoder(bed, [gateway], 0, 2**60).run(pieces).columns
    assert list(columns["HR"].values) == [61]
    own = Redecoder(gateway, [gateway], 0, 2**60).run(pieces).columns
    assert own == {}


class Web:
    """Takes messages as the uplink delivers them."""

    def __init__(self, errands: Errands) -> None:
        self.errands, self.got = errands, []

    async def until_done(self) -> dict[str, Any]:
        for _ in range(600):
            message = self.errands.message()
            if message is not None:
                assert self.errands.message() == message, "the same again until it is delivered"
                self.errands.delivered()
                self.got.append(message)
                if message[0] == "errand_done":
                    return message[1]
            await asyncio.sleep(0.02)
        raise AssertionError("the errand did not end")


def test_an_errand_runs_in_its_own_process_and_its_answers_wait_for_the_web(tmp_path):
    asyncio.run(an_errand_runs_in_its_own_process_and_its_answers_wait_for_the_web(tmp_path))


async def an_errand_runs_in_its_own_process_and_its_answers_wait_for_the_web(tmp_path):
    spool = Spool(tmp_path, "b")
    line = nellcor.line("97", "71", datetime.fromisoformat("2026-09-21T22:13:20"))  # the device's local time
    spool.add(Received("D", T0, nellcor.HEADING + line)).result(5)
    errands = Errands(tmp_path, spool, lambda: {"D": "silent"})
    errands.begin(asyncio.get_running_loop())
    config = DeviceConfig("D", "nellcor", {"kind": "tcp_client", "host": "127.0.0.1", "port": 9}).to_json()
    span = {"from_ms": T0 - 1000, "to_ms": T0 + 1000}
    task = {"id": 7, "kind": "redecode", "request": {"device": config, "sources": [config], **span}}
    errands.take([task])
    errands.take([task])  # told again after a reconnection: not begun again
    web = Web(errands)
    done = await web.until_done()
    assert (done["parts"], done["result"]["values"]) == (2, 2)
    assert sorted(data["code"] for event, data in web.got if event == "errand_part") == ["PR", "SpO2"]
    assert errands.message() is None
    errands.take([{"id": 8, "kind": "nonsense", "request": {}}])
    assert "不认识" in (await web.until_done())["failed"]
    await errands.end()
    spool.close()


def test_an_errand_that_nobody_wants_any_more_is_stopped(tmp_path):
    asyncio.run(an_errand_that_nobody_wants_any_more_is_stopped(tmp_path))


async def an_errand_that_nobody_wants_any_more_is_stopped(tmp_path):
    spool = Spool(tmp_path, "b")
    errands = Errands(tmp_path, spool, dict)
    errands.begin(asyncio.get_running_loop())
    where = {"transport": {"kind": "udp", "host": "127.0.0.1", "port": 54329}, "seconds": 30}
    errands.take([{"id": 1, "kind": "listen", "request": where}])
    web = Web(errands)
    while not any(event == "errand_said" for event, _ in web.got):
        message = errands.message()
        if message is not None:
            web.got.append(message)
            errands.delivered()
        await asyncio.sleep(0.02)
    errands.take([])
    await asyncio.sleep(0.1)
    assert not errands.is_busy
    spool.close()
