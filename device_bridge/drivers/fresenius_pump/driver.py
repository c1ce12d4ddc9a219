"""Registry entry of the Fresenius driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.fresenius_pump.codec import FreseniusCodec
from device_bridge.drivers.fresenius_pump.outbound import check
from device_bridge.drivers.pumps import CONSENT, WARNING

DRIVER = Driver(
    name="fresenius_pump",
    title="费森尤斯 Base Primea、Agilia 注射泵（串口 19200 7E1，只读，默认关闭）",
    codec=FreseniusCodec,
    checker=check,
    default_transport={"kind": "serial", "port": "", "baudrate": 19200, "bytesize": 7, "parity": "E", "stopbits": 1},
    capabilities=("numerics", "alarms"),
    consent=CONSENT,
    warning=WARNING,
)
