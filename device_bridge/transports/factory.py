"""From a device's `transport` entry to the endpoint.

========== =====================================================================================
kind       keys
========== =====================================================================================
tcp_client host, port, [timeout_s]
tcp_listener [host], port, [peers: addresses or networks]
udp        [host], port, [remote_host, remote_port]
serial     port, baudrate, bytesize, parity, stopbits, xonxoff, rtscts, dsrdtr, rts, dtr
serial_url url (rfc2217://, socket://), and the line settings of `serial`
replay     path, [chunk, bytes_per_s, loop]
sdc        url, [certificates], [waves]: a subscription, needs the optional package
gateway    none: the data come through the gateway whose `beds` option names this device
========== =====================================================================================
"""

from collections.abc import Callable, Mapping
from typing import Any

from device_bridge.transports.base import Endpoint, TransportError
from device_bridge.transports.gateway import Gateway
from device_bridge.transports.replay import Replay
from device_bridge.transports.sdc import SdcEndpoint, SdcSettings
from device_bridge.transports.serial_line import LineSettings, SerialLine
from device_bridge.transports.tcp import TcpClient, TcpListener
from device_bridge.transports.udp import Udp

Settings = Mapping[str, Any]


def _tcp_client(settings: Settings) -> Endpoint:
    if not settings["host"]:
        raise TransportError("未配置设备地址")
    return TcpClient(str(settings["host"]), _port(settings["port"]), float(settings.get("timeout_s", 8)))


def _tcp_listener(settings: Settings) -> Endpoint:
    peers = tuple(str(peer) for peer in settings.get("peers", ()))
    return TcpListener(str(settings.get("host", "0.0.0.0")), _port(settings["port"]), peers)  # noqa: S104 - devices are on another host; `peers` narrows it


def _udp(settings: Settings) -> Endpoint:
    remote = None
    if settings.get("remote_host"):
        remote = (str(settings["remote_host"]), _port(settings["remote_port"]))
    return Udp(str(settings.get("host", "0.0.0.0")), _port(settings["port"]), remote)  # noqa: S104 - as above


def _serial(settings: Settings) -> Endpoint:
    return SerialLine(str(settings["port"]), LineSettings.parse(settings))


def _serial_url(settings: Settings) -> Endpoint:
    return SerialLine(str(settings["url"]), LineSettings.parse(settings))


def _replay(settings: Settings) -> Endpoint:
    return Replay(
        str(settings["path"]),
        int(settings.get("chunk", 512)),
        float(settings.get("bytes_per_s", 2000)),
        bool(settings.get("loop", False)),
    )


def _sdc(settings: Settings) -> Endpoint:
    return SdcEndpoint(
        SdcSettings(str(settings["url"]), str(settings.get("certificates", "")), settings.get("waves") is True)
    )


KINDS: dict[str, Callable[[Settings], Endpoint]] = {
    "tcp_client": _tcp_client,
    "tcp_listener": _tcp_listener,
    "udp": _udp,
    "serial": _serial,
    "serial_url": _serial_url,
    "replay": _replay,
    "sdc": _sdc,
    "gateway": lambda _: Gateway(),
}


def _port(value: Any) -> int:
    port = int(value)
    if not 0 < port < 65_536:
        raise TransportError(f"端口 {port} 不正确")
    return port


def make_endpoint(settings: Settings) -> Endpoint:
    """The endpoint of a device. Raises `TransportError` with a text for people when a setting is wrong."""
    make = KINDS.get(str(settings.get("kind", "")))
    if make is None:
        raise TransportError(f"未知的连接方式；可用：{'、'.join(KINDS)}")
    try:
        return make(settings)
    except KeyError as error:
        raise TransportError(f"连接参数缺少 {error.args[0]}") from error
    except (TypeError, ValueError) as error:
        raise TransportError("连接参数不正确") from error
