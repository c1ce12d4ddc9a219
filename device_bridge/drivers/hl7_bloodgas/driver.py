"""Registry entry of the HL7 blood gas driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.hl7_bloodgas.codec import BloodGasCodec
from device_bridge.drivers.hl7_bloodgas.outbound import check
from device_bridge.drivers.mllp import frame_text_file

DRIVER = Driver(
    name="hl7_bloodgas",
    title="血气分析仪（HL7 ORU，雷度、LIS 或 i-STAT/cobas 中间件）",
    codec=BloodGasCodec,
    checker=check,
    default_transport={"kind": "tcp_listener", "host": "0.0.0.0", "port": 2576},  # noqa: S104 - analysers are elsewhere
    capabilities=("blood_gas",),
    prepare_file=frame_text_file,
)
