"""Registry entry of the ASTM driver."""

from device_bridge.drivers.astm.codec import AstmCodec
from device_bridge.drivers.astm.framing import frame_text_file
from device_bridge.drivers.astm.outbound import check
from device_bridge.drivers.base import Driver

DRIVER = Driver(
    name="astm",
    title="血气分析仪（ASTM E1381/E1394：雷度 ABL、GEM、cobas b）",
    codec=AstmCodec,
    checker=check,
    default_transport={"kind": "tcp_listener", "host": "0.0.0.0", "port": 10020},  # noqa: S104 - analysers are elsewhere
    capabilities=("blood_gas",),
    prepare_file=frame_text_file,
)
