"""Every driver by its name. See `device_bridge.drivers` for how to add one."""

from device_bridge.drivers.aeonmed.driver import DRIVER as AEONMED
from device_bridge.drivers.alaris_pump.driver import DRIVER as ALARIS_PUMP
from device_bridge.drivers.astm.driver import DRIVER as ASTM
from device_bridge.drivers.base import Driver
from device_bridge.drivers.biolight.driver import DRIVER as BIOLIGHT
from device_bridge.drivers.bis.driver import DRIVER as BIS
from device_bridge.drivers.edan_xml.driver import DRIVER as EDAN_XML
from device_bridge.drivers.egos.driver import DRIVER as EGOS
from device_bridge.drivers.fresenius_pump.driver import DRIVER as FRESENIUS_PUMP
from device_bridge.drivers.ge_dri.driver import DRIVER as GE_DRI
from device_bridge.drivers.hamilton.driver import DRIVER as HAMILTON
from device_bridge.drivers.hl7_bloodgas.driver import DRIVER as HL7_BLOODGAS
from device_bridge.drivers.ihe_pcd01.driver import DRIVER as IHE_PCD01
from device_bridge.drivers.intellivue_rs232.driver import DRIVER as INTELLIVUE_RS232
from device_bridge.drivers.intellivue_udp.driver import DRIVER as INTELLIVUE_UDP
from device_bridge.drivers.masimo.driver import DRIVER as MASIMO
from device_bridge.drivers.medibus.driver import DRIVER as MEDIBUS
from device_bridge.drivers.medibus_x.driver import DRIVER as MEDIBUS_X
from device_bridge.drivers.mindray_pds.driver import DRIVER as MINDRAY_PDS
from device_bridge.drivers.mingxi.driver import DRIVER as MINGXI
from device_bridge.drivers.nellcor.driver import DRIVER as NELLCOR
from device_bridge.drivers.nuohe.driver import DRIVER as NUOHE
from device_bridge.drivers.passive.driver import DRIVER as PASSIVE
from device_bridge.drivers.pb840.driver import DRIVER as PB840
from device_bridge.drivers.puke.driver import DRIVER as PUKE
from device_bridge.drivers.sdc.driver import DRIVER as SDC
from device_bridge.drivers.servo_cie.driver import DRIVER as SERVO_CIE

_ALL: tuple[Driver, ...] = (
    MINDRAY_PDS,
    GE_DRI,
    IHE_PCD01,
    ASTM,
    HL7_BLOODGAS,
    BIOLIGHT,
    AEONMED,
    EDAN_XML,
    NUOHE,
    PUKE,
    EGOS,
    MINGXI,
    INTELLIVUE_RS232,
    INTELLIVUE_UDP,
    MEDIBUS,
    MEDIBUS_X,
    SERVO_CIE,
    HAMILTON,
    PB840,
    BIS,
    MASIMO,
    NELLCOR,
    SDC,
    FRESENIUS_PUMP,
    ALARIS_PUMP,
    PASSIVE,
)

DRIVERS: dict[str, Driver] = {driver.name: driver for driver in _ALL}


class UnknownDriver(ValueError):
    """The name is not in the registry; the message lists the names that are."""


def get_driver(name: str) -> Driver:
    """The driver of that name. Raises `UnknownDriver`."""
    try:
        return DRIVERS[name]
    except KeyError:
        raise UnknownDriver(f"未知驱动 {name!r}；可用：{'、'.join(sorted(DRIVERS))}") from None
