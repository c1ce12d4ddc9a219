"""The only module that imports `sdc11073`. Loaded when an SDC device is connected, never before.

The consumer is made without any client that could set something, and every HTTP request it makes goes through
`GatedHttp`, where the outbound gate reads the very bytes that would leave.
"""

import asyncio
import contextlib
from functools import partial
from typing import Any, ClassVar

from sdc11073 import certloader, observableproperties
from sdc11073.consumer import DescriptionEventClient, GetServiceClient, StateEventClient, WaveformClient
from sdc11073.consumer.consumerimpl import SdcConsumer, default_components_factory
from sdc11073.definitions_sdc import SdcV1Definitions
from sdc11073.pysoap.soapclient import HTTPConnectionNoDelay, HTTPSConnectionNoDelay, SoapClient

from device_bridge.drivers.base import Send
from device_bridge.outbound import ClearedBytes, OutboundGate
from device_bridge.transports.base import TransportError
from device_bridge.transports.sdc import SdcSettings

_END = b"\0"  # messages of the codec
_READERS = {GetServiceClient, StateEventClient, DescriptionEventClient}
_MOST_WAITING = 5000
_START_TIMEOUT_S = 30.0
_WANTED = ("MetricReport", "AlertReport", "DescriptionModificationReport")


class NotPermitted(PermissionError):
    """The gate stopped a request; the device did not see it."""


class GatedHttp:
    """Mixed into both kinds of HTTP connection: nothing is written before the gate has let it pass."""

    gate: ClassVar[OutboundGate]

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **more: Any) -> None:
        """One request; the body must be plain bytes, so that what is checked is what is sent."""
        payload = b"GET " + url.encode("ascii", "replace") if method == "GET" else body
        if method not in ("GET", "POST") or not isinstance(payload, bytes) or (method == "GET" and body is not None):
            payload = b""
        cleared = self.gate.clear(Send(payload, "subscription"))
        if cleared is None:
            raise NotPermitted("outbound gate")
        sent = cleared.payload if method == "POST" else None
        super().request(method, url, body=sent, headers=headers or {}, **more)  # type: ignore[misc]


def gated_client(gate: OutboundGate) -> Any:
    """The class of SOAP client that one device's consumer uses."""

    class Plain(GatedHttp, HTTPConnectionNoDelay):  # type: ignore[misc]
        """Unencrypted."""

    class Encrypted(GatedHttp, HTTPSConnectionNoDelay):  # type: ignore[misc]
        """TLS."""

    class Client(SoapClient):  # type: ignore[misc]
        """Refuses to work over a connection without gate, should the package ever make another one."""

        def _mk_http_connection(self) -> Any:
            if self._ssl_context is not None:
                return Encrypted(self._netloc, context=self._ssl_context, timeout=self._socket_timeout)
            return Plain(self._netloc, timeout=self._socket_timeout)

        def connect(self) -> None:
            super().connect()
            if not isinstance(self._http_connection, GatedHttp):
                self.close()
                raise NotPermitted("connection without gate")

    Plain.gate = Encrypted.gate = gate
    return Client


def make_consumer(settings: SdcSettings, gate: OutboundGate) -> Any:
    """A consumer that can read and subscribe. Raises `OSError` when a certificate is missing."""
    contexts = certloader.mk_ssl_contexts_from_folder(settings.certificates) if settings.certificates else None
    components = default_components_factory()
    components.soap_client_class = gated_client(gate)
    components.service_handlers = _READERS | ({WaveformClient} if settings.waves else set())
    encrypted = settings.url.startswith("https:")
    return SdcConsumer(
        settings.url, SdcV1Definitions, contexts if encrypted else None, validate=False, components=components,
        force_ssl_connect=encrypted,
    )  # fmt: skip


def _unwanted(waves: bool) -> list[str]:
    """All actions of the standard but the reports that are read."""
    wanted = (*_WANTED, "WaveformStream") if waves else _WANTED
    return [one.value for one in SdcV1Definitions.Actions if not one.value.endswith(wanted)]


class SdcConnection:
    """What the device says, message by message, until the subscription ends."""

    def __init__(self, consumer: Any, settings: SdcSettings) -> None:
        self._consumer, self._waves, self.peer = consumer, settings.waves, settings.url
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._held: list[bytes] | None = []

    def start(self) -> None:
        """In a thread: subscribe, then read the description; reports that come in between wait for it."""
        observableproperties.strongbind(self._consumer, state_event_report=self._arrived)
        self._consumer.start_all(not_subscribed_actions=_unwanted(self._waves))
        answer = self._consumer.get_service_client.get_mdib()
        held, self._held = self._held or [], None
        for message in (answer.p_msg.raw_data, *held):
            self._hand_over(message)
        observableproperties.strongbind(self._consumer, is_connected=self._state)
        self._state(self._consumer.is_connected)

    def _arrived(self, message: Any) -> None:
        raw = message.p_msg.raw_data
        if self._held is not None:
            self._held.append(raw)
        else:
            self._hand_over(raw)

    def _state(self, connected: bool) -> None:
        if not connected:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, b"")

    def _hand_over(self, raw: bytes | str) -> None:
        data = raw.encode("utf-8") if isinstance(raw, str) else raw
        ended = self._queue.qsize() > _MOST_WAITING
        self._loop.call_soon_threadsafe(self._queue.put_nowait, b"" if ended else data + _END)

    async def read(self) -> bytes:
        return await self._queue.get()

    async def write(self, cleared: ClearedBytes) -> None:
        raise TransportError("SDC 设备的请求由订阅发出")

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            await asyncio.to_thread(self._consumer.stop_all)


async def connect(settings: SdcSettings, gate: OutboundGate) -> SdcConnection:
    """Subscribe to one device. Raises `TransportError` with the reason for people."""
    try:
        consumer = await asyncio.to_thread(partial(make_consumer, settings, gate))
    except OSError as error:
        raise TransportError(f"SDC 证书无法读取：{error}") from error
    connection = SdcConnection(consumer, settings)
    try:
        await asyncio.wait_for(asyncio.to_thread(connection.start), _START_TIMEOUT_S)
    except Exception as error:
        await connection.close()
        raise TransportError(f"SDC 设备没有应答：{type(error).__name__}") from error
    return connection
