"""An SDC device: a real provider of the optional package `sdc11073`, without which it cannot be simulated.

It answers on one address, announces itself to nobody (no WS-Discovery) and has nothing that could be set.
"""

import asyncio
import contextlib
import importlib

from device_bridge.drivers.ihe_pcd01.encoder import SAID, identifiers_of
from device_bridge.drivers.sdc.encoder import Metric, mdib
from device_bridge.simulators.base import SimulatedDevice, SimulatorSettings
from device_bridge.simulators.faults import FaultPlan
from device_bridge.transports.base import TransportError
from device_bridge.transports.sdc import INSTALL

_PROVIDER = "device_bridge.simulators.sdc_provider"
_VENTILATED_S = 1200  # of the case: everything that is ever measured is there


class SdcDevice(SimulatedDevice):
    """Metrics of the simulated patient, reported every `interval_s`; the cuff when it was taken."""

    def __init__(self, settings: SimulatorSettings) -> None:
        super().__init__(settings)
        if settings.fault_file is not None or settings.faults != FaultPlan():
            raise ValueError("sdc 的模拟器不支持 --fault：HTTP 由软件包 sdc11073 收发")
        values = {**self._values(0), **self._values(_VENTILATED_S), **self.patient.cuff(0)}
        self._codes = [code for code in values if code in SAID]

    async def start(self) -> None:
        """Start the provider. Raises `TransportError` when the optional package is not there."""
        try:
            provider = importlib.import_module(_PROVIDER)
        except ImportError as error:
            raise TransportError(INSTALL) from error
        parts = [Metric(code, *identifiers_of(code)) for code in self._codes]
        description = mdib(list(parts), bed=self.settings.name)
        self._provider = await asyncio.to_thread(
            provider.start, description, self.settings.host, self.settings.port, self.settings.name
        )
        self.port, self.address = self._provider.port, self._provider.address
        self._reporting = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End the provider."""
        self._reporting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reporting
        await asyncio.to_thread(self._provider.stop)
        self.counted.close()

    async def _run(self) -> None:
        while True:
            second = self.clock.second()
            values = self._values(second)
            if self.clock.cuff_due(second):
                values |= self.patient.cuff(second)
            said = {code: value for code, value in values.items() if code in self._codes}
            at = self.device_ms()
            await asyncio.to_thread(self._provider.report, said, at)
            self.counted.add(at, said)
            await asyncio.sleep(self.settings.interval_s)

    def _values(self, second: int) -> dict[str, float]:
        values = dict(self.patient.values(second))
        return values | self.patient.arterial(second) if self.settings.arterial else values
