"""Registry entry of the Alaris driver."""

from device_bridge.drivers.alaris_pump.codec import AlarisCodec
from device_bridge.drivers.alaris_pump.outbound import check
from device_bridge.drivers.base import Driver
from device_bridge.drivers.pumps import CONSENT, WARNING

DRIVER = Driver(
    name="alaris_pump",
    title="Alaris（Asena）注射泵（串口 38400 8N1，只读，默认关闭）",
    codec=AlarisCodec,
    checker=check,
    default_transport={"kind": "serial", "port": "", "baudrate": 38400, "bytesize": 8, "parity": "N", "stopbits": 1},
    capabilities=("numerics",),
    consent=CONSENT,
    warning=WARNING,
)
