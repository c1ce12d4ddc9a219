"""Registry entry of the passive recorder."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.passive.codec import PassiveCodec
from device_bridge.outbound import refuse_all

DRIVER = Driver(
    name="passive",
    title="未知协议设备：只记录原始数据，不解码、不发送",
    codec=PassiveCodec,
    checker=refuse_all,
    default_transport={"kind": "serial", "port": "", "baudrate": 9600, "bytesize": 8, "parity": "N", "stopbits": 1},
    capabilities=("raw",),
)
