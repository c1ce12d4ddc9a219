"""Registry entry of the Servo CIE driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.servo_cie.codec import ServoCodec
from device_bridge.drivers.servo_cie.outbound import check

DRIVER = Driver(
    name="servo_cie",
    title="迈柯唯 Servo-i/s/u、Flow-i（CIE，串口 9600/19200 8E1）",
    codec=ServoCodec,
    checker=check,
    default_transport={"kind": "serial", "port": "", "baudrate": 9600, "bytesize": 8, "parity": "E", "stopbits": 1},
    capabilities=("numerics",),
)
