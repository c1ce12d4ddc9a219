"""The data export protocol in datagrams."""

from device_bridge.drivers.base import Clocks, CodecOptions, Output
from device_bridge.drivers.intellivue.codec import IntelliVueCodec

_ETHERNET_IP = b"\x08\x00\x45"


def _bare(payload: bytes) -> bytes:
    return payload


class UdpCodec(IntelliVueCodec):
    """One monitor on the network."""

    def __init__(self, options: CodecOptions) -> None:
        super().__init__("intellivue_udp", options, _bare)

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode one datagram."""
        return self.payload(data, received)


def strip_network_headers(data: bytes) -> bytes:
    """A datagram captured with its Ethernet, IP and UDP headers, without them."""
    if data[12:15] != _ETHERNET_IP or len(data) < 42:
        return data
    return data[14 + (data[14] & 0x0F) * 4 + 8 :]
