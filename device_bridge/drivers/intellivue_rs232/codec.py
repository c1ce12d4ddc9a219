"""The data export protocol over a serial line."""

from device_bridge.drivers.base import Clocks, CodecOptions, Fault, Output
from device_bridge.drivers.intellivue.codec import IntelliVueCodec
from device_bridge.drivers.intellivue.framing import SerialFramer, enframe


class SerialCodec(IntelliVueCodec):
    """One serial port."""

    def __init__(self, options: CodecOptions) -> None:
        super().__init__("intellivue_rs232", options, enframe)
        self.framer = SerialFramer()

    def feed(self, data: bytes, received: Clocks) -> list[Output]:
        """Decode what arrived."""
        out: list[Output] = []
        for payload in self.framer.feed(data):
            out += self.payload(payload, received)
        out += [Fault(kind) for kind in self.framer.faults]
        self.framer.faults.clear()
        return out
