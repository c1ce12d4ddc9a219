"""Serial lines through the whole session: a pseudo terminal stands for a port, pyserial's own server for RFC 2217."""

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import threading

import pytest
import serial.rfc2217

from device_bridge.transports.base import TransportError
from device_bridge.transports.factory import make_endpoint
from tests.device_bridge.lines import LOOPBACK, Cable, bench, free_port, simulated, until

needs_pty = pytest.mark.skipif(os.name == "nt", reason="pseudo terminals are POSIX")
_TCGETS2 = 0x802C542A
of_pyserial = pytest.mark.filterwarnings("ignore:set(Daemon|Name)")


def speed_of(port):
    """Baud rate and control flags that the system's line really has."""
    line = os.open(port, os.O_RDWR | os.O_NOCTTY)
    try:
        words = struct.unpack("4IB19B2I", fcntl.ioctl(line, _TCGETS2, bytes(44)))
    finally:
        os.close(line)
    return words[-1], words[2]


@needs_pty
@pytest.mark.parametrize(("baudrate", "stopbits"), [(19_200, 1), (14_400, 2), (187_500, 1), (1_200, 1)])
def test_the_line_gets_the_speed_that_was_asked_for(tmp_path, baudrate, stopbits):
    async def run():
        cable = Cable(tmp_path / "port")
        await cable.plug()
        entry = {"kind": "serial", "port": str(cable.name), "baudrate": baudrate, "stopbits": stopbits}
        connection = await make_endpoint(entry).connect()
        speed, flags = speed_of(cable.name)
        assert (speed, bool(flags & 0o100)) == (baudrate, stopbits == 2)
        cable.say(b"\x11\x13\x00\xff")
        assert await asyncio.wait_for(connection.read(), 5) == b"\x11\x13\x00\xff"
        await connection.close()
        await cable.pull()

    asyncio.run(run())


@needs_pty
def test_a_cable_that_is_pulled_and_put_back(tmp_path):
    """The adapter gets another number from the system, the lasting name leads to it, and the gap is written down."""

    async def run():
        async with simulated("masimo") as device:
            cable = Cable(tmp_path / "port")
            await cable.plug(device.port)
            async with bench(tmp_path / "spool", "masimo", {"port": str(cable.name)}) as one:
                await until(lambda: {"SpO2", "PR", "PI"} <= one.codes(), "values")
                assert one.state == "receiving"
                await cable.pull()
                await until(lambda: one.state == "down", "noticing it")
                assert "串口" in one.detail
                before = len(one.take())
                await asyncio.sleep(0.6)
                await cable.plug(device.port)
                await until(lambda: len(one.take()) > before + 3, "values again")
                assert one.state == "receiving"
                await until(lambda: one.take() and one.gaps, "the gap")
                assert [gap.reason for gap in one.gaps] == ["disconnect"]
            await cable.pull()

    asyncio.run(run())


@needs_pty
def test_a_device_that_is_asked_is_asked_over_the_port(tmp_path):
    """A ventilator that speaks when it is asked: every question was a permitted one, and is in the log of the day."""

    async def run():
        async with simulated("hamilton") as device:
            cable = Cable(tmp_path / "port")
            await cable.plug(device.port)
            async with bench(tmp_path / "spool", "hamilton", {"port": str(cable.name)}) as one:
                await until(lambda: {"TVe", "Ppeak"} <= one.codes(), "answers")
                (day,) = one.spool.sent_days("2000-01-01")
                assert day.refused == 0
                assert day.bytes == one.session.watchdog.bytes_out >= len(cable.heard) > 0
                await device.stop()
                await cable.pull()
                await until(lambda: one.state == "down", "noticing it")

    asyncio.run(run())


@needs_pty
def test_two_devices_on_one_line_give_no_invented_value(tmp_path):
    """Their lines are mixed byte by byte; what is kept was said by one of the two."""

    async def run():
        async with simulated("masimo", seed=1) as first, simulated("masimo", seed=9, interval_s=0.03) as second:
            said = {
                tuple(sorted(one.telegram(at).values.items())) for one in (first, second) for at in range(990, 1030)
            }
            cable = Cable(tmp_path / "port")
            await cable.plug()
            async with bench(tmp_path / "spool", "masimo", {"port": str(cable.name)}) as one:
                await until(
                    lambda: one.session.watchdog.state == "connecting" and one.detail.startswith("已连接"), "it"
                )
                for at in range(40):
                    a, b = (list(one.telegram(1000 + at % 20).data) for one in (first, second))
                    mixed = bytes(byte for pair in zip(a, b, strict=False) for byte in pair) if at % 2 else bytes(a)
                    cable.say(mixed)
                    await asyncio.sleep(0.01)
                await until(lambda: one.session.watchdog.faults >= 15, "faults")
                allowed = {pair for values in said for pair in values}
                assert {(code, value) for code, _, value in one.take()} <= allowed
                assert one.values
            await cable.pull()

    asyncio.run(run())


@needs_pty
def test_a_port_that_is_not_there_says_so_and_is_tried_again(tmp_path):
    async def run():
        async with simulated("nellcor") as device:
            cable = Cable(tmp_path / "port")
            async with bench(tmp_path / "spool", "nellcor", {"port": str(cable.name)}) as one:
                await until(lambda: one.state == "down", "the first attempt")
                assert "无法打开串口" in one.detail
                await cable.plug(device.port)
                await until(lambda: {"SpO2", "PR"} <= one.codes(), "values")
            await cable.pull()

    asyncio.run(run())


# -- serial servers --------------------------------------------------------------------------------------


class FarPort:
    """The serial port behind an RFC 2217 server: takes settings as a real one does and keeps them."""

    def __init__(self):
        self.baudrate, self.bytesize, self.parity, self.stopbits = 9600, 8, "N", 1
        self.xonxoff = self.rtscts = self.dsrdtr = False
        self.rts = self.dtr = self.break_condition = False
        self.cts = self.dsr = self.cd = True
        self.ri = False

    def get_settings(self):
        return {name: getattr(self, name) for name in ("baudrate", "bytesize", "parity", "stopbits")}

    def reset_input_buffer(self):
        """Nothing is held back."""

    reset_output_buffer = reset_input_buffer


class SerialServer(threading.Thread):
    """RFC 2217 in front of one device; raw bytes of the device are escaped, ours are unescaped."""

    def __init__(self, device_port):
        super().__init__(daemon=True)
        self.port, self.heard, self._device_port = FarPort(), bytearray(), device_port
        self._listener = socket.create_server((LOOPBACK, 0))
        self.address = self._listener.getsockname()[1]

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                self._serve(peer)

    def _serve(self, peer):
        with peer, socket.create_connection((LOOPBACK, self._device_port)) as device:
            lock = threading.Lock()

            class Out:
                def write(self, data):
                    with lock:
                        peer.sendall(data)

            manager = serial.rfc2217.PortManager(self.port, Out())

            def back():
                with contextlib.suppress(OSError):
                    while data := device.recv(512):
                        Out().write(b"".join(manager.escape(data)))

            threading.Thread(target=back, daemon=True).start()
            with contextlib.suppress(OSError):
                while data := peer.recv(512):
                    plain = b"".join(manager.filter(data))
                    self.heard += plain
                    device.sendall(plain)

    def close(self):
        self._listener.close()


@of_pyserial
def test_a_serial_server_by_rfc_2217_gets_the_settings_and_carries_both_ways(tmp_path):
    async def run():
        async with simulated("hamilton") as device:
            server = SerialServer(device.port)
            server.start()
            line = {
                "kind": "serial_url", "url": f"rfc2217://{LOOPBACK}:{server.address}", "baudrate": 187_500,
                "bytesize": 7, "parity": "E", "stopbits": 2, "dtr": True, "rts": True,
            }  # fmt: skip
            async with bench(tmp_path, "hamilton", line) as one:
                await until(lambda: {"TVe", "Ppeak"} <= one.codes(), "values")
                far = server.port
                assert (far.baudrate, far.bytesize, far.parity, far.stopbits) == (187_500, 7, "E", 2)
                assert (far.dtr, far.rts) == (True, True)
                assert server.heard.startswith(b"\x02")
                assert one.session.watchdog.bytes_out >= len(server.heard) > 0
            server.close()

    asyncio.run(run())


@of_pyserial
def test_a_serial_server_that_refuses_or_is_none_is_told():
    async def run():
        line = {"kind": "serial_url", "url": f"rfc2217://{LOOPBACK}:{free_port()}"}
        with pytest.raises(TransportError, match="拒绝连接"):
            await make_endpoint(line).connect()
        mute = socket.create_server((LOOPBACK, 0))  # accepts and does not speak RFC 2217
        url = f"rfc2217://{LOOPBACK}:{mute.getsockname()[1]}?timeout=0.3"
        with pytest.raises(TransportError, match="不是 RFC 2217"):
            await make_endpoint({**line, "url": url}).connect()
        mute.close()

    asyncio.run(run())


@needs_pty
def test_a_port_in_use_is_left_to_its_reader(tmp_path):
    """The wizard on the port of a device that is being read would take half of its bytes away."""

    async def run():
        cable = Cable(tmp_path / "port")
        await cable.plug()
        first = await make_endpoint({"kind": "serial", "port": str(cable.name)}).connect()
        with pytest.raises(TransportError, match="被其他程序占用"):
            await make_endpoint({"kind": "serial", "port": str(cable.name)}).connect()
        await first.close()
        again = await make_endpoint({"kind": "serial", "port": str(cable.name)}).connect()
        await again.close()
        await cable.pull()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("could not open port 'COM10': PermissionError(13, 'Access is denied.', None, 5)", "被其他程序占用"),
        (
            "could not open port 'COM10': FileNotFoundError(2, 'The system cannot find the file', None, 2)",
            "没有这个串口",
        ),
    ],
)
def test_what_windows_says_of_a_port_is_understood(said, told, monkeypatch):
    def refuse(self):
        raise serial.SerialException(said)

    monkeypatch.setattr("device_bridge.transports.serial_line.SerialLine._open", refuse)
    with pytest.raises(TransportError, match=told):
        asyncio.run(make_endpoint({"kind": "serial", "port": "COM10"}).connect())
