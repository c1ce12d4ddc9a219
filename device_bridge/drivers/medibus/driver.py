"""Registry entry of the MEDIBUS driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.medibus.codec import MedibusCodec
from device_bridge.drivers.medibus.outbound import check

DRIVER = Driver(
    name="medibus",
    title="德尔格 MEDIBUS（Fabius、Primus、Evita 等，串口 9600 8E1）",
    codec=MedibusCodec,
    checker=check,
    default_transport={
        "kind": "serial",
        "port": "",
        "baudrate": 9600,
        "bytesize": 8,
        "parity": "E",
        "stopbits": 1,
        "rts": True,
        "dtr": True,
    },
    capabilities=("numerics", "alarms"),
)
