"""Registry entry of the Biolight driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.biolight.codec import BiolightCodec
from device_bridge.drivers.biolight.outbound import check

DRIVER = Driver(
    name="biolight",
    title="宝莱特 A8 监护仪（UDP，本机 45679，设备 8002）",
    codec=BiolightCodec,
    checker=check,
    default_transport={"kind": "udp", "port": 45679, "remote_host": "", "remote_port": 8002},
    capabilities=("numerics", "nibp"),
    datagrams=True,
)
