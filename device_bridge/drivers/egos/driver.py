"""Registry entry of the EGOS driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.egos.codec import EgosCodec
from device_bridge.outbound import refuse_all

DRIVER = Driver(
    name="egos",
    title="爱琴 EGOS-600 脑氧监护仪（串口，只接收）",
    codec=EgosCodec,
    checker=refuse_all,
    default_transport={"kind": "serial", "port": "", "baudrate": 9600, "bytesize": 8, "parity": "N", "stopbits": 1},
    capabilities=("numerics",),
)
