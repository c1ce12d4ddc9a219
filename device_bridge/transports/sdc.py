"""IEEE 11073 SDC: a subscription instead of a byte stream. The package behind it is optional.

`url` is the address of the device as its service page shows it; there is no search in the network, because that
would send to everybody. `certificates` is a folder with userkey.pem, usercert.pem and cacert.pem from the device's
manufacturer; without it only an unencrypted address can be used. `waves` also subscribes to the curves.
"""

import importlib
from dataclasses import dataclass
from urllib.parse import urlparse

from device_bridge.outbound import OutboundGate
from device_bridge.transports.base import Connection, TransportError

INSTALL = (
    "未安装 SDC 支持。请在采集机的程序目录执行 scripts/install.sh sdc（Windows：.venv\\Scripts\\pip install "
    "--require-hashes -r requirements\\sdc.txt；离线安装包已含），然后重启采集服务。其他设备不受影响。"
)
_CONSUMER = "device_bridge.transports.sdc_consumer"


@dataclass(frozen=True, slots=True)
class SdcSettings:
    """How to reach one device."""

    url: str
    certificates: str = ""
    waves: bool = False


class SdcEndpoint:
    """One device. Speaks only through the gate that the device's session gives it."""

    many = False

    def __init__(self, settings: SdcSettings) -> None:
        parts = urlparse(settings.url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise TransportError("SDC 设备地址应为 https://地址:端口/标识")
        if parts.scheme == "https" and not settings.certificates:
            raise TransportError("SDC 加密连接需要证书目录（userkey.pem、usercert.pem、cacert.pem，由设备厂家提供）")
        self._settings = settings
        self._gate: OutboundGate | None = None

    def use_gate(self, gate: OutboundGate) -> None:
        """Every request is read again by this gate before it leaves."""
        self._gate = gate

    async def connect(self) -> Connection:
        """Subscribe. Raises `TransportError`, also when the optional package is not there."""
        if self._gate is None:
            raise TransportError("SDC 设备只能由采集服务连接")
        try:
            consumer = importlib.import_module(_CONSUMER)
        except ImportError as error:
            raise TransportError(INSTALL) from error
        connection: Connection = await consumer.connect(self._settings, self._gate)
        return connection

    async def close(self) -> None:
        """Nothing listens."""
        return
