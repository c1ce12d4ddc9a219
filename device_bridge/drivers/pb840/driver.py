"""Registry entry of the PB840 driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.pb840.codec import Pb840Codec
from device_bridge.drivers.pb840.outbound import check

DRIVER = Driver(
    name="pb840",
    title="Puritan Bennett 840 呼吸机（DCI 串口，参数按设备设置）",
    codec=Pb840Codec,
    checker=check,
    default_transport={"kind": "serial", "port": "", "baudrate": 9600, "bytesize": 8, "parity": "N", "stopbits": 1},
    capabilities=("numerics",),
)
