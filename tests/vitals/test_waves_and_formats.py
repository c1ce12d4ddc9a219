"""Curves keep every bit on every way, and the files that leave are read again by readers written from the formats."""

import csv
import gzip
import io
import re
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock
from app.core.db import db
from app.vitals import backup, queries, retention, service, summary, wave_queries, wave_service
from app.vitals.columns import SeriesColumns, to_samples
from app.vitals.formats import Track, to_csv, to_edf, to_vital, to_wfdb
from app.vitals.models import DeviceGap, VitalChunk, WaveChunk, WaveSegment
from app.vitals.waves import NO_SAMPLE, Piece, pack, peaks, thin, unpack, unpack_peaks
from device_bridge import wire_waves

T0 = 1_790_000_000_000
DEVICE = 7


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=400))
def test_bridge_and_web_speak_the_same_bytes(counts: list[int]) -> None:
    assert unpack(wire_waves.pack_samples(counts), len(counts)).tolist() == counts
    packed = pack(np.array(counts, np.int16))
    assert wire_waves.unpack_samples(packed, len(counts)) == counts


def test_extremes_of_a_second_leave_absent_samples_out() -> None:
    counts = np.array([5, NO_SAMPLE, -7, 3] + [NO_SAMPLE] * 4 + [9], np.int16)
    assert unpack_peaks(peaks(counts, 4.0)).tolist() == [[-7, 5], [NO_SAMPLE, NO_SAMPLE], [9, 9]]


def test_a_spike_is_seen_after_thinning() -> None:
    counts = np.zeros(300, np.int16)
    counts[151] = 1000
    fewer, rate = thin(counts, 300.0, 100.0)
    assert (len(fewer), rate, fewer.max()) == (100, 100.0, 1000)


def piece(start_ms: int, counts: list[int], rate: float = 100.0, code: str = "PLETH") -> Piece:
    return Piece(code, "%", start_ms, rate, 0.5, 1.0, len(counts), pack(np.array(counts, np.int16)))


@pytest.mark.usefixtures("context")
class TestStore:
    def test_compaction_joins_a_steady_curve_and_keeps_a_break(self) -> None:
        saw = [n % 50 for n in range(100)]
        for number, second in enumerate((0, 1, 2, 9), 1):
            data = wave_service.DeviceWaves(DEVICE, (piece(T0 + 1000 * second, saw),))
            assert wave_service.ingest_waves("b", "s-w", number, number - 1, [data])
        before = wave_queries.picture(DEVICE, "PLETH", T0, T0 + 10_000, 1000)
        assert wave_service.compact_waves(DEVICE) == 4
        assert db.session.query(WaveSegment).count() == 0
        assert [(c.start_ms - T0, c.count) for c in db.session.query(WaveChunk).order_by(WaveChunk.id)] == [
            (0, 300),
            (9000, 100),
        ]
        after = wave_queries.picture(DEVICE, "PLETH", T0, T0 + 10_000, 1000)
        np.testing.assert_array_equal(before.high, after.high)
        assert np.nanmax(after.high) == 49 * 0.5 + 1.0
        assert np.isnan(after.high[300:900]).all()
        assert unpack(wave_queries.pieces(DEVICE, "PLETH", T0, T0 + 1)[0].data, 300).tolist() == saw * 3

    def test_a_long_span_comes_from_summaries_and_agrees_with_the_values(self) -> None:
        day = T0 // summary.DAY_MS * summary.DAY_MS
        times = [day + 60_000 * n for n in range(1440)]
        values = [60.0 + (n % 97) / 2 for n in range(1440)]
        bad = [2 if n == 700 else 0 for n in range(1440)]
        values[700] = 999.0
        series = SeriesColumns("HR", "/min", times, values, bad)
        service.ingest("b", "s", 1, 0, [service.DeviceData(DEVICE, (series,))])
        assert summary.summarise(DEVICE, day) == 1
        near = summary.trend(DEVICE, "HR", day, day + summary.DAY_MS, 24)
        far = summary.trend(DEVICE, "HR", day - 300 * summary.DAY_MS, day + 20 * summary.DAY_MS, 320)
        assert far.count == near.count == 1439
        assert (np.nanmin(far.low), np.nanmax(far.high)) == (np.nanmin(near.low), np.nanmax(near.high)) == (60.0, 108.0)
        assert abs(np.nanmean(far.mean) - np.mean(np.delete(values, 700))) < 1e-3

    def test_each_class_is_kept_for_its_own_time(self) -> None:
        now = clock.now_ms()
        old, young = now - 40 * summary.DAY_MS, now - 10 * summary.DAY_MS
        for number, start in enumerate((old, young), 1):
            data = wave_service.DeviceWaves(DEVICE, (piece(start, [1] * 100),))
            wave_service.ingest_waves("b", "s-w", number, number - 1, [data])
            wave_service.compact_waves(DEVICE)
            series = SeriesColumns("HR", "/min", [start], [60.0], [0])
            service.ingest("b", "s", number, number - 1, [service.DeviceData(DEVICE, (series,))])
        gone = retention.forget_old(retention.classes(30, 1098), now)
        assert gone["waves"] == 1
        assert gone["numerics"] == 0
        assert [c.start_ms for c in db.session.query(WaveChunk)] == [young]

    def test_a_backup_brings_back_what_was_lost_and_doubles_nothing(self, tmp_path: Path) -> None:
        def feed(number: int) -> None:
            start = T0 + 10_000 * number
            data = wave_service.DeviceWaves(DEVICE, (piece(start, [number] * 100),))
            wave_service.ingest_waves("b", "s-w", number, number - 1, [data])
            series = SeriesColumns("HR", "/min", [start], [60.0 + number], [0])
            gaps = (service.GapFacts(start - 5, start, "silent"),)
            service.ingest("b", "s", number, number - 1, [service.DeviceData(DEVICE, (series,), gaps=gaps)])
            backup.compact_all()

        feed(1)
        first = backup.write(tmp_path)
        feed(2)
        second = backup.write(tmp_path)
        assert first is not None
        assert second is not None
        assert backup.write(tmp_path) is None, "nothing new"
        kept = {table: count for table, count in second.rows.items() if count}
        assert kept == {"vital_chunk": 1, "wave_chunk": 1, "device_gap": 1}
        assert [backup.verify(path) for path in backup.files(tmp_path)] == [101, 101]
        values = queries.samples(DEVICE, (), 0, 2**60)["HR"].values.tolist()
        for model in (VitalChunk, DeviceGap):
            db.session.query(model).delete()
        db.session.query(WaveChunk).filter(WaveChunk.start_ms < T0 + 20_000).delete()
        restored = {table: count for table, count in backup.restore(tmp_path).items() if count}
        assert restored == {"vital_chunk": 2, "wave_chunk": 1, "device_gap": 2}
        assert queries.samples(DEVICE, (), 0, 2**60)["HR"].values.tolist() == values
        assert sum(backup.restore(tmp_path).values()) == 0


def tracks() -> list[Track]:
    times = [T0 + 1000 * n for n in range(5)]
    numeric = to_samples(SeriesColumns("SpO2", "%", times, [98.0, 97.5, 97.0, 0.0, 99.0], [0, 0, 0, 256, 0]))
    wave = (piece(T0, list(range(100))), piece(T0 + 3000, list(range(100, 200))))
    return [Track("OR1", "SpO2", "%", numeric), Track("OR1", "PLETH", "%", None, wave)]


def test_csv_is_read_again() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(tracks(), clock.HOSPITAL_ZONE).decode("utf-8-sig"))))
    assert [row["数值"] for row in rows] == ["98", "97.5", "97", "0", "99"]
    assert rows[3]["质量标志"] == "256"
    assert rows[0]["时间"].endswith("+08:00")


def read_edf(data: bytes) -> dict[str, tuple[int, list[float | None]]]:
    """A small reader by the published description of EDF: label → (rate, physical values)."""
    records, seconds, count = int(data[236:244]), float(data[244:252]), int(data[252:256])
    assert (int(data[184:192]), seconds) == (256 * (count + 1), 1.0)

    def column(offset: int, size: int) -> list[str]:
        begin = 256 + offset * count
        return [data[begin + size * n : begin + size * (n + 1)].decode("ascii").strip() for n in range(count)]

    labels, rates = column(0, 16), [int(text) for text in column(216, 8)]
    low, high, dlow, dhigh = ([float(text) for text in column(at, 8)] for at in (104, 112, 120, 128))
    body = np.frombuffer(data[256 * (count + 1) :], "<i2").reshape(records, sum(rates))
    found, begin = {}, 0
    for n, label in enumerate(labels):
        counts = body[:, begin : begin + rates[n]].ravel()
        gain = (high[n] - low[n]) / (dhigh[n] - dlow[n])
        values = [None if c == NO_SAMPLE else (int(c) - dlow[n]) * gain + low[n] for c in counts]
        found[label] = (rates[n], values)
        begin += rates[n]
    return found


def test_edf_is_read_again() -> None:
    data = to_edf(tracks(), "SCH-1", T0, T0 + 5000, clock.HOSPITAL_ZONE)
    assert data[8:88].strip() == b"X X X X", "nobody is named"
    found = read_edf(data)
    rate, values = found["SpO2_OR1"]
    assert rate == 1
    assert [None if v is None else round(v, 1) for v in values] == [98.0, 97.5, 97.0, None, 99.0]
    rate, values = found["PLETH_OR1"]
    assert (rate, len(values)) == (100, 500)
    assert values[:100] == pytest.approx([n * 0.5 + 1.0 for n in range(100)], abs=0.2)
    assert values[100:300] == [None] * 200
    assert values[300:400] == pytest.approx([n * 0.5 + 1.0 for n in range(100, 200)], abs=0.2)


def read_wfdb(data: bytes) -> tuple[str, dict[str, tuple[int, str, list[float | None]]]]:
    """A small reader by the published description of WFDB headers and format 16: label → (rate, unit, values)."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = sorted(archive.namelist())
        body, head = archive.read(names[0]), archive.read(names[1]).decode("ascii").splitlines()
    record, signals, frame_rate, frames, *begun = head[0].split()
    assert (names, frame_rate) == ([f"{record}.dat", f"{record}.hea"], "1")
    rows = [
        re.fullmatch(r"(\S+) 16(?:x(\d+))? ([\d.e+-]+)\((-?\d+)\)/(\S+) 16 0 (-?\d+) (-?\d+) 0 (.+)", line)
        for line in head[1:]
    ]
    assert len(rows) == int(signals)
    rates = [int(row[2] or 1) for row in rows if row]
    grid = np.frombuffer(body, "<i2").reshape(int(frames), sum(rates))
    found, begin = {}, 0
    for row, rate in zip(rows, rates, strict=True):
        assert row is not None
        counts = grid[:, begin : begin + rate].ravel()
        assert int(row[6]) == counts[0]
        assert (int(counts.astype(np.int64).sum()) - int(row[7])) % 65536 == 0
        values = [None if c == NO_SAMPLE else (int(c) - int(row[4])) / float(row[3]) for c in counts]
        found[row[8]] = (rate, row[5], values)
        begin += rate
    return " ".join(begun), found


def test_wfdb_is_read_again() -> None:
    begun, found = read_wfdb(to_wfdb(tracks(), "SCH-1", T0, T0 + 5000, clock.HOSPITAL_ZONE))
    assert begun == "22:13:20 21/09/2026"
    rate, unit, values = found["SpO2_OR1"]
    assert (rate, unit) == (1, "%")
    assert values == [98.0, 97.5, 97.0, None, 99.0]
    rate, _, values = found["PLETH_OR1"]
    assert (rate, len(values)) == (100, 500)
    assert values[:100] == [n * 0.5 + 1.0 for n in range(100)]
    assert values[100:300] == [None] * 200
    assert values[300:400] == [n * 0.5 + 1.0 for n in range(100, 200)]


def read_vital(data: bytes) -> tuple[dict[int, tuple[str, int, float, float]], list[tuple[int, float, object]]]:
    """A small reader of .vital: tracks {number: (name, type, rate, gain)} and records (number, time, value or samples)."""
    plain = gzip.decompress(data)
    assert plain[:4] == b"VITA"
    version, head = struct.unpack_from("<IH", plain, 4)
    assert version == 3
    at, found, records = 10 + head, {}, []

    def text(body: bytes, place: int) -> tuple[str, int]:
        (size,) = struct.unpack_from("<I", body, place)
        return body[place + 4 : place + 4 + size].decode(), place + 4 + size

    while at < len(plain):
        kind, size = struct.unpack_from("<bI", plain, at)
        body = plain[at + 5 : at + 5 + size]
        assert len(body) == size
        at += 5 + size
        if kind == 0:
            number, track, _ = struct.unpack_from("<HBB", body)
            name, place = text(body, 4)
            _, place = text(body, place)
            _, _, _, rate, gain, *_ = struct.unpack_from("<ffIfddBI", body, place)
            found[number] = (name, track, rate, gain)
        elif kind == 1:
            _, moment, number = struct.unpack_from("<HdH", body)
            if found[number][1] == 1:
                (count,) = struct.unpack_from("<I", body, 12)
                records.append((number, moment, list(struct.unpack_from(f"<{count}h", body, 16))))
            else:
                records.append((number, moment, struct.unpack_from("<f", body, 12)[0]))
    return found, records


def test_vital_is_read_again() -> None:
    found, records = read_vital(to_vital(tracks(), 480))
    assert found == {1: ("SpO2", 2, 0.0, 1.0), 2: ("PLETH", 1, 100.0, 0.5)}
    assert [value for number, _, value in records if number == 1] == [98.0, 97.5, 97.0, 99.0]
    assert [(at, value) for number, at, value in records if number == 2] == [
        (T0 / 1000, list(range(100))),
        (T0 / 1000 + 3, list(range(100, 200))),
    ]
    assert [at for _, at, _ in records] == sorted(at for _, at, _ in records)
