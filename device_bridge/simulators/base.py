"""What every simulated device shares: settings, the count of what was really sent, the case clock."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from device_bridge.clocks import wall_ms
from device_bridge.simulators.charted import ChartedPatient
from device_bridge.simulators.faults import FaultPlan, FaultyLine
from device_bridge.simulators.patient import SimulatedPatient

HOSPITAL_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """`case_clock_s`: second of the case at which the simulation starts, so that several rooms differ. `charted`: the
    file of what the patient was given (`device_bridge.simulators.charted`)."""

    host: str
    port: int
    seed: int = 1
    profile: str = "general"
    case_clock_s: int = 0
    nibp_every_s: float = 300.0
    interval_s: float = 1.0
    count_file: Path | None = None
    name: str = "SIM"
    arterial: bool = False
    faults: FaultPlan = field(default_factory=FaultPlan)
    fault_file: Path | None = None
    charted: Path | None = None


class CountFile:
    """JSON lines `{"time_ms", "code", "value"}`: one for each value that has been handed to the network."""

    def __init__(self, path: Path | None) -> None:
        self._stream = path.open("a", encoding="utf-8") if path else None
        self._lock = threading.Lock()
        self.sent = 0

    def add(self, time_ms: int, values: Mapping[str, float]) -> None:
        """Note what has just been sent, and put it on disk."""
        self.sent += len(values)
        if self._stream is None:
            return
        with self._lock:
            for code, value in values.items():
                self._stream.write(json.dumps({"time_ms": time_ms, "code": code, "value": value}) + "\n")
            self._stream.flush()

    def close(self) -> None:
        """End the list."""
        if self._stream is not None:
            self._stream.close()


class CaseClock:
    """Which second of the case it is now, and when the next cuff measurement is due."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._started_ms = wall_ms() - settings.case_clock_s * 1000
        self._every_s = max(1.0, settings.nibp_every_s)
        self._taken = -1
        self._taken_at = -1e9

    def second(self) -> int:
        """Seconds since the patient was connected."""
        return (wall_ms() - self._started_ms) // 1000

    def cuff_due(self, second: int) -> bool:
        """True once for each cuff interval."""
        number = int(second // self._every_s)
        if number == self._taken or second - self._taken_at < self._every_s / 2:
            return False
        self._taken, self._taken_at = number, second
        return True


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class SimulatedDevice:
    """A TCP server that lets one client in at a time, as monitors and serial servers do."""

    # Whether `settings.port` is where the device waits; a device that comes to the bridge is told the bridge's.
    is_server = True
    # What the bridge must be told beside host and port; blank when these are enough.
    address = ""

    def __init__(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        scripted = SimulatedPatient(settings.seed, settings.profile)
        self.patient = ChartedPatient(scripted, settings.charted) if settings.charted else scripted
        self.clock = CaseClock(settings)
        self.counted = CountFile(settings.count_file)
        self.line = FaultyLine(settings.faults, settings.seed, settings.fault_file)
        self._busy = False
        self._server: asyncio.Server | None = None
        self.port = settings.port

    async def start(self) -> None:
        """Listen; with port 0 the system chooses and `port` tells which."""
        self._server = await asyncio.start_server(self._accept, self.settings.host, self.settings.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """No more clients."""
        if self._server is not None:
            self._server.close()
        self.counted.close()

    def device_ms(self) -> int:
        """What the clock of the device says, which a fault may have moved."""
        return wall_ms() + self.line.clock_offset_ms

    def local_time(self) -> datetime:
        """The same as the device prints it, whole seconds."""
        return datetime.fromtimestamp(self.device_ms() // 1000, HOSPITAL_ZONE)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._busy:
            writer.close()
            return
        self._busy = True
        try:
            await self.serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # the client or the device is gone
        finally:
            self._busy = False
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client; ends when the client does not behave."""
        raise NotImplementedError

    async def send(
        self, writer: asyncio.StreamWriter, data: bytes, time_ms: int = 0, values: Mapping[str, float] | None = None
    ) -> None:
        """Write, wait until the network has taken it, then count it. What a fault destroys counts as sent."""
        if self.line.must_restart():
            writer.close()
            raise ConnectionResetError("the device restarts")
        writer.write(self.line.damage(data))
        await writer.drain()
        if values:
            self.counted.add(time_ms, values)
