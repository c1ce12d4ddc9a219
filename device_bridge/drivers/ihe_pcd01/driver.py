"""Registry entry of the PCD-01 driver."""

from device_bridge.drivers.base import Driver
from device_bridge.drivers.ihe_pcd01.codec import PcdCodec
from device_bridge.drivers.ihe_pcd01.outbound import check
from device_bridge.drivers.mllp import frame_text_file

DRIVER = Driver(
    name="ihe_pcd01",
    title="IHE PCD-01 推送（迈瑞 eGateway/ePM/VS、科曼、GE 网关等，HL7 2.6 MLLP）",
    codec=PcdCodec,
    checker=check,
    default_transport={"kind": "tcp_listener", "host": "0.0.0.0", "port": 2575},  # noqa: S104 - gateways are elsewhere
    capabilities=("numerics", "nibp", "waves", "alarms"),
    prepare_file=frame_text_file,
)
