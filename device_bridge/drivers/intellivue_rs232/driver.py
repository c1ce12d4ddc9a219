"""Registry entry of the IntelliVue serial driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.intellivue.outbound import check_serial
from device_bridge.drivers.intellivue_rs232.codec import SerialCodec

DRIVER = Driver(
    name="intellivue_rs232",
    title="飞利浦 IntelliVue 监护仪（MIB/RS-232，串口 115200 8N1）",
    codec=SerialCodec,
    checker=check_serial,
    default_transport={"kind": "serial", "port": "", "baudrate": 115200, "bytesize": 8, "parity": "N", "stopbits": 1},
    capabilities=("numerics", "nibp", "waves"),
)
