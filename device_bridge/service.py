"""The bridge as a whole: device sessions, spool and uplink, and changes of the device list while running."""

import asyncio
import contextlib
import json
import logging
import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from device_bridge.clocks import now
from device_bridge.drivers.registry import UnknownDriver, get_driver
from device_bridge.errands import Errands
from device_bridge.profiles.lines import Profile, ProfileError
from device_bridge.profiles.store import ProfileStore, same
from device_bridge.session import DeviceSession
from device_bridge.spool import Spool
from device_bridge.transports.base import TransportError
from device_bridge.transports.factory import make_endpoint
from device_bridge.uplink import Uplink
from device_bridge.watchdog import DOWN
from device_bridge.wire import DeviceConfig, DeviceHealth, UnmappedCode

_PROFILES_EVERY_S = 5.0

log = logging.getLogger("device_bridge.service")


@dataclass(frozen=True, slots=True)
class BridgeSettings:
    """What `run` was told. With `devices_file` the list of the web process is not asked for."""

    url: str
    token: str
    bridge: str
    spool_dir: Path
    devices_file: Path | None = None
    profiles_dir: Path | None = None  # the hospital's own profiles


@dataclass
class _Running:
    config: DeviceConfig
    session: DeviceSession
    task: asyncio.Task[None]
    profile: Profile | None


class BridgeService:
    """Runs until `stop` is set."""

    def __init__(self, settings: BridgeSettings) -> None:
        self._settings = settings
        self._spool = Spool(settings.spool_dir, settings.bridge)
        self._profiles = ProfileStore(settings.profiles_dir)
        self._configs: list[DeviceConfig] = []
        self._refused: dict[str, str] = {}  # devices that go on with what their profile said before
        self._running: dict[str, _Running] = {}
        self._broken: dict[str, DeviceHealth] = {}
        self._changing = asyncio.Lock()
        self.stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._errands = Errands(settings.spool_dir, self._spool, self._states, settings.profiles_dir)
        self._uplink = Uplink(
            settings.url,
            settings.token,
            settings.bridge,
            self._spool,
            None if settings.devices_file else self._devices_arrived,
            self.health,
            self.unmapped,
            self._errands,
        )

    @property
    def _cache(self) -> Path:
        return self._settings.spool_dir / "devices.json"

    async def run(self) -> None:
        """Start from the file or the last known list, then follow the web process."""
        self._loop = asyncio.get_running_loop()
        self._errands.begin(self._loop)
        stop_on_signals(self._loop, self.stop)
        await self.apply(load_devices(self._settings.devices_file or self._cache))
        watching = asyncio.create_task(self._watch_profiles())
        self._uplink.start()
        log.info("bridge started", extra={"bridge": self._settings.bridge, "devices": len(self._running)})
        try:
            await self.stop.wait()
        finally:
            watching.cancel()
            await self._errands.end()
            for device in list(self._running):
                await self._end(device)
            await asyncio.to_thread(self._uplink.stop)
            await asyncio.to_thread(self._spool.close)
            log.info("bridge stopped", extra={"bridge": self._settings.bridge})

    def health(self) -> list[DeviceHealth]:
        """State of every configured device; also called from the uplink's thread."""
        states = [one.session.health() for one in list(self._running.values())] + list(self._broken.values())
        return [self._with_refusal(one) for one in states]

    def _with_refusal(self, health: DeviceHealth) -> DeviceHealth:
        refused = self._refused.get(health.device)
        return replace(health, detail=f"{health.detail}；{refused}".lstrip("；")) if refused else health

    def _states(self) -> dict[str, str]:
        return {one.device: one.state for one in self.health()}

    def unmapped(self) -> list[UnmappedCode]:
        """Codes of all devices that no table knows; called from the uplink's thread."""
        return [code for one in list(self._running.values()) for code in one.session.unmapped()]

    async def apply(self, configs: list[DeviceConfig]) -> None:
        """Start, stop or restart exactly the devices whose configuration changed."""
        async with self._changing:
            self._configs = configs
            wanted = {config.device_id: config for config in configs if config.enabled}
            self._broken = {}
            for device, running in list(self._running.items()):
                if wanted.get(device) != running.config or self._profile_changed(running):
                    await self._end(device)
            for device, config in wanted.items():
                if device not in self._running:
                    self._begin(config)

    async def _watch_profiles(self) -> None:
        """A profile that the hospital edits counts within seconds, for the devices that use it only."""
        before = self._profiles.stamp()
        while True:
            await asyncio.sleep(_PROFILES_EVERY_S)
            now_stamp = await asyncio.to_thread(self._profiles.stamp)
            if now_stamp != before:
                before = now_stamp
                await self.apply(self._configs)

    def _profile_changed(self, running: _Running) -> bool:
        """A file that can no longer be used changes nothing for a device that is running."""
        device = running.config.device_id
        try:
            profile = self._profiles.options(running.config).profile
        except ProfileError as error:
            log.error("profile refused", extra={"device": device, "reason": str(error)[:300]})
            self._refused[device] = f"型号对照表有错，仍按原来的采集：{error}"
            return False
        self._refused.pop(device, None)
        return not same(profile, running.profile)

    def _peer(self, device: str) -> DeviceSession | None:
        """The session of a device that a gateway speaks for."""
        running = self._running.get(device)
        return running.session if running else None

    def _begin(self, config: DeviceConfig) -> None:
        try:
            ZoneInfo(config.timezone)
            driver = get_driver(config.driver)
            endpoint = make_endpoint({**driver.default_transport, **config.transport})
            options = self._profiles.options(config)
            session = DeviceSession(config, driver, endpoint, self._spool, self._peer, options)
        except (UnknownDriver, TransportError, ZoneInfoNotFoundError, ProfileError) as error:
            log.error("device not started", extra={"device": config.device_id, "reason": str(error)})
            self._broken[config.device_id] = _broken(config, str(error))
            return
        task = asyncio.create_task(session.run(), name=f"device {config.device_id}")
        self._running[config.device_id] = _Running(config, session, task, options.profile)

    async def _end(self, device: str) -> None:
        running = self._running.pop(device)
        self._refused.pop(device, None)
        running.task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await running.task

    def _devices_arrived(self, answer: dict[str, Any]) -> None:
        """In the uplink's thread: keep the list on disk, then hand it to the loop."""
        try:
            configs = parse_devices(answer)
        except ValueError as error:
            log.error("device list refused", extra={"reason": str(error)[:200]})
            return
        try:
            temporary = self._cache.with_suffix(".tmp")
            temporary.write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
            os.replace(temporary, self._cache)
        except OSError as error:  # Windows: somebody reads the old one; the devices are read all the same
            log.warning("device list not kept", extra={"reason": type(error).__name__})
        if self._loop is not None and not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self.apply(configs), self._loop)


def parse_devices(data: Any) -> list[DeviceConfig]:
    """`{"devices": […]}` or a plain list. Raises `ValueError`, also for two devices with one id."""
    rows = data.get("devices") if isinstance(data, dict) else data
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("not a device list")
    configs = [DeviceConfig.from_json(row) for row in rows]
    if len({config.device_id for config in configs}) != len(configs):
        raise ValueError("device_id occurs twice")
    return configs


def load_devices(path: Path) -> list[DeviceConfig]:
    """The list from a file; empty when there is none or it cannot be read (the web process will send one)."""
    try:
        return parse_devices(json.loads(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        log.error("device file unusable", extra={"file": path.name, "reason": str(error)[:200]})
        return []


def _broken(config: DeviceConfig, detail: str) -> DeviceHealth:
    return DeviceHealth(config.device_id, DOWN, now().wall_ms, None, 0, 0, 0, 0, None, detail)


def stop_on_signals(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Ctrl-C and the polite kill set `stop`; Windows too."""
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows has no loop signal handlers
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
