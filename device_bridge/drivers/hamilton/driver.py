"""Registry entry of the Hamilton driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.hamilton.codec import HamiltonCodec
from device_bridge.drivers.hamilton.outbound import check

DRIVER = Driver(
    name="hamilton",
    title="哈美顿呼吸机（串口 38400，校验与停止位按设备设置）",
    codec=HamiltonCodec,
    checker=check,
    default_transport={"kind": "serial", "port": "", "baudrate": 38400, "bytesize": 8, "parity": "N", "stopbits": 1},
    capabilities=("numerics",),
)
