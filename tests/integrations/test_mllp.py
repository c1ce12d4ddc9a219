"""The nine ways in which real peers frame, and a server that no message can stop."""

import socket
import threading
import time

import pytest

from integrations.mllp import Deframer, Frame, FrameProblem, MllpServer, deframe_all, frame
from integrations.mllp_client import (
    MllpClient,
    NoAcknowledgement,
    PeerDown,
    WrongAcknowledgement,
    read_acknowledgement,
)

GOOD = b"MSH|^~\\&|A|B|C|D|20261122||ADT^A01|1|P|2.4\rPID|1||7\r"
OTHER = GOOD.replace(b"|1|P", b"|2|P")


def bodies(data: bytes) -> list[bytes]:
    return [item.body for item in Deframer().feed(data)]


def test_normal():
    assert bodies(b"\x0b" + GOOD + b"\x1c\r") == [GOOD]


def test_end_without_carriage_return():
    assert bodies(b"\x0b" + GOOD + b"\x1c") == [GOOD]
    assert bodies(b"\x0b" + GOOD + b"\x1c\x0b" + OTHER + b"\x1c") == [GOOD, OTHER]


def test_crlf_between_frames_is_no_noise():
    reader = Deframer()
    frames = reader.feed(b"\x0b" + GOOD + b"\x1c\r\r\n\r\n\x0b" + OTHER + b"\x1c\r\n")
    assert [item.body for item in frames] == [GOOD, OTHER]
    assert reader.noise == 0


def test_byte_by_byte():
    reader = Deframer()
    found = [item.body for byte in frame(GOOD) for item in reader.feed(bytes([byte]))]
    assert found == [GOOD]


def test_two_in_one_packet():
    assert bodies(frame(GOOD) + frame(OTHER)) == [GOOD, OTHER]


def test_truncated_then_good():
    frames = Deframer().feed(b"\x0b" + GOOD[:30] + frame(OTHER))
    assert frames == [Frame(GOOD[:30], FrameProblem.TRUNCATED), Frame(OTHER)]


def test_vertical_tab_inside_a_note_is_text():
    body = GOOD + "NTE|1||第一行\x0b第二行\r".encode()
    assert bodies(frame(body)) == [body]


def test_five_megabytes_in_small_packets_are_taken_fast():
    body = GOOD + b"OBX|1|ED|||" + b"Q" * 5_000_000 + b"\r"
    data, reader, found = frame(body), Deframer(), []
    for start in range(0, len(data), 1400):
        found += reader.feed(data[start : start + 1400])
    assert [item.body for item in found] == [body]


@pytest.mark.parametrize("codec", ["gbk", "gb18030", "utf-8"])
def test_chinese_bytes_never_look_like_framing(codec):
    body = "MSH|^~\\&|昞倈晜汼黄梅\rNTE|1||䶮㛃\r".encode(codec, "ignore")
    assert bodies(frame(body)) == [body]


def test_no_byte_of_any_gb18030_character_is_a_framing_byte():
    every = "".join(map(chr, [*range(0x3400, 0xA000), *range(0x20000, 0x2A6E0)])).encode("gb18030")
    assert not {0x0B, 0x1C, 0x0D} & set(every)


def test_keep_alives_and_empty_frames_are_ignored():
    reader = Deframer()
    frames = reader.feed(b"\x00\x00\x0b\x1c\r\x00" + frame(GOOD) + b"\x0b\r\n\x1c\r\x00")
    assert [item.body for item in frames] == [GOOD]
    assert reader.noise == 0


def test_bytes_outside_of_frames_are_counted_and_skipped():
    reader = Deframer()
    assert [item.body for item in reader.feed(b"GET / HTTP/1.1\r\n\r\n" + frame(GOOD))] == [GOOD]
    assert reader.noise == len("GET/HTTP/1.1")


def test_frame_beyond_the_limit_is_told_with_its_head_and_the_next_one_lives():
    reader = Deframer(limit=1000)
    frames = reader.feed(frame(GOOD + b"x" * 200_000) + frame(OTHER))
    assert [item.problem for item in frames] == [FrameProblem.TOO_LARGE, None]
    assert frames[0].body.startswith(GOOD)
    assert frames[1].body == OTHER


def test_memory_stays_bounded_by_the_limit():
    reader = Deframer(limit=100_000)
    reader.feed(b"\x0bMSH|")
    for _ in range(50):
        reader.feed(b"x" * 65_536)
    assert len(reader._buffer) <= 100_000 + 65_536
    assert reader.feed(b"\x1c\r")[0].problem is FrameProblem.TOO_LARGE


def test_capture_that_ends_in_a_frame_gives_it_as_truncated():
    frames = deframe_all(frame(GOOD) + b"\x0b" + OTHER)
    assert frames == [Frame(GOOD), Frame(OTHER, FrameProblem.TRUNCATED)]


def answer(item: Frame, _peer: str) -> list[bytes]:
    number = item.body.split(b"|")[9]
    if number == b"boom":
        raise RuntimeError("handler is broken")
    return [b"MSH|^~\\&|C|D|A|B|20261122||ACK|9|P|2.4\rMSA|AA|" + number + b"\r"]


def test_server_outlives_bad_messages_and_failing_handlers():
    with (
        MllpServer("127.0.0.1", 0, answer) as server,
        MllpClient("127.0.0.1", server.port, reply_timeout=0.3) as client,
    ):
        assert client.send(GOOD, "1").is_accepted
        with pytest.raises(NoAcknowledgement):
            client.send(GOOD.replace(b"|1|P", b"|boom|P"), "boom")
        assert client.send(OTHER, "2").code == "AA"


def test_server_answers_many_connections_at_once():
    with MllpServer("127.0.0.1", 0, answer) as server:
        clients = [MllpClient("127.0.0.1", server.port) for _ in range(10)]
        assert all(client.send(GOOD, "1").is_accepted for client in clients)
        assert server.connection_count == 10
        for client in clients:
            client.close()


def test_server_drops_a_frame_that_never_ends():
    with MllpServer("127.0.0.1", 0, answer, stalled_after=0.1) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=3) as peer:
            peer.sendall(b"\x0bMSH|half")
            assert peer.recv(10) == b""
        with MllpClient("127.0.0.1", server.port) as client:
            assert client.send(GOOD, "1").is_accepted


@pytest.mark.parametrize(("allowed", "is_let_in"), [("10.1.2.3", False), ("127.0.0.1", True)])
def test_server_lets_only_allowed_addresses_in(allowed, is_let_in):
    with (
        MllpServer("127.0.0.1", 0, answer, allowed=frozenset({allowed})) as server,
        MllpClient("127.0.0.1", server.port) as client,
    ):
        if is_let_in:
            assert client.send(GOOD, "1").is_accepted
        else:
            with pytest.raises(NoAcknowledgement):
                client.send(GOOD, "1")


class Peer:
    """A peer that follows a script: one list of (delay, bytes) a received message."""

    def __init__(self, *script: list[tuple[float, bytes]]) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = 0
        self.script = list(script)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        reader = Deframer()
        while self.script and (data := connection.recv(65536)):
            for _ in reader.feed(data):
                for delay, part in self.script.pop(0):
                    time.sleep(delay)
                    try:
                        connection.sendall(part)
                    except OSError:
                        return
        connection.close()


ACK1 = frame(b"MSH|^~\\&|X\rMSA|AA|1\r")
ACK2 = frame(b"MSH|^~\\&|X\rMSA|AA|2\r")


def test_client_reads_an_acknowledgement_that_comes_in_pieces():
    peer = Peer([(0, ACK1[:5]), (0.05, ACK1[5:20]), (0.05, ACK1[20:])])
    with MllpClient("127.0.0.1", peer.port) as client:
        assert client.send(GOOD, "1").control_id == "1"


def test_late_acknowledgement_is_never_taken_for_the_next_message():
    peer = Peer([(0.4, ACK1)], [(0, ACK2)])
    with MllpClient("127.0.0.1", peer.port, reply_timeout=0.2) as client:
        with pytest.raises(NoAcknowledgement):
            client.send(GOOD, "1")
        time.sleep(0.4)
        assert client.send(OTHER, "2").control_id == "2"
    assert peer.connections == 2


def test_acknowledgement_of_another_message_is_refused_and_the_socket_closed():
    peer = Peer([(0, ACK2)], [(0, ACK1)])
    with MllpClient("127.0.0.1", peer.port) as client:
        with pytest.raises(WrongAcknowledgement, match="2"):
            client.send(GOOD, "1")
        assert client.send(GOOD, "1").is_accepted
    assert peer.connections == 2


def test_peer_that_is_not_there():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(PeerDown, match=str(port)):
        MllpClient("127.0.0.1", port).send(GOOD, "1")


def test_acknowledgement_codes():
    assert read_acknowledgement(b"MSH|^~\\&\rMSA|ca|7|x\r").is_accepted
    assert read_acknowledgement("MSH|^~\\&\nMSA|AR|7|拒绝\n".encode("gbk")).is_final_refusal
    again = read_acknowledgement(b"MSH#^~\\&\rMSA#AE#7\r")
    assert not again.is_accepted
    assert not again.is_final_refusal
    with pytest.raises(NoAcknowledgement):
        read_acknowledgement(b"MSH|^~\\&|x\r")
