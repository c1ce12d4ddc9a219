"""Simulators by driver name."""

from collections.abc import Callable

from device_bridge.simulators.base import SimulatedDevice, SimulatorSettings
from device_bridge.simulators.blood_gas import BloodGasAnalyser
from device_bridge.simulators.ge_dri import GeMonitor
from device_bridge.simulators.intellivue import IntelliVueMonitor
from device_bridge.simulators.medibus import MedibusMachine, MedibusXMachine
from device_bridge.simulators.mindray import MindrayMonitor

SIMULATORS: dict[str, Callable[[SimulatorSettings], SimulatedDevice]] = {
    "mindray_pds": MindrayMonitor,
    "ge_dri": GeMonitor,
    "intellivue_rs232": IntelliVueMonitor,
    "astm": BloodGasAnalyser,
    "medibus": MedibusMachine,
    "medibus_x": MedibusXMachine,
}
