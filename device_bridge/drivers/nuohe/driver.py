"""Registry entry of the Nuohe driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.nuohe.codec import NuoheCodec
from device_bridge.outbound import refuse_all

DRIVER = Driver(
    name="nuohe",
    title="诺和 NW9002S 麻醉深度监护仪（UDP 45677，只接收）",
    codec=NuoheCodec,
    checker=refuse_all,
    default_transport={"kind": "udp", "port": 45677},
    capabilities=("numerics",),
    datagrams=True,
)
