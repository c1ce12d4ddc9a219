"""Registry entry of the Mingxi driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.mingxi.codec import MingxiCodec
from device_bridge.outbound import refuse_all

DRIVER = Driver(
    name="mingxi",
    title="名希 MNIR-P100 脑氧（串口，只接收）",
    codec=MingxiCodec,
    checker=refuse_all,
    default_transport={"kind": "serial", "port": "", "baudrate": 9600, "bytesize": 8, "parity": "N", "stopbits": 1},
)
