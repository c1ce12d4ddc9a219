"""The only module of the simulators that imports `sdc11073`; loaded when an SDC device is simulated, never before."""

import decimal
import logging
import uuid
from collections.abc import Mapping
from typing import Any

from sdc11073.definitions_sdc import SdcV1Definitions
from sdc11073.httpserver.httpserverimpl import HttpServerThreadBase, _ThreadingHTTPServer
from sdc11073.mdib import ProviderMdib
from sdc11073.provider import SdcProvider
from sdc11073.provider.providerimpl import provider_components_sync_factory
from sdc11073.xml_types.dpws_types import ThisDeviceType, ThisModelType

_START_TIMEOUT_S = 20.0
log = logging.getLogger("device_bridge.simulators.sdc")


class NoDiscovery:
    """Stands where the package would announce the device on the network: it announces nothing."""

    def __init__(self, host: str) -> None:
        self.active_address = host

    def get_active_addresses(self) -> list[str]:
        """The one address."""
        return [self.active_address]

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: None


class FixedPort(HttpServerThreadBase):  # type: ignore[misc]
    """The package's HTTP server at a port of our choice instead of any."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, None, [], log)
        self._port = port
        self.failure: OSError | None = None

    def run(self) -> None:
        """Serve until stopped."""
        try:
            self.httpd = _ThreadingHTTPServer(self.logger, (self._my_ipaddress, self._port), 0, [])
        except OSError as error:
            self.failure = error
            return
        self.base_url = f"http://{self._my_ipaddress}:{self.server_port}/"
        self.started_evt.set()
        self.httpd.serve_forever()


class Provider:
    """A running provider."""

    def __init__(self, device: Any, mdib: Any, server: FixedPort) -> None:
        self._device, self._mdib, self._server = device, mdib, server
        self.port = int(server.server_port or 0)
        self.address = str(device.get_xaddrs()[0])

    def report(self, values: Mapping[str, float], at_ms: int) -> None:
        """One episodic report with these metrics by handle."""
        with self._mdib.metric_state_transaction() as transaction:
            for handle, value in values.items():
                state = transaction.get_state(handle)
                if state.MetricValue is None:
                    state.mk_metric_value()
                state.MetricValue.Value = decimal.Decimal(f"{value:g}")
                state.MetricValue.DeterminationTime = at_ms / 1000

    def stop(self) -> None:
        """End the subscriptions and the server."""
        self._device.stop_all(send_subscription_end=True)
        self._server.stop()


def start(description: bytes, host: str, port: int, name: str) -> Provider:
    """Serve this MDIB. Raises `OSError` when the port is taken."""
    server = FixedPort(host, port)
    server.start()
    if not server.started_evt.wait(0.2 if server.failure else _START_TIMEOUT_S) or server.failure:
        raise server.failure or TimeoutError("SDC provider")
    mdib = ProviderMdib.from_string(description, SdcV1Definitions)
    device = SdcProvider(
        NoDiscovery(host), ThisModelType("Mafei", "-", "SDC", "1", "-", "-"), ThisDeviceType(name, "0", "1"), mdib,
        epr=uuid.uuid5(uuid.NAMESPACE_URL, f"mafei-simulator-{name}"), components=provider_components_sync_factory(),
    )  # fmt: skip
    device.start_all(start_rtsample_loop=False, shared_http_server=server)
    return Provider(device, mdib, server)
