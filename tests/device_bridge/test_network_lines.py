"""Network lines and files through the whole session: values arrive, and every way to fail is told and survived."""

import asyncio
import socket

import pytest

from device_bridge.simulators.streaming import MasimoOximeter
from device_bridge.transports.factory import make_endpoint
from tests.device_bridge.lines import LOOPBACK, bench, free_port, simulated, until
from tests.device_bridge.test_transports import PCD, dial


def tcp(port):
    return {"kind": "tcp_client", "host": LOOPBACK, "port": port}


def test_a_transparent_serial_server_that_refuses_at_first(tmp_path):
    async def run():
        port = free_port()
        async with bench(tmp_path, "medibus", tcp(port)) as one:
            await until(lambda: one.state == "down", "the refusal")
            assert "拒绝连接" in one.detail
            async with simulated("medibus", port=port):
                await until(lambda: {"Ppeak", "TVe", "EtCO2"} <= one.codes(), "values")
                assert one.state == "receiving"
                assert one.spool.sent_days("2000-01-01")[0].refused == 0

    asyncio.run(run())


class SpoilableServer:
    """A serial server in front of a simulated device: can cut in the middle of a line, or keep still for ever."""

    def __init__(self, device):
        self._device, self.cut_after, self.is_dead, self.served = device, 0, False, 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        self.served += 1
        far, out = await asyncio.open_connection(LOOPBACK, self._device.port)
        left = self.cut_after
        try:
            while data := await far.read(256):
                if self.is_dead:
                    continue
                if left and len(data) >= left:
                    writer.write(data[:left])
                    return
                left = max(left - len(data), 0)
                writer.write(data)
        finally:
            out.close()
            writer.close()


def test_a_line_that_is_cut_in_the_middle_of_a_telegram_gives_no_half_value(tmp_path):
    async def run():
        async with simulated("masimo") as device, SpoilableServer(device) as server:
            length = len(device.telegram(1000).data)
            server.cut_after = 2 * length + length // 2
            async with bench(tmp_path, "masimo", tcp(server.port)) as one:
                await until(lambda: one.state == "down" or server.served > 1, "the end of the line")
                assert {code: sum(c == code for c, _, _ in one.take()) for code in one.codes()} == {
                    "SpO2": 2, "PR": 2, "PI": 2,
                }  # fmt: skip
                server.cut_after = 0
                await until(lambda: len(one.take()) > 12, "values of the next connection")
                assert server.served == 2

    asyncio.run(run())


def test_a_line_that_stands_and_is_silent_is_noticed_and_comes_back(tmp_path):
    """Half-open: nothing more comes and nobody says goodbye."""

    async def run():
        async with (
            simulated("masimo") as device,
            SpoilableServer(device) as server,
            bench(tmp_path, "masimo", tcp(server.port)) as one,
        ):
            await until(lambda: one.state == "receiving", "values")
            server.is_dead = True
            await until(lambda: one.state == "silent", "the watchdog")
            assert "没有测量数据" in one.detail
            server.is_dead = False
            await until(lambda: one.state == "receiving", "values again")
            await until(lambda: one.take() and one.gaps, "the gap")
            assert [gap.reason for gap in one.gaps] == ["silent"]
            assert server.served == 1, "a standing line is not torn down"

    asyncio.run(run())


def test_the_system_watches_a_standing_line():
    """Cable out at a serial server: without traffic after a minute, with requests under way likewise."""

    async def run():
        async with simulated("masimo") as device:
            connection = await make_endpoint(tcp(device.port)).connect()
            line = connection._writer.get_extra_info("socket")
            assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            for name, most in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_USER_TIMEOUT", 60_000)):
                if hasattr(socket, name):
                    assert 0 < line.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) <= most
            await connection.close()

    asyncio.run(run())


def test_a_gateway_that_connects_and_hangs_up_in_the_middle_of_a_message(tmp_path):
    async def run():
        port = free_port()
        async with bench(tmp_path, "ihe_pcd01", {"kind": "tcp_listener", "host": LOOPBACK, "port": port}) as one:
            _, half = await dial(port)
            half.write(PCD[: len(PCD) // 2])
            await half.drain()
            half.close()
            reader, writer = await dial(port)
            writer.write(PCD)
            assert b"MSA|AA|77" in await asyncio.wait_for(reader.readuntil(b"\x1c\r"), 5)
            assert [(code, value) for code, _, value in one.take()] == [("SpO2", 97.0)]
            writer.close()

    asyncio.run(run())


def test_a_port_that_is_taken_is_told(tmp_path):
    async def run():
        with socket.create_server((LOOPBACK, 0)) as taken:
            port = taken.getsockname()[1]
            async with bench(tmp_path, "ihe_pcd01", {"kind": "tcp_listener", "host": LOOPBACK, "port": port}) as one:
                await until(lambda: one.state == "down", "the refusal")
                assert "占用" in one.detail

    asyncio.run(run())


def test_datagrams_come_stop_and_come_again(tmp_path):
    async def run():
        port = free_port(socket.SOCK_DGRAM)
        async with bench(tmp_path, "nuohe", {"kind": "udp", "host": LOOPBACK, "port": port}) as one:
            async with simulated("nuohe", port=port):
                await until(lambda: {"CSI", "SQI"} <= one.codes(), "values")
                assert one.state == "receiving"
            await until(lambda: one.state == "silent", "the watchdog")
            async with simulated("nuohe", port=port):
                await until(lambda: one.state == "receiving", "values again")
                await until(lambda: one.take() and one.gaps, "the gap")
                assert [gap.reason for gap in one.gaps] == ["silent"]

    asyncio.run(run())


def test_a_monitor_that_is_asked_by_datagrams(tmp_path):
    """Windows tells the one who asks that nobody listens there, and its loop is deaf from then on: the line is made
    anew. Elsewhere the error never comes, so here it is handed in."""

    async def run():
        here, there = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
        line = {"kind": "udp", "host": LOOPBACK, "port": here, "remote_host": LOOPBACK, "remote_port": there}
        connection = await make_endpoint(line).connect()
        connection._protocol.error_received(ConnectionResetError(10054, "WSAECONNRESET"))
        with pytest.raises(OSError):  # noqa: PT011 - any of its kinds
            await asyncio.wait_for(connection.read(), 2)
        await connection.close()
        async with simulated("intellivue_udp", port=there), bench(tmp_path, "intellivue_udp", line) as one:
            await until(lambda: {"HR", "SpO2"} <= one.codes(), "values")

    asyncio.run(run())


def test_a_file_is_played_as_a_device(tmp_path):
    async def run():
        file = tmp_path / "录音 1.bin"
        async with simulated("masimo") as device:
            assert isinstance(device, MasimoOximeter)
            file.write_bytes(b"".join(device.telegram(1000 + n).data for n in range(20)))
        entry = {"kind": "replay", "path": str(file), "chunk": 37, "bytes_per_s": 50_000}
        async with bench(tmp_path / "spool", "masimo", entry) as one:
            await until(lambda: len(one.take()) == 60, "all values")
            await until(lambda: one.state == "silent", "its end")
        missing = {"kind": "replay", "path": str(tmp_path / "absent")}
        async with bench(tmp_path / "other", "masimo", missing) as one:
            await until(lambda: one.state == "down", "the refusal")
            assert "无法读取回放文件" in one.detail

    asyncio.run(run())
