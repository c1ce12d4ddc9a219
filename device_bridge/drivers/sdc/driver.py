"""Registry entry of the SDC driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.sdc.codec import SdcCodec, end_file
from device_bridge.drivers.sdc.outbound import check

DRIVER = Driver(
    name="sdc",
    title="IEEE 11073 SDC 设备（需另装 sdc11073，只读取与订阅）",
    codec=SdcCodec,
    checker=check,
    default_transport={"kind": "sdc", "url": ""},
    capabilities=("numerics", "nibp", "waves", "alarms"),
    prepare_file=end_file,
)
