"""Registry entry of the Mindray 2.3.1 driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.mindray_pds.codec import MindrayCodec
from device_bridge.drivers.mindray_pds.outbound import check
from device_bridge.drivers.mllp import frame_text_file

DRIVER = Driver(
    name="mindray_pds",
    title="迈瑞监护仪/麻醉机（HL7 2.3.1，TCP 4601）",
    codec=MindrayCodec,
    checker=check,
    default_transport={"kind": "tcp_client", "host": "", "port": 4601},
    capabilities=("numerics", "nibp", "waves", "alarms"),
    prepare_file=frame_text_file,
)
