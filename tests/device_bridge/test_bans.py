"""The ban list of every protocol family: what would change a device never passes the family's checker.

One entry for each driver; a driver that is added without one fails here.
"""

import re

import pytest

from device_bridge.drivers.alaris_pump.framing import frame as alaris
from device_bridge.drivers.bis.framing import build as bis
from device_bridge.drivers.fresenius_pump.framing import frame as fresenius
from device_bridge.drivers.intellivue.framing import enframe as philips_serial
from device_bridge.drivers.medibus.framing import COMMAND, RESPONSE
from device_bridge.drivers.medibus.framing import build as draeger
from device_bridge.drivers.mllp import frame as mllp
from device_bridge.drivers.registry import DRIVERS, get_driver
from device_bridge.drivers.servo_cie.codec import command as servo
from tests.device_bridge.test_every_driver import SAMPLES
from tests.device_bridge.test_outbound import BANNED as BANNED_HL7_AND_DRI
from tests.device_bridge.test_sdc import SDC_BANNED

SET_PRIORITIES = bytes.fromhex("e10000020001002200000005001c002100000000000000000001000e0000f23a00080001000400020102")
POLL = bytes.fromhex("e10000020001001c000000070016002100000000000000000c1600080001000100060000")
# command types: 4 set, 5 confirmed set, 8 create, 10 delete; then an action that is none of the two poll actions
PHILIPS = [
    SET_PRIORITIES,
    *(POLL[:11] + bytes((command,)) + POLL[12:] for command in (4, 5, 6, 8, 9, 10, 11)),
    POLL.replace(b"\x0c\x16", b"\x0c\x17"),
    POLL + POLL,
]
# 49 time changed, 4A configure data response, 54 configure real time (waves are not offered), 56 and above unknown
DRAEGER_SETTING = [0x49, 0x4A, 0x54, *range(0x56, 0x80)]
DRAEGER = [
    *(draeger(COMMAND, code) for code in DRAEGER_SETTING),
    draeger(RESPONSE, 0x49),
    draeger(RESPONSE, 0x4A, b"12:00:00"),
    draeger(COMMAND, 0x28, b"12:00:0001-JAN-26"),
    draeger(COMMAND, 0x24, b"7D  20"),
]
DEMOGRAPHICS = [
    mllp(f"MSH|^~\\&|MAFEI|BRIDGE|||20260301080000+0000||{kind}|1|P|2.6\rPID|||1||A^B\r".encode())
    for kind in ("ORF^R04", "ADR^A19", "RSP^ZV2", "ADT^A01", "ADT^A04", "ADT^A08", "ADT^A40", "RAS^O17", "ORU^R01")
]
PUSH_ONLY = [b"", b"\x06", b"\x15", b"\r", b"?", b"\x1b", b"D2026-03-01\r", b"\xff\xff"]

BANNED: dict[str, list[bytes]] = {
    **BANNED_HL7_AND_DRI,
    "hl7_bloodgas": DEMOGRAPHICS,
    # no session of our own, no order, no answer to a query
    "astm": [b"\x05", b"\x04", b"\x02", b"\x06\x06", b"\x021H|\\^&\r\x03E5\r\n", b"\x021O|1|7||^^^pH\r\x030B\r\n", b""],
    "intellivue_udp": PHILIPS,
    "intellivue_rs232": [philips_serial(one) for one in PHILIPS],
    "medibus": DRAEGER,
    "medibus_x": DRAEGER,
    "biolight": [
        bytes.fromhex("FFDA7FF1000F000C0218"),  # sets the clock
        bytes.fromhex("FFDA7FF1000F000C02181A030109000000000000"),
        bytes.fromhex("FFDA7FF1000F000602080102646F") * 2,
        b"",
    ],
    "bis": [bis(message, data) for message in (0x70, 0x71, 0x72, 0x75, 0x76, 0x78) for data in (b"", b"\x01")],
    "hamilton": [
        *(bytes((2, code, 3, 13)) for code in set(range(128)) - {40, 41, 42, 43, 48, 49, 50, 53, 54, 61, 62, 63, 66, 67,
                                                                 69, 71, 73, 74, 75, 87, 105, 106, 111, 113}),
        b"\x02\x30500\x03\r",  # a value behind a code
        b"\x02=\x03\r\x02=\x03\r",
    ],
    "servo_cie": [servo(text) for text in (b"SDADS300301", b"SVOL500", b"SPEEP10", b"SDADB201", b"SO2100", b"RADAS ")],
    "pb840": [b"SNDT\r", b"RSET\r", b"SNDF", b"SNDF\rSNDF\r", b"\x03", b""],
    "aeonmed": [*PUSH_ONLY, *DEMOGRAPHICS],
    "edan_xml": [*PUSH_ONLY, *DEMOGRAPHICS],
    "nuohe": PUSH_ONLY,
    "puke": PUSH_ONLY,
    "egos": PUSH_ONLY,
    "mingxi": PUSH_ONLY,
    "masimo": PUSH_ONLY,
    "nellcor": [*PUSH_ONLY, b"2\r"],  # option 2 of its menu sets the date
    "passive": [*PUSH_ONLY, *DEMOGRAPHICS],
    "sdc": SDC_BANNED,
    "fresenius_pump": [
        *(
            fresenius(address + command + tail)
            for address in (b"", b"0", b"1")
            for command in (b"MO", b"RZ", b"OF", b"SI", b"EP", b"EN", b"PR", b"PO", b"PB", b"PF", b"PV", b"RV", b"PP",
                            b"PS", b"DE", b"DM", b"AE", b"AM", b"AP", b"FC")
            for tail in (b"", b";00C8")
        ),
        fresenius(b"1LE;d00C8"),
        fresenius(b"7DC"),
        b"\x05", b"\x15", b"\x06\x06",
    ],
    "alaris_pump": [
        alaris(text)
        for text in (
            b"INF_RATE^5.0^ml/h", b"INF_RATE^", b"REMOTE_CTRL^ENABLED^3CC1", b"REMOTE_CTRL", b"REMOTE_CFG^ENABLED^3CC1",
            b"INF_START", b"INF_STOP", b"INF_VI_CLEAR", b"INF_VTBI^ACTIV^11.000^ml^STOP", b"INF_BOLUS^ENABLED",
        )
    ],
}  # fmt: skip


def test_every_driver_has_its_ban_list():
    assert set(BANNED) == set(DRIVERS)


@pytest.mark.parametrize("name", sorted(BANNED))
def test_nothing_on_the_ban_list_leaves(name):
    check = get_driver(name).checker
    for payload in BANNED[name]:
        refusal = check(payload)
        assert refusal, payload
        assert re.search("[\u4e00-\u9fff]", refusal), "the reason is for people"


@pytest.mark.parametrize("name", sorted(set(SAMPLES) & set(DRIVERS)))
def test_what_a_device_says_never_leaves_towards_it(name):
    """An echo or a loop on the line is no request."""
    assert get_driver(name).checker(SAMPLES[name])
