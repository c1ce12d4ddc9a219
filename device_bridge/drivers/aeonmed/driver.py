"""Registry entry of the Aeonmed driver."""

from device_bridge.drivers.aeonmed.codec import AeonmedCodec
from device_bridge.drivers.base import Driver
from device_bridge.drivers.mllp import frame_text_file
from device_bridge.outbound import refuse_all

DRIVER = Driver(
    name="aeonmed",
    title="谊安 8700A 麻醉机（HL7 2.4，UDP 9101，只接收）",
    codec=AeonmedCodec,
    checker=refuse_all,
    default_transport={"kind": "udp", "port": 9101},
    capabilities=("numerics",),
    prepare_file=frame_text_file,
    datagrams=True,
)
