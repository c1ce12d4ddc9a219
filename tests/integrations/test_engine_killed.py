"""The engine process is killed without warning while the HIS sends: nothing acknowledged is lost, nothing done twice."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.core.db import db
from app.core.settings import load_settings
from app.interfaces.models import InboundMessage
from app.scheduling.models import SurgeryRequest, SurgicalCase
from integrations.application import make_application
from integrations.simulators.his import HisSimulator, Options

ROOT = Path(__file__).parents[2]
REQUESTS = 40


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.reliability
def test_kill_and_restart_under_load(tmp_path):
    port = free_port()
    environment = os.environ | {
        "MAFEI_INSTANCE_DIR": str(tmp_path),
        "MAFEI_MLLP_PORT": str(port),
        "MAFEI_HIS_PORT": str(free_port()),
        "MAFEI_LOG_LEVEL": "WARNING",
    }
    application = make_application(load_settings(environment))
    with application.app_context():
        db.create_all()
        db.session.remove()

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "integrations", "run"]
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE)
        assert "接口引擎已启动" in process.stdout.readline().decode()
        return process

    his = HisSimulator(Options(send_to=("127.0.0.1", port), once=REQUESTS, quiet=True, retries=200, retry_seconds=0.05))
    engine = start()
    sending = threading.Thread(target=his.run)
    sending.start()
    try:
        for _ in range(3):
            target = len(his.sent) + 12
            while len(his.sent) < target and sending.is_alive():
                time.sleep(0.01)
            engine.kill()
            engine.wait()
            engine = start()
        sending.join(timeout=60)
        assert not sending.is_alive()
    finally:
        his.stop()
        engine.terminate()
        assert engine.wait(timeout=20) == 0
    acknowledged = [control_id for control_id, _, code in his.sent if code == "AA"]
    assert len(acknowledged) == len(his.sent) > REQUESTS * 2
    with application.app_context():
        stored = db.session.execute(select(InboundMessage.control_id, InboundMessage.state)).all()
        assert sorted(control_id for control_id, _ in stored) == sorted(acknowledged)
        assert {state for _, state in stored} == {"done"}
        assert db.session.scalar(select(func.count(SurgicalCase.id))) == REQUESTS
        assert db.session.scalar(select(func.count(func.distinct(SurgeryRequest.request_no)))) == REQUESTS
        db.session.remove()
        db.engine.dispose()
