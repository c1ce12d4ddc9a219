"""A device that is reached through another one: a gateway's session hands its data over."""

import asyncio

from device_bridge.outbound import ClearedBytes
from device_bridge.transports.base import Connection, TransportError


class GatewayConnection:
    """Stands as long as the device is configured; carries no bytes of its own."""

    peer = "gateway"

    def __init__(self) -> None:
        self._ended = asyncio.Event()

    async def read(self) -> bytes:
        await self._ended.wait()
        return b""

    async def write(self, cleared: ClearedBytes) -> None:
        raise TransportError("经网关接入的设备不能发送数据")

    async def close(self) -> None:
        self._ended.set()


class Gateway:
    """Nothing to reach: the data come through the session of the gateway."""

    many = False

    async def connect(self) -> Connection:
        return GatewayConnection()

    async def close(self) -> None:
        return None
