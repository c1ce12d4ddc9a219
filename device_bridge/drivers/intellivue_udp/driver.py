"""Registry entry of the IntelliVue network driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.intellivue.outbound import check
from device_bridge.drivers.intellivue_udp.codec import UdpCodec, strip_network_headers

DRIVER = Driver(
    name="intellivue_udp",
    title="飞利浦 IntelliVue 监护仪（网络，UDP 24105）",
    codec=UdpCodec,
    checker=check,
    default_transport={"kind": "udp", "port": 24105, "remote_host": "", "remote_port": 24105},
    capabilities=("numerics", "nibp", "waves"),
    prepare_file=strip_network_headers,
    datagrams=True,
)
