"""Simulators by driver name: one for every driver."""

from collections.abc import Callable

from device_bridge.simulators import answering, connecting, datagrams, streaming
from device_bridge.simulators.base import SimulatedDevice, SimulatorSettings
from device_bridge.simulators.blood_gas import BloodGasAnalyser
from device_bridge.simulators.ge_dri import GeMonitor
from device_bridge.simulators.intellivue import IntelliVueMonitor
from device_bridge.simulators.medibus import MedibusMachine, MedibusXMachine
from device_bridge.simulators.mindray import MindrayMonitor
from device_bridge.simulators.noise import UnknownDevice
from device_bridge.simulators.sdc import SdcDevice

SIMULATORS: dict[str, Callable[[SimulatorSettings], SimulatedDevice]] = {
    "mindray_pds": MindrayMonitor,
    "ihe_pcd01": connecting.PcdGateway,
    "ge_dri": GeMonitor,
    "medibus": MedibusMachine,
    "medibus_x": MedibusXMachine,
    "astm": BloodGasAnalyser,
    "hl7_bloodgas": connecting.Hl7Analyser,
    "intellivue_rs232": IntelliVueMonitor,
    "intellivue_udp": datagrams.IntelliVueUdpMonitor,
    "aeonmed": datagrams.AeonmedMachine,
    "edan_xml": streaming.EdanMonitor,
    "biolight": datagrams.BiolightMonitor,
    "nuohe": datagrams.NuoheMonitor,
    "puke": datagrams.PukeMonitor,
    "egos": streaming.CerebralOximeter,
    "mingxi": streaming.MingxiOximeter,
    "servo_cie": answering.ServoVentilator,
    "hamilton": answering.HamiltonVentilator,
    "pb840": answering.Pb840Ventilator,
    "bis": streaming.BisMonitor,
    "masimo": streaming.MasimoOximeter,
    "nellcor": streaming.NellcorOximeter,
    "alaris_pump": answering.AlarisPump,
    "fresenius_pump": answering.FreseniusRack,
    "sdc": SdcDevice,
    "passive": UnknownDevice,
}
