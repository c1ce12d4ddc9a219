"""Registry entry of the Masimo driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.masimo.codec import MasimoCodec
from device_bridge.outbound import refuse_all

DRIVER = Driver(
    name="masimo",
    title="Masimo Radical-7/Rad-8 血氧仪（ASCII 1，串口 9600 8N1，只接收）",
    codec=MasimoCodec,
    checker=refuse_all,
    default_transport={"kind": "serial", "port": "", "baudrate": 9600, "bytesize": 8, "parity": "N", "stopbits": 1},
    capabilities=("numerics",),
)
