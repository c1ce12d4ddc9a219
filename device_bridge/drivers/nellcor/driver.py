"""Registry entry of the Nellcor driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.nellcor.codec import NellcorCodec
from device_bridge.outbound import refuse_all

DRIVER = Driver(
    name="nellcor",
    title="Nellcor N-595 血氧仪（ASCII，串口 9600 8N1，只接收）",
    codec=NellcorCodec,
    checker=refuse_all,
    default_transport={"kind": "serial", "port": "", "baudrate": 9600, "bytesize": 8, "parity": "N", "stopbits": 1},
    capabilities=("numerics",),
)
