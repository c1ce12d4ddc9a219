"""Is the device connected, does it speak, and since when not: states, counters and gaps of one device."""

from collections.abc import Callable

from device_bridge.drivers.base import Clocks
from device_bridge.wire import DeviceConfig, DeviceHealth

CONNECTING, RECEIVING, SILENT, DOWN = "connecting", "receiving", "silent", "down"

GapLog = Callable[[str, int, int, str], None]


class Watchdog:
    """`frames` counts pieces of the stream that held measurements."""

    def __init__(self, config: DeviceConfig, started_ms: int, last_ms: int | None, gap: GapLog) -> None:
        self._device = config.device_id
        self._patience_ms = round(max(3 * config.expected_period_s, config.stale_after_s) * 1000)
        self._gap = gap
        self._state = CONNECTING
        self._since_ms = started_ms
        self._detail = "正在连接"
        self._last_frame_ms = last_ms
        self._last_frame_mono: float | None = None
        self._gap_reason: str | None = "restart" if last_ms is not None else None
        self.frames = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.faults = 0

    @property
    def state(self) -> str:
        """connecting, receiving, silent or down."""
        return self._state

    def _enter(self, state: str, at_ms: int, detail: str) -> None:
        if state != self._state:
            self._state, self._since_ms = state, at_ms
        self._detail = detail

    def opened(self, at: Clocks) -> None:
        """The line stands; nothing has come yet."""
        self._enter(CONNECTING, at.wall_ms, "已连接，等待数据")
        self._last_frame_mono = at.mono_s

    def frame(self, at: Clocks) -> None:
        """Measurements came. A gap that was open ends here."""
        self.frames += 1
        last = self._last_frame_ms
        if self._gap_reason and last is not None and at.wall_ms - last > self._patience_ms:
            self._gap(self._device, last, at.wall_ms, self._gap_reason)
        self._gap_reason = None
        self._last_frame_ms, self._last_frame_mono = at.wall_ms, at.mono_s
        self._enter(RECEIVING, at.wall_ms, "")

    def tick(self, at: Clocks) -> None:
        """Notice silence on a standing line."""
        if self._state == SILENT or self._last_frame_mono is None:
            return
        if (at.mono_s - self._last_frame_mono) * 1000 > self._patience_ms:
            self._enter(SILENT, at.wall_ms, "已连接但没有测量数据")
            self._gap_reason = self._gap_reason or "silent"

    def closed(self, at: Clocks, detail: str) -> None:
        """The line ended."""
        self._enter(DOWN, at.wall_ms, detail)
        self._gap_reason = self._gap_reason or "disconnect"

    def down(self, at: Clocks, detail: str) -> None:
        """The device could not be reached."""
        self._enter(DOWN, at.wall_ms, detail)
        if self._last_frame_ms is not None:
            self._gap_reason = self._gap_reason or "connect"

    def health(self, at: Clocks, clock_offset_ms: int | None) -> DeviceHealth:
        """The state as it is reported to the web process."""
        return DeviceHealth(
            device=self._device,
            state=self._state,
            since_ms=self._since_ms,
            last_frame_ms=self._last_frame_ms,
            frames=self.frames,
            bytes_in=self.bytes_in,
            bytes_out=self.bytes_out,
            faults=self.faults,
            clock_offset_ms=clock_offset_ms,
            detail=self._detail,
        )
