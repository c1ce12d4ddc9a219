"""Registry entry of the Pearlcare driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.puke.codec import PukeCodec
from device_bridge.outbound import refuse_all

DRIVER = Driver(
    name="puke",
    title="普可 YY106 麻醉深度（UDP 45678，只接收）",
    codec=PukeCodec,
    checker=refuse_all,
    default_transport={"kind": "udp", "host": "0.0.0.0", "port": 45678},  # noqa: S104 - the device is elsewhere
    datagrams=True,
)
