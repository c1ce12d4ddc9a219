"""Behind a proxy of ours the audit trail names the workstation; without one nobody can forge its address."""

from dataclasses import replace

import pytest
from flask import Flask, request

from app.factory import create_app


@pytest.mark.parametrize(("behind", "seen"), [(True, "10.1.2.3"), (False, "127.0.0.1")])
def test_the_forwarded_address_counts_only_behind_the_proxy(app: Flask, behind: bool, seen: str) -> None:
    composed = create_app(replace(app.extensions["mafei.settings"], behind_proxy=behind))
    addresses = []
    composed.before_request(lambda: addresses.append(request.remote_addr))
    composed.test_client().get("/healthz", headers={"X-Forwarded-For": "10.1.2.3"})
    assert addresses == [seen]
