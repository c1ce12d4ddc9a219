"""The engine process: one listener, one deliverer, one database."""

import contextlib
import logging
import threading
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from app.core import unit_of_work
from app.core.db import db
from app.core.settings import Settings
from app.interfaces.models import Endpoint
from integrations.delivery import Deliverer
from integrations.hl7.codes import PeerProfile, load_profile
from integrations.hl7.errors import MessageError
from integrations.hl7.outbound import Route
from integrations.inbound import Inbound
from integrations.mllp import DEFAULT_LIMIT, MllpServer
from integrations.mllp_client import MllpClient

log = logging.getLogger("mafei.interfaces")


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Where to listen, whom to call, and how that peer speaks."""

    listen: tuple[str, int]
    his: tuple[str, int]
    profile: PeerProfile
    route: Route
    limit: int = DEFAULT_LIMIT
    reply_timeout: float = 15.0
    pacing_seconds: float = 0.0
    allowed: frozenset[str] = frozenset()


def options_of(
    settings: Settings,
    *,
    mllp_host: str = "",
    mllp_port: int | None = None,
    his_host: str = "",
    his_port: int | None = None,
    charset: str = "",
    profile: Path | None = None,
    pacing_seconds: float = 0.0,
    allowed: frozenset[str] = frozenset(),
) -> EngineOptions:
    """Options from the settings; what is given here wins. A site's profile may lie in `instance/his-profile.yaml`."""
    chosen = profile or settings.instance_dir / "his-profile.yaml"
    peer = load_profile(chosen) if profile or chosen.exists() else PeerProfile()
    return EngineOptions(
        listen=(mllp_host or settings.mllp_host, settings.mllp_port if mllp_port is None else mllp_port),
        his=(his_host or settings.his_host, settings.his_port if his_port is None else his_port),
        profile=peer,
        route=Route(
            sender=("MAFEI", settings.his_facility),
            receiver=(settings.his_application, settings.his_facility),
            version=peer.version,
            charset=charset or peer.charset or "utf-8",
        ),
        pacing_seconds=pacing_seconds,
        allowed=allowed,
    )


class Engine:
    """Listener and deliverer of the HIS. Use as a context, or `start` and `stop`."""

    def __init__(self, application: Flask, options: EngineOptions) -> None:
        self._stopping = threading.Event()
        self._application = application
        self._options = options
        inbound = Inbound(application, options.profile)
        try:
            self.server = MllpServer(*options.listen, inbound.handle, limit=options.limit, allowed=options.allowed)
        except OSError as error:
            host, port = options.listen
            raise MessageError(
                f"不能监听 {host}:{port}（{error.strerror}）。",
                advice="请确认端口没有被其他程序占用，或用 MAFEI_MLLP_PORT 换一个端口。",
            ) from None
        client = MllpClient(*options.his, reply_timeout=options.reply_timeout)
        self.deliverer = Deliverer(application, client, options.route, pacing_seconds=options.pacing_seconds)
        self._thread = threading.Thread(target=self.deliverer.run, args=(self._stopping,), name="deliver", daemon=True)

    def start(self) -> "Engine":
        """Note the peer in the database, then listen and deliver."""
        self._note_endpoint()
        self.server.start()
        self._thread.start()
        log.info("interface engine started", extra={"port": self.server.port})
        return self

    def stop(self) -> None:
        """Stop taking messages, let the one in delivery finish."""
        self._stopping.set()
        self.server.stop()
        if self._thread.is_alive():
            self._thread.join(timeout=self._options.reply_timeout + 2)

    def __enter__(self) -> "Engine":
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def _note_endpoint(self) -> None:
        host, port = self._options.his
        shown = {
            "host": host,
            "port": port,
            "listen": f"{self._options.listen[0]}:{self.server.port}",
            "charset": self._options.route.charset,
            "version": self._options.route.version,
        }
        with self._application.app_context(), contextlib.ExitStack() as stack:
            stack.callback(db.session.remove)
            with unit_of_work.writing():
                row = db.session.scalar(select(Endpoint).where(Endpoint.name == "his"))
                if row is None:
                    row = Endpoint(name="his", label="医院信息系统（HIS）", state="unknown")
                    db.session.add(row)
                row.options = shown
