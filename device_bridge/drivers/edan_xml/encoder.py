"""The monitor's own message, for simulators and tests."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

from device_bridge.drivers.mllp import frame
from device_bridge.profiles.table import natives_of

_LABEL_OF = natives_of("edan_xml")


def message(values: Mapping[str, str], *, at: str, bed: str = "Bed1") -> bytes:
    """One message; `values` are printed numbers by canonical code, `at` is `YYYYMMDDhhmmss` local."""
    rows = "".join(
        f"<OBX><OBX.2>NM</OBX.2><OBX.3>{_LABEL_OF[code]}</OBX.3><OBX.5>{escape(text)}</OBX.5></OBX>"
        for code, text in values.items()
    )
    text = (
        f"<ORU_R01><MSH><MSH.1>|</MSH.1><MSH.7>{at}</MSH.7><MSH.12>2.3.1</MSH.12></MSH>"
        f"<PV1><PV1.3><PV1.3.3>{escape(bed)}</PV1.3.3></PV1.3></PV1>"
        f"<OBR><OBR.7>{at}</OBR.7></OBR>{rows}</ORU_R01>"
    )
    return frame(text.encode("utf-8"))
