"""What is committed survives; a frozen batch never changes; one in flight."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_bridge.normaliser import Reading
from device_bridge.outbound import Passage
from device_bridge.spool import BATCH_VALUES, Received, Spool
from device_bridge.wire import Batch, DeviceAlarm, Gap, Quality
from device_bridge.wire_waves import WaveBatch, WavePiece, pack_samples, unpack_samples

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_790_000_000_000


def put(spool, number, device="D1", at=NOW, code="HR"):
    spool.add(Received(device, at, b"raw%d" % number, [Reading(code, at, float(number), 0)])).result(5)


@pytest.fixture
def spool(tmp_path):
    one = Spool(tmp_path, "b")
    yield one
    one.close()


def test_is_durable_and_wal(spool):
    assert spool._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert spool._db.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_a_batch_keeps_its_bytes_until_it_is_acknowledged(tmp_path, spool):
    put(spool, 1)
    first = spool.freeze(NOW)
    put(spool, 2)
    assert spool.freeze(NOW + 5_000) == first, "one in flight, unchanged"
    spool.close()
    again = Spool(tmp_path, "b")
    assert again.in_flight() == first
    again.acknowledge(1)
    second = again.freeze(NOW)
    assert second is not None
    batch = Batch.from_json(json.loads(second.payload))
    assert (batch.seq, batch.floor, batch.stream) == (2, 1, spool.stream)
    assert [s.values for s in batch.blocks[0].series] == [(2.0,)]
    again.acknowledge(2)
    assert again.freeze(NOW) is None
    again.close()


def test_columns_ascend_in_time_and_devices_stay_apart(spool):
    put(spool, 3, at=NOW + 2_000)
    put(spool, 1, at=NOW)
    put(spool, 9, device="D2", code="SpO2", at=NOW)
    batch = Batch.from_json(json.loads(spool.freeze(NOW).payload))
    blocks = {block.device: block for block in batch.blocks}
    assert blocks["D1"].series[0].times_ms == (NOW, NOW + 2_000)
    assert blocks["D1"].series[0].values == (1.0, 3.0)
    assert blocks["D2"].series[0].unit == "%"


def test_live_first_then_backlog(spool):
    for number in range(5):
        put(spool, number)
    mark = spool.mark()
    put(spool, 100)
    live = Batch.from_json(json.loads(spool.freeze(NOW, after=mark).payload))
    assert live.blocks[0].series[0].values == (100.0,)
    spool.acknowledge(live.seq)
    backlog = Batch.from_json(json.loads(spool.freeze(NOW, up_to=mark).payload))
    assert backlog.blocks[0].series[0].values == (0.0, 1.0, 2.0, 3.0, 4.0)


def test_old_values_are_marked_late_but_a_cuff_measurement_is_not(spool):
    put(spool, 60)
    put(spool, 120, code="NIBP_S")
    batch = Batch.from_json(json.loads(spool.freeze(NOW + 61_000).payload))
    flags = {series.code: series.qualities[0] for series in batch.blocks[0].series}
    assert flags == {"HR": int(Quality.LATE), "NIBP_S": 0}


def test_a_backlog_batch_is_large_but_bounded(spool):
    many = [Reading("HR", NOW + n, 60.0, 0) for n in range(1_000)]
    futures = [spool.add(Received(f"D{n}", NOW, b"", many)) for n in range(20)]
    for future in futures:
        future.result(5)
    batch = Batch.from_json(json.loads(spool.freeze(NOW).payload))
    assert BATCH_VALUES / 2 <= batch.count <= BATCH_VALUES


def test_dead_letter_lets_the_next_one_pass(spool):
    put(spool, 1)
    spool.dead_letter(spool.freeze(NOW).seq, "bad", "no such device", NOW)
    put(spool, 2)
    assert spool.freeze(NOW).seq == 2
    assert spool.backlog() == (1, 1)


def test_raw_bytes_come_back_and_retention_rolls(tmp_path):
    spool = Spool(tmp_path, "b", raw_limit_bytes=20_000)
    spool._next_prune = float("inf")
    for _ in range(30):
        spool.add(Received("D1", NOW, os.urandom(2_000), ())).result(5)
    kept = spool.raw("D1")
    assert len(kept) == 30
    spool._prune()
    assert sum(map(len, spool.raw("D1"))) <= 20_000
    assert spool.raw("D1") == kept[-len(spool.raw("D1")) :] or not spool.raw("D1")
    spool.close()


def test_alarms_gaps_memory_and_sending_log(spool):
    alarm = DeviceAlarm(NOW, "10002", "HR TOO LOW", "high", "start")
    spool.add(Received("D1", NOW, b"x", (), [alarm], memory="[1]")).result(5)
    spool.log_passage("D1", Passage("heartbeat", b"hb", None), NOW)
    spool.gap("D1", NOW - 60_000, NOW, "disconnect")
    put(spool, 1)
    assert spool.gaps("D1") == [(NOW - 60_000, NOW, "disconnect")]
    assert spool.memory("D1") == "[1]"
    assert spool._db.execute("SELECT reason, refused, data FROM sent").fetchall() == [("heartbeat", None, b"hb")]
    batch = Batch.from_json(json.loads(spool.freeze(NOW).payload))
    assert batch.blocks[0].alarms == (alarm,)


def test_a_failed_commit_is_told_to_the_caller(spool):
    spool._db.execute("DROP TABLE pending")
    future = spool.add(Received("D1", NOW, b"", [Reading("HR", NOW, 1.0, 0)]))
    with pytest.raises(sqlite3.Error):
        future.result(5)
    assert spool.errors == 1


KILLED = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from device_bridge.spool import Spool, Received
    from device_bridge.normaliser import Reading
    spool = Spool(Path(sys.argv[1]), "b")
    number = int(sys.argv[2])
    while True:
        number += 1
        spool.add(Received("D1", number, b"%d" % number, [Reading("HR", number, float(number), 0)])).result()
        print(number, flush=True)
        if number % 3 == 0:
            spool.freeze(number)
        if number % 6 == 0 and spool.in_flight():
            print("ack", spool.in_flight().seq, spool.in_flight().payload, flush=True)
            spool.acknowledge(spool.in_flight().seq)
    """
)


@pytest.mark.reliability
def test_kill_9_loses_nothing_committed_and_duplicates_nothing(tmp_path):
    """Five times: kill without warning while it commits, freezes and acknowledges; then compare."""
    committed: set[int] = set()
    delivered: dict[int, str] = {}
    for _ in range(5):
        start = max(committed, default=0) + 1_000
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path), str(start)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        time.sleep(1.2)
        process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        lines = process.communicate(timeout=10)[0].splitlines()
        committed |= {int(line) for line in lines if line.isdigit()}
        for line in lines:
            if line.startswith("ack "):
                _, seq, payload = line.split(" ", 2)
                assert delivered.setdefault(int(seq), payload) == payload
    spool = Spool(tmp_path, "b")
    while (batch := spool.freeze(NOW)) is not None:
        # an unacknowledged batch may have been delivered before the kill: it must be the same bytes
        assert delivered.setdefault(batch.seq, batch.payload) == batch.payload
        spool.acknowledge(batch.seq)
    spool.close()
    found = [
        int(value)
        for payload in delivered.values()
        for block in Batch.from_json(json.loads(payload)).blocks
        for series in block.series
        for value in series.values
    ]
    assert len(found) == len(set(found)), "delivered twice under two numbers"
    assert committed <= set(found)
    assert len(committed) > 30
    assert sorted(delivered) == list(range(1, len(delivered) + 1)), "numbers must be without gaps"


def test_an_idle_spool_does_not_wait_for_company(spool):
    put(spool, 0)
    waits = []
    for number in range(1, 12):
        began = time.perf_counter()
        put(spool, number)
        waits.append(time.perf_counter() - began)
        time.sleep(0.01)
    assert min(waits) < 0.02, "a waiting window would show in every single one"


def wave(start=NOW, code="PLETH", count=100):
    return WavePiece(code, "%", start, 100.0, 0.5, 0.0, count, pack_samples(range(count)))


def test_curves_have_their_own_numbers_and_survive_a_restart(tmp_path, spool):
    spool.add(Received("D1", NOW, b"x", (), (), [wave()])).result(5)
    put(spool, 1)
    assert Batch.from_json(json.loads(spool.freeze(NOW).payload)).stream == spool.stream
    first = spool.waves.freeze(NOW)
    spool.close()
    again = Spool(tmp_path, "b")
    assert again.waves.in_flight() == first
    batch = WaveBatch.from_json(json.loads(first.payload))
    assert (batch.seq, batch.stream, batch.blocks[0].pieces) == (1, f"{again.stream}-w", (wave(),))
    again.waves.acknowledge(1)
    assert again.waves.freeze(NOW) is None
    assert again.in_flight() is not None, "the numerics are not touched by it"
    again.close()


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=500))
def test_samples_keep_every_bit(samples):
    assert unpack_samples(pack_samples(samples), len(samples)) == samples


def test_when_the_disk_is_short_curves_go_first_and_numerics_last(tmp_path):
    spool = Spool(tmp_path, "b", limit_bytes=200_000)
    noise = [WavePiece("ECG", "mV", NOW, 300.0, 1.0, 0.0, 3000, os.urandom(6000)) for _ in range(30)]
    for number, piece in enumerate(noise):
        spool.add(
            Received("D1", NOW + number, os.urandom(3000), [Reading("HR", NOW + number, 60.0, 0)], (), [piece])
        ).result(5)
    spool._prune()
    assert spool.waves.bytes < 150_000
    assert len(spool.raw("D1")) == 30, "raw bytes and numerics are all there"
    batch = Batch.from_json(json.loads(spool.freeze(NOW).payload))
    assert batch.count == 30
    spool.acknowledge(1)
    put(spool, 31, at=NOW + 100)
    alarms = Batch.from_json(json.loads(spool.freeze(NOW).payload)).blocks[0].alarms
    assert [alarm.code for alarm in alarms] == ["BRIDGE_DISK"]
    spool.close()


def test_numerics_given_up_leave_a_gap(tmp_path):
    spool = Spool(tmp_path, "b", raw_limit_bytes=0, limit_bytes=0)
    put(spool, 1)
    spool._prune()
    put(spool, 2, at=NOW + 5)
    assert [reason for _, _, reason in spool.gaps("D1")] == ["disk"]
    spool.close()


def test_what_was_sent_is_counted_by_day_and_reason(spool):
    for refused in (None, None, "禁止"):
        spool.log_passage("D1", Passage("heartbeat", b"12345", refused), NOW)
    put(spool, 1)
    (day,) = spool.sent_days("2000-01-01")
    assert (day.messages, day.bytes, day.refused, day.reasons) == (2, 10, 1, {"heartbeat": 3})
    assert spool.sent_days("2999-01-01") == []


def test_refused_batches_can_be_queued_again_but_not_those_without_an_answer(spool):
    for number in (1, 2):
        put(spool, number)
        spool.freeze(NOW)
        spool.dead_letter(number, "unknown_device" if number == 1 else "no_answer", "", NOW)
    assert spool.requeue_dead(NOW) == 1
    batch = Batch.from_json(json.loads(spool.freeze(NOW).payload))
    assert (batch.seq, batch.blocks[0].series[0].values) == (3, (1.0,))
    assert spool.backlog()[1] == 1


def test_a_gap_travels_with_the_values(spool):
    spool.gap("D1", NOW - 5000, NOW, "silent")
    put(spool, 1)
    batch = Batch.from_json(json.loads(spool.freeze(NOW).payload))
    assert batch.blocks[0].gaps == (Gap(NOW - 5000, NOW, "silent"),)
