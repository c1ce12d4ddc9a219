"""Registry entry of the BIS driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.bis.codec import BisCodec
from device_bridge.drivers.bis.outbound import check

DRIVER = Driver(
    name="bis",
    title="BIS A-2000/VISTA 脑电双频指数（二进制，串口 57600 8N1）",
    codec=BisCodec,
    checker=check,
    default_transport={"kind": "serial", "port": "", "baudrate": 57600, "bytesize": 8, "parity": "N", "stopbits": 1},
    capabilities=("numerics",),
)
