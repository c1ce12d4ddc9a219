"""Decoders against damaged lines and against anything at all: no exception, no phantom value, bounded memory."""

import json
import random
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_bridge.drivers.base import (
    CodecOptions,
    Fault,
    Observation,
)
from device_bridge.drivers.ge_dri import layout
from device_bridge.drivers.ge_dri.encoder import physiological_frame
from device_bridge.drivers.mindray_pds import encoder as mindray
from device_bridge.drivers.mindray_pds.encoder import Numeric
from device_bridge.drivers.registry import DRIVERS, UnknownDriver, get_driver
from device_bridge.parameters import PARAMETERS
from tests.device_bridge.drivers_common import AT, by_code, ge_record, pcd


def test_registry():
    assert {"mindray_pds", "ge_dri"} <= set(DRIVERS)
    with pytest.raises(UnknownDriver, match="mindray_pds"):
        get_driver("nope")


def samples_of(name):
    if name == "ge_dri":
        one, _ = ge_record()
        return physiological_frame([one], number=1, time=one.time) * 2
    if name == "ihe_pcd01":
        return pcd("OBX|1|NM|147842^MDC_ECG_HEART_RATE^MDC|1.7.4.147842|60|264864^MDC_DIM_BEAT_PER_MIN^MDC|||||R") * 3
    rows = [Numeric("101", "HR", "2101", "60"), Numeric("200", "T1", "2104", "36.6")]
    return (mindray.periodic(rows) + mindray.states([("101", True)])) * 3


@pytest.mark.parametrize("name", ["mindray_pds", "ge_dri", "ihe_pcd01"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=st.lists(st.binary(max_size=300), max_size=8))
def test_noise_never_raises_and_never_gives_values(name, chunks):
    codec = get_driver(name).codec(CodecOptions())
    codec.opened(AT)
    out = []
    for chunk in chunks:
        out += codec.feed(chunk, AT)
    out += codec.poll(AT) + codec.closed(AT)
    assert not [one for one in out if isinstance(one, Observation) and one.value is not None]


@pytest.mark.parametrize("name", ["mindray_pds", "ge_dri", "ihe_pcd01"])
@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), cuts=st.integers(1, 400))
def test_damaged_lines_never_raise_and_stay_canonical(name, seed, cuts):
    chance = random.Random(seed)
    line = bytearray(samples_of(name))
    for _ in range(chance.randrange(12)):
        where = chance.randrange(len(line))
        match chance.randrange(3):
            case 0:
                line[where] = chance.randrange(256)
            case 1:
                del line[where : where + chance.randrange(1, 9)]
            case _:
                line[where:where] = chance.randbytes(chance.randrange(1, 9))
    codec = get_driver(name).codec(CodecOptions())
    out = []
    for position in range(0, len(line), cuts):
        out += codec.feed(bytes(line[position : position + cuts]), AT)
    for one in out + codec.closed(AT):
        if isinstance(one, Observation):
            assert one.unit == PARAMETERS[one.code].unit
            json.dumps(one.value, allow_nan=False)


def test_dri_memory_is_bounded():
    codec = get_driver("ge_dri").codec(CodecOptions())
    faults = 0
    for _ in range(50):
        faults += sum(isinstance(one, Fault) for one in codec.feed(b"\x01" * 10_000, AT))
    assert faults >= 20
    one, _ = ge_record()
    data = b"\x7e" + physiological_frame([one], number=1, time=one.time)
    assert by_code(codec.feed(data, AT)), "it must recover by itself"


def test_physiological_record_has_the_published_size():
    one, _ = ge_record()
    assert len(one.pack()) == layout.PHDB_SIZE
    assert struct.unpack_from("<I", one.pack())[0] == one.time
