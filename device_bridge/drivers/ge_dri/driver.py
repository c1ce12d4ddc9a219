"""Registry entry of the GE DRI driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.ge_dri.codec import GeDriCodec
from device_bridge.drivers.ge_dri.framing import frame_bare_records
from device_bridge.drivers.ge_dri.outbound import check

DRIVER = Driver(
    name="ge_dri",
    title="GE/Datex S/5 监护仪（DRI，串口 19200 8E1）",
    codec=GeDriCodec,
    checker=check,
    default_transport={
        "kind": "serial",
        "port": "",
        "baudrate": 19200,
        "bytesize": 8,
        "parity": "E",
        "stopbits": 1,
        "rtscts": True,
    },
    capabilities=("numerics", "nibp", "waves"),
    prepare_file=frame_bare_records,
)
