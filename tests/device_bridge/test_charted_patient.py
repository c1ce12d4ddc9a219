"""The simulated patient answers to what is charted, as an anesthetist expects."""

import json
import os

import pytest

from device_bridge.clocks import wall_ms
from device_bridge.simulators.base import SimulatedDevice, SimulatorSettings
from device_bridge.simulators.charted import Chart, Simulation, parse_chart
from device_bridge.simulators.pharmacology import Person, mac_percent

MINUTE = 60_000


def after(minutes, *, given=(), rates=(), events=None):
    """The patient `minutes` after the first dose."""
    chart = Chart(0, Person(), tuple(given), tuple(rates), events or {})
    return Simulation(chart).signs(round(minutes * MINUTE))


def test_without_drugs_nothing_changes():
    one = after(30)
    assert (one.drive, one.pressure, one.rate, one.block, round(one.bis)) == (1, 1, 1, 0, 97)


def test_propofol_sleeps_lowers_pressure_and_stops_breathing_and_wears_off():
    dose = [(0, "propofol", 120.0)]
    asleep, later = after(2, given=dose), after(40, given=dose)
    assert asleep.bis < 50
    assert asleep.pressure < 0.85
    assert asleep.drive < 0.3
    assert later.bis > 85
    assert later.drive > 0.9


def test_remifentanil_is_gone_within_minutes_and_slows_the_heart():
    rates = [(0, "remifentanil", 0.0124), (30 * MINUTE, "remifentanil", 0.0)]
    assert after(30, rates=rates).rate < 0.9
    assert after(30, rates=rates).drive < 0.4
    assert after(45, rates=rates).drive > 0.7


def test_an_opioid_blunts_the_answer_to_the_tube():
    tube = {"intubation": 5 * MINUTE}
    bare = after(5.2, events=tube)
    covered = after(5.2, events=tube, given=[(0, "sufentanil", 0.03)])
    assert bare.rate_more > covered.rate_more > 0


def test_rocuronium_blocks_and_sugammadex_ends_it():
    dose = [(0, "rocuronium", 50.0)]
    assert after(4, given=dose).block > 0.95
    assert after(12, given=dose).block > 0.9
    assert after(15, given=[*dose, (12 * MINUTE, "sugammadex", 250.0)]).block < 0.2
    assert after(120, given=dose).block < 0.1


def test_sevoflurane_reaches_its_mac_and_vessels_and_heart_answer_to_their_drugs():
    one = after(30, rates=[(0, "sevoflurane", 2.2)])
    assert one.mac == pytest.approx(1.0, abs=0.15)
    assert one.bis < 60
    assert mac_percent(80) < mac_percent(40) < mac_percent(10)
    pressed = after(1.5, given=[(0, "phenylephrine", 0.1)])
    assert pressed.pressure > 1.1
    assert pressed.rate < 1
    assert after(3, given=[(0, "atropine", 0.5)]).rate_more > 10


def test_devices_of_a_room_follow_the_file_and_a_struck_out_dose_is_undone(tmp_path):
    file = tmp_path / "OR1.json"
    settings = SimulatorSettings("127.0.0.1", 0, seed=3, charted=file)
    monitor, brain = SimulatedDevice(settings), SimulatedDevice(settings)
    scripted = monitor.patient.values(60)

    def write(content, stamp):
        file.write_text(json.dumps(content), encoding="utf-8")
        os.utime(file, ns=(stamp, stamp))

    case = {"case": "1", "since_ms": wall_ms() - 3 * MINUTE, "weight_kg": 60, "doses": [], "rates": [], "events": {}}
    write({**case, "doses": [{"drug": "propofol", "at_ms": wall_ms() - 2 * MINUTE, "mg": 120}]}, 10**18)
    assert brain.patient.brain(60)["BIS"] < 55
    assert "EtCO2" in monitor.patient.values(60), "somebody ventilates who does not breathe"
    write(case, 2 * 10**18)
    assert brain.patient.brain(60)["BIS"] > 90
    assert "EtCO2" not in monitor.patient.values(60)
    write({}, 3 * 10**18)
    assert monitor.patient.values(60) == scripted
    file.write_text("{half", encoding="utf-8")
    assert monitor.patient.values(60) == scripted


@pytest.mark.parametrize("text", ["[]", "1", '{"case": "1"}', '{"case": "1", "since_ms": 1, "doses": [1]}', "{"])
def test_a_file_that_is_no_chart_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_chart(text)
