"""Serial lines through pyserial: local ports, RFC 2217 serial servers and raw sockets (`socket://`).

One thread reads each port, so that the same code runs on Windows and Linux.
"""

import asyncio
import contextlib
import errno
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import serial
from serial.tools import list_ports

from device_bridge.outbound import ClearedBytes
from device_bridge.transports.base import Connection, TransportError, keep_alive

_READ_TIMEOUT_S = 0.2
_PIECE = 65_536
_WRITE_TIMEOUT_S = 3.0
_BYTESIZES = {5: serial.FIVEBITS, 6: serial.SIXBITS, 7: serial.SEVENBITS, 8: serial.EIGHTBITS}
_STOPBITS = {1.0: serial.STOPBITS_ONE, 1.5: serial.STOPBITS_ONE_POINT_FIVE, 2.0: serial.STOPBITS_TWO}


@dataclass(frozen=True, slots=True)
class LineSettings:
    """Everything a serial line can be set to. Modem lines None = as the system leaves them."""

    baudrate: int = 9600
    bytesize: int = 8
    parity: str = "N"  # N E O M S
    stopbits: float = 1
    xonxoff: bool = False
    rtscts: bool = False
    dsrdtr: bool = False
    rts: bool | None = None
    dtr: bool | None = None

    @staticmethod
    def parse(data: Mapping[str, Any]) -> "LineSettings":
        """From a device's transport entry. Raises `TransportError` for settings that do not exist."""
        try:
            settings = LineSettings(
                baudrate=int(data.get("baudrate", 9600)),
                bytesize=int(data.get("bytesize", 8)),
                parity=str(data.get("parity", "N")).upper()[:1],
                stopbits=float(data.get("stopbits", 1)),
                xonxoff=bool(data.get("xonxoff", False)),
                rtscts=bool(data.get("rtscts", False)),
                dsrdtr=bool(data.get("dsrdtr", False)),
                rts=None if data.get("rts") is None else bool(data["rts"]),
                dtr=None if data.get("dtr") is None else bool(data["dtr"]),
            )
        except (TypeError, ValueError) as error:
            raise TransportError("串口参数不正确") from error
        known = settings.bytesize in _BYTESIZES and settings.stopbits in _STOPBITS
        if not known or settings.parity not in "NEOMS" or settings.baudrate <= 0:
            raise TransportError("串口参数不正确")
        return settings


_BY_ID = Path("/dev/serial/by-id")


def serial_ports() -> list[list[str]]:
    """[name, description] of the serial ports of this computer, by their lasting names where the system has such."""
    lasting: dict[str, str] = {}
    with contextlib.suppress(OSError):
        lasting = {str(link.resolve()): str(link) for link in sorted(_BY_ID.iterdir())}
    try:
        found = [one for one in list_ports.comports() if one.hwid != "n/a" or one.device in lasting]
    except OSError:
        return []
    return [[lasting.get(one.device, one.device), one.description or one.device] for one in sorted(found)]


class SerialConnection:
    """An open port with its reader thread."""

    def __init__(self, port: serial.Serial, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self._port = port
        self.peer = name
        self._loop = loop
        self._queue: asyncio.Queue[bytes | OSError] = asyncio.Queue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._pump, name=f"serial {name}", daemon=True)
        self._thread.start()

    def _pump(self) -> None:
        last: bytes | OSError = b""
        try:
            while not self._stop.is_set():
                self._read_piece()
        except (OSError, TypeError, ValueError, AttributeError) as error:
            last = TransportError(f"串口断开：{type(error).__name__}")
        self._deliver(last)

    def _read_piece(self) -> None:
        """Take all that waits in one piece; what was read before the line broke is delivered all the same."""
        data = bytearray(self._port.read(max(self._port.in_waiting, 1)))
        try:
            # `socket://` only ever says that one byte waits
            while data and len(data) < _PIECE and self._port.in_waiting and not self._stop.is_set():
                data += self._port.read(max(self._port.in_waiting, 1))
        finally:
            if data:
                self._deliver(bytes(data))

    def _deliver(self, item: bytes | OSError) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is already gone
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)

    async def read(self) -> bytes:
        item = await self._queue.get()
        if isinstance(item, OSError):
            raise item
        return item

    async def write(self, cleared: ClearedBytes) -> None:
        try:
            await asyncio.to_thread(self._port.write, cleared.payload)
        except serial.SerialException as error:
            raise TransportError("串口写入失败") from error

    async def close(self) -> None:
        self._stop.set()
        await asyncio.to_thread(self._thread.join, 2 * _READ_TIMEOUT_S + 0.5)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._port.close)


class SerialLine:
    """A port name (`COM3`, `/dev/serial/by-id/…`) or a pyserial URL (`rfc2217://…`, `socket://…`)."""

    many = False

    def __init__(self, url: str, settings: LineSettings) -> None:
        if not url:
            raise TransportError("未配置串口")
        self._url, self._settings = url, settings

    async def connect(self) -> Connection:
        try:
            port = await asyncio.to_thread(self._open)
        except serial.SerialException as error:
            raise TransportError(_why_not(self._url, error)) from error
        except ValueError as error:
            raise TransportError(f"无法打开串口 {self._url}：名称或地址不正确") from error
        except Exception as error:  # `termios.error` is no OSError: a setting that this line does not know
            raise TransportError(f"串口 {self._url} 不支持这些线路参数") from error
        return SerialConnection(port, self._url, asyncio.get_running_loop())

    def _open(self) -> serial.Serial:
        wanted = self._settings
        port = serial.serial_for_url(self._url, do_not_open=True)
        port.baudrate = wanted.baudrate
        port.bytesize = _BYTESIZES[wanted.bytesize]
        port.parity = wanted.parity
        port.stopbits = _STOPBITS[wanted.stopbits]
        port.timeout = _READ_TIMEOUT_S
        port.xonxoff = wanted.xonxoff
        port.rtscts = wanted.rtscts
        port.dsrdtr = wanted.dsrdtr
        if "://" not in self._url:  # the others refuse to open with one, and wait for the network instead
            port.write_timeout = _WRITE_TIMEOUT_S
            port.exclusive = True  # two readers of one port would each get half of what the device says
        if wanted.rts is not None:
            port.rts = wanted.rts
        if wanted.dtr is not None:
            port.dtr = wanted.dtr
        port.open()
        far_end = getattr(port, "_socket", None)  # of a serial server; pyserial has no public name for it
        if far_end is not None:
            keep_alive(far_end)
        return port

    async def close(self) -> None:
        return None


# What pyserial and the systems say, and what that means for people.
_BUSY = "被其他程序占用，或没有打开它的权限"
_REASONS: tuple[tuple[str, str], ...] = (
    ("exclusively lock", _BUSY),
    ("PermissionError", _BUSY),
    ("FileNotFoundError", "没有这个串口，转接头是否插好"),
    ("not seem to support RFC2217", "对方不是 RFC 2217 串口服务器；若它透明传输，请改用“网络：连接到设备”"),
    ("not accept parameter", "串口服务器不接受这些线路参数"),
    ("refused", "串口服务器拒绝连接：端口未开放或已被占用"),
    ("timed out", "串口服务器没有回应"),
)


def _why_not(url: str, error: serial.SerialException) -> str:
    """Why a port does not open, for people. Windows tells it in the text only, Linux by number."""
    by_number = {errno.EACCES: _BUSY, errno.EBUSY: _BUSY, errno.ENOENT: _REASONS[2][1]}
    told = next((words for sign, words in _REASONS if sign in str(error)), "") or by_number.get(error.errno or 0, "")
    return f"无法打开串口 {url}" + (f"：{told}" if told else "")
