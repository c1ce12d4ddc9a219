"""Registry entry of the MEDIBUS.X driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.medibus.codec import MedibusCodec
from device_bridge.drivers.medibus.outbound import check
from device_bridge.drivers.medibus.tables import MEDIBUS_X


class MedibusXCodec(MedibusCodec):
    """The same dialogue with the tables of MEDIBUS.X."""

    dialect = MEDIBUS_X


DRIVER = Driver(
    name="medibus_x",
    title="德尔格 MEDIBUS.X（Atlan、Perseus、Evita V 等，串口 19200 8E1）",
    codec=MedibusXCodec,
    checker=check,
    default_transport={
        "kind": "serial",
        "port": "",
        "baudrate": 19200,
        "bytesize": 8,
        "parity": "E",
        "stopbits": 1,
        "rts": True,
        "dtr": True,
    },
    capabilities=("numerics", "nibp", "alarms"),
)
