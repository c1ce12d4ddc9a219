"""Lines: what arrives arrives whole, what breaks is noticed, and an acknowledgement waits for the disk."""

import asyncio
import contextlib
import json
import os
import socket

import pytest

from device_bridge.drivers.base import Send
from device_bridge.drivers.mllp import frame
from device_bridge.drivers.registry import get_driver
from device_bridge.outbound import OutboundGate
from device_bridge.service import BridgeService, BridgeSettings, load_devices, parse_devices
from device_bridge.session import DeviceSession
from device_bridge.spool import Spool
from device_bridge.transports.base import TransportError
from device_bridge.transports.factory import make_endpoint
from device_bridge.transports.serial_line import LineSettings
from device_bridge.wire import Batch, DeviceConfig

PCD = frame(
    b"MSH|^~\\&|S|X|||20260301093000+0800||ORU^R01^ORU_R01|77|P|2.6|||AL|NE||UNICODE UTF-8\r"
    b"OBR|1||||||20260301093000+0800\r"
    b"OBX|1|NM|150456^MDC_PULS_OXIM_SAT_O2^MDC|1.3.1.150456|97|262688^MDC_DIM_PERCENT^MDC|||||R\r"
)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def cleared(payload):
    return OutboundGate(lambda _: None, lambda _: None).clear(Send(payload, "test"))


async def echo_server(received):
    async def serve(reader, writer):
        received.append(await reader.read(100))
        writer.write(b"hello")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("kind", ["tcp_client", "serial_url"])
def test_client_lines(kind):
    async def run():
        received = []
        server, port = await echo_server(received)
        entry = {"kind": kind, "host": "127.0.0.1", "port": port, "url": f"socket://127.0.0.1:{port}"}
        connection = await make_endpoint(entry).connect()
        await connection.write(cleared(b"asking"))  # pyserial throws away what came before the line was open
        heard = b""
        while len(heard) < 5:
            heard += await asyncio.wait_for(connection.read(), 5)
        assert heard == b"hello"
        with contextlib.suppress(OSError):  # pyserial reports the far end's goodbye as a broken line
            assert await asyncio.wait_for(connection.read(), 5) == b""
        assert received == [b"asking"]
        await connection.close()
        server.close()

    asyncio.run(run())


def test_unreachable_device_is_an_os_error():
    async def run():
        for entry in (
            {"kind": "tcp_client", "host": "127.0.0.1", "port": free_port()},
            {"kind": "serial", "port": "/dev/absent", "baudrate": 9600},
            {"kind": "replay", "path": "/absent"},
        ):
            with pytest.raises(OSError):  # noqa: PT011 - any of its kinds
                await make_endpoint(entry).connect()

    asyncio.run(run())


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"kind": "carrier_pigeon"},
        {"kind": "tcp_client", "port": 1},
        {"kind": "tcp_client", "host": "", "port": 1},
        {"kind": "tcp_client", "host": "a", "port": 99_999},
        {"kind": "serial", "port": ""},
        {"kind": "serial", "port": "COM1", "parity": "Q"},
        {"kind": "serial", "port": "COM1", "baudrate": "fast"},
        {"kind": "serial", "port": "COM1", "stopbits": 3},
        {"kind": "tcp_listener", "port": 2575, "peers": ["not an address"]},
    ],
)
def test_wrong_settings_are_told(entry):
    with pytest.raises(TransportError):
        make_endpoint(entry)


def test_all_line_settings():
    line = LineSettings.parse(
        {"baudrate": 19200, "bytesize": 8, "parity": "E", "stopbits": 1.5, "rtscts": True, "dtr": True, "rts": False}
    )
    assert (line.baudrate, line.parity, line.stopbits, line.rtscts, line.dtr, line.rts) == (
        19200, "E", 1.5, True, True, False,
    )  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="pseudo terminals are POSIX")
def test_a_real_serial_port():
    async def run():
        master, slave = os.openpty()
        connection = await make_endpoint({"kind": "serial", "port": os.ttyname(slave), "baudrate": 19200}).connect()
        os.write(master, b"\x7e\x00\x11\x13\xff")
        data = b""
        while len(data) < 5:
            data += await asyncio.wait_for(connection.read(), 5)
        assert data == b"\x7e\x00\x11\x13\xff", "binary data must pass unchanged"
        await connection.write(cleared(b"\x11\x13\x0d"))
        assert os.read(master, 10) == b"\x11\x13\x0d"
        await connection.close()
        os.close(master)
        os.close(slave)

    asyncio.run(run())


def test_udp_keeps_datagrams_apart_and_ignores_strangers():
    async def run():
        port = free_port()
        entry = {"kind": "udp", "host": "127.0.0.1", "port": port}
        connection = await make_endpoint(entry).connect()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"one", ("127.0.0.1", port))
            sender.sendto(b"two", ("127.0.0.1", port))
            assert [await connection.read(), await connection.read()] == [b"one", b"two"]
        with pytest.raises(TransportError):
            await connection.write(cleared(b"x"))
        await connection.close()
        picky = await make_endpoint({**entry, "remote_host": "192.0.2.1", "remote_port": 9}).connect()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"stranger", ("127.0.0.1", port))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(picky.read(), 0.3)
        await picky.close()

    asyncio.run(run())


def test_replay_of_a_file(tmp_path):
    file = tmp_path / "c.bin"
    file.write_bytes(bytes(range(200)))

    async def run():
        entry = {"kind": "replay", "path": str(file), "chunk": 64, "bytes_per_s": 100_000}
        connection = await make_endpoint(entry).connect()
        assert b"".join([await connection.read() for _ in range(4)]) == bytes(range(200))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection.read(), 0.2)
        await connection.close()

    asyncio.run(run())


# -- sessions --------------------------------------------------------------------------------------------


def session(spool, port, **more):
    config = DeviceConfig("GW", "ihe_pcd01", {"kind": "tcp_listener", "host": "127.0.0.1", "port": port, **more})
    return DeviceSession(config, get_driver("ihe_pcd01"), make_endpoint(config.transport), spool)


async def dial(port):
    for _ in range(100):
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
    raise AssertionError("nobody listens")


def test_an_acknowledgement_is_a_promise(tmp_path):
    """When the answer arrives, the value and the raw bytes are on disk."""

    async def run():
        spool, port = Spool(tmp_path, "b"), free_port()
        task = asyncio.create_task(session(spool, port).run())
        reader, writer = await dial(port)
        for number in range(5):
            writer.write(PCD.replace(b"|77|", b"|%d|" % (77 + number)))
            answer = await asyncio.wait_for(reader.readuntil(b"\x1c\r"), 5)
            assert b"MSA|AA|%d" % (77 + number) in answer
            assert len(spool.raw("GW")) == number + 1
            assert spool.backlog()[0] == number + 1
        task.cancel()
        writer.close()
        spool.close()

    asyncio.run(run())


def test_no_acknowledgement_when_it_could_not_be_stored(tmp_path):
    async def run():
        spool, port = Spool(tmp_path, "b"), free_port()
        spool._db.execute("DROP TABLE pending")
        task = asyncio.create_task(session(spool, port).run())
        reader, writer = await dial(port)
        writer.write(PCD)
        assert b"MSA" not in await asyncio.wait_for(reader.read(1000), 5)
        task.cancel()
        spool.close()

    asyncio.run(run())


def test_a_listener_serves_many_and_turns_strangers_away(tmp_path):
    async def run():
        spool, port = Spool(tmp_path, "b"), free_port()
        one = session(spool, port)
        task = asyncio.create_task(one.run())
        lines = [await dial(port) for _ in range(5)]
        for _, writer in lines:
            writer.write(PCD)
        for reader, _ in lines:
            assert b"MSA|AA" in await asyncio.wait_for(reader.readuntil(b"\x1c\r"), 5)
        assert one.health().state == "receiving"
        assert one.health().frames == 5
        task.cancel()
        other = free_port()
        strict = asyncio.create_task(session(spool, other, peers=["192.0.2.0/24"]).run())
        reader, writer = await dial(other)
        writer.write(PCD)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(100), 5) == b""
        strict.cancel()
        for _, writer in lines:
            writer.close()
        spool.close()

    asyncio.run(run())


# -- the list of devices ---------------------------------------------------------------------------------


def device(name, port, **more):
    return DeviceConfig(name, "ihe_pcd01", {"kind": "tcp_listener", "host": "127.0.0.1", "port": port}, **more)


def test_only_the_changed_device_is_restarted(tmp_path):
    async def run():
        service = BridgeService(BridgeSettings("http://127.0.0.1:1", "t", "b", tmp_path))
        ports = [free_port() for _ in range(3)]
        await service.apply([device("A", ports[0]), device("B", ports[1])])
        first = {name: one.task for name, one in service._running.items()}
        changed = device("B", ports[1], label="new")
        broken = DeviceConfig("X", "absent", {})
        await service.apply([device("A", ports[0]), changed, device("C", ports[2]), broken])
        now = {name: one.task for name, one in service._running.items()}
        assert now["A"] is first["A"]
        assert now["B"] is not first["B"]
        assert set(now) == {"A", "B", "C"}
        states = {one.device: (one.state, one.detail) for one in service.health()}
        assert states["X"][0] == "down"
        assert "未知驱动" in states["X"][1]
        await service.apply([device("A", ports[0], enabled=False)])
        assert not service._running
        service._spool.close()

    asyncio.run(run())


def test_device_lists_are_checked(tmp_path):
    entry = device("A", 2575).to_json()
    assert parse_devices({"version": "1", "devices": [entry]}) == parse_devices([entry])
    for wrong in (None, {}, {"devices": "x"}, [entry, entry], [{**entry, "typo": 1}], [1]):
        with pytest.raises(ValueError, match=r"."):
            parse_devices(wrong)
    file = tmp_path / "devices.json"
    assert load_devices(file) == []
    file.write_text("{broken")
    assert load_devices(file) == []
    file.write_text(json.dumps([entry]))
    assert [one.device_id for one in load_devices(file)] == ["A"]


def test_a_refused_sending_becomes_an_alarm(tmp_path):
    """A driver that goes astray: nothing leaves, and the operating room is told."""

    class Astray:
        def opened(self, now):
            return [Send(b"START NIBP", "astray")]

        def feed(self, data, received):
            return []

        def poll(self, now):
            return []

        def closed(self, now):
            return []

    async def run():
        heard = []

        async def serve(reader, writer):
            writer.write(b"x")
            heard.append(await reader.read(100))

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        spool = Spool(tmp_path, "b")
        config = DeviceConfig("M", "mindray_pds", {"kind": "tcp_client", "host": "127.0.0.1", "port": port})
        real = get_driver("mindray_pds")
        driver = type(real)(
            name="astray", title="", codec=lambda _: Astray(), checker=real.checker, default_transport={}
        )
        task = asyncio.create_task(DeviceSession(config, driver, make_endpoint(config.transport), spool).run())
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.sleep(0.3)
        assert heard == [b""], "not one byte may have left"
        batch = Batch.from_json(json.loads(spool.freeze(0).payload))
        assert [alarm.code for alarm in batch.blocks[0].alarms] == ["BRIDGE_OUTBOUND"]
        server.close()
        spool.close()

    asyncio.run(run())
