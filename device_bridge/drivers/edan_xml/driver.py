"""Registry entry of the Edan driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.edan_xml.codec import EdanCodec, frame_file
from device_bridge.outbound import refuse_all

DRIVER = Driver(
    name="edan_xml",
    title="理邦 elite V8 监护仪（XML 形式的 HL7 2.3.1，TCP 9100，只接收）",
    codec=EdanCodec,
    checker=refuse_all,
    default_transport={"kind": "tcp_client", "host": "", "port": 9100},
    capabilities=("numerics", "nibp"),
    one_message=True,
    prepare_file=frame_file,
)
