"""A small stage for the shared front end: the real shells, macros and scripts, with routes that answer on demand.

The application is not needed: what is tested here is how the browser side reacts to answers, failures and
live events.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jinja2
from flask import Flask, Response, render_template, request
from flask_socketio import SocketIO, join_room
from werkzeug.serving import BaseWSGIServer, make_server

from blueprints.common.assets import STATIC, library
from blueprints.common.headers import CONTENT_SECURITY_POLICY

ROOT = Path(__file__).resolve().parents[2]
PAGE = """{% extends "base.html" %}
{% from "components/button.html" import button %}{% from "components/form.html" import input %}
{% from "components/combobox.html" import combobox %}{% from "components/numeric.html" import numeric, age %}
{% block title %}试验台{% endblock %}
{% block live %}case:12 case:13{% endblock %}
{% block content %}
{{ button("插管", "primary", shortcut="i", attrs={"hx-get": "/dialog", "hx-target": "#dialog"}) }}
{{ button("详情", attrs={"hx-get": "/panel", "hx-target": "#side"}) }}
{{ button("冲突", attrs={"hx-post": "/conflict"}) }}
{{ button("成功", attrs={"hx-post": "/done", "hx-swap": "none"}) }}
<form id="giving" hx-post="/refuse" hx-swap="outerHTML">{{ input("dose", "剂量", "1000", unit="mg") }}{{ button("给药", type="submit") }}</form>
{{ input("note", "备注") }}{{ combobox("drug", "药品", "/options") }}
{{ numeric("血氧", 98, "%", "spo2", at=server_now, stale_after=30, code="SpO2") }}
{{ numeric("心率", 190, "次/分", "ecg", state="alarm", at=server_now - 90000, stale_after=30, code="HR") }}
<div id="vitals" hx-get="/vitals" hx-trigger="refresh" hx-swap="morph:outerHTML" data-refresh-on="vitals" data-refresh-topic="case:12">{% include "_vitals.html" %}</div>
{% endblock %}"""
TEMPLATES = {
    "page.html": PAGE,
    "_vitals.html": '<p data-count="{{ count }}">{{ count }}</p><input id="inside" aria-label="里面">',
    "_panel.html": '{% from "components/dialog.html" import panel %}{% call panel("病例") %}内容{% endcall %}',
    "_dialog.html": """{% from "components/dialog.html" import dialog, dialog_body, dialog_foot %}
{% from "components/form.html" import input %}
{% call dialog("气管插管", url="/conflict", form_attrs={"hx-post": "/conflict", "hx-target": "this"}) %}
{% call dialog_body() %}{{ input("size", "导管内径", "7.0", unit="mm") }}{% endcall %}{{ dialog_foot("记录") }}
{% endcall %}""",
    "_options.html": """{% from "components/combobox.html" import options %}
{{ options([] if q == "zz" else [{"value": "1", "text": "丙泊酚", "data": {"unit": "mg"}}, {"value": "2", "text": "依托咪酯"}]) }}""",
}


def _asset(name: str) -> Response:
    """A static file or a bundle of several, as the application serves it."""
    data, _packed, kind = library.get(name)
    return Response(data, content_type=kind)


class Bench:
    """The running stage: its address, how often the fragment was fetched, and a way to emit live events."""

    def __init__(self) -> None:
        self.fetched = 0
        self.posted: list[dict[str, str]] = []
        self.topics: list[str] = []
        self.app = self._build()
        self.socketio = SocketIO(self.app, async_mode="threading")
        self.socketio.on_event("subscribe", self._subscribe)
        self.url = ""

    def emit(self, event: str, topic: str, **payload: object) -> None:
        """What the application would send to the viewers of a topic."""
        self.socketio.emit(event, {"topic": topic, **payload}, to=topic)

    def await_topics(self, seconds: float = 5) -> None:
        """Return when the browser has joined its topics."""
        end = time.monotonic() + seconds
        while "case:12" not in self.topics and time.monotonic() < end:
            time.sleep(0.02)
        assert "case:12" in self.topics

    def _subscribe(self, data: dict[str, list[str]]) -> dict[str, object]:
        granted = [topic for topic in data["topics"] if topic != "case:13"]
        for topic in granted:
            join_room(topic)
        self.topics += granted
        return {"granted": granted, "missed": []}

    def _build(self) -> Flask:
        app = Flask("bench", template_folder=None, static_folder=None)
        app.jinja_loader = jinja2.ChoiceLoader(  # type: ignore[assignment]
            [jinja2.DictLoader(TEMPLATES), jinja2.FileSystemLoader(ROOT / "templates")]
        )
        library.load(STATIC)
        app.jinja_env.globals.update(asset_url=lambda name: f"/assets/{name}", csrf_token=lambda: "token")
        app.context_processor(_shell)
        app.after_request(_policy)
        app.add_url_rule("/assets/<path:name>", view_func=_asset, endpoint="assets")
        app.add_url_rule("/", view_func=lambda: render_template("page.html", count=self.fetched), endpoint="page")
        app.add_url_rule("/vitals", view_func=self._vitals, endpoint="vitals")
        app.add_url_rule("/dialog", view_func=lambda: render_template("_dialog.html"), endpoint="dialog")
        app.add_url_rule("/panel", view_func=lambda: render_template("_panel.html"), endpoint="panel")
        app.add_url_rule(
            "/options", view_func=lambda: render_template("_options.html", q=request.args["q"]), endpoint="options"
        )
        app.add_url_rule("/conflict", view_func=_conflict, methods=["POST"])
        app.add_url_rule("/refuse", view_func=_refuse, methods=["POST"])
        app.add_url_rule("/done", view_func=_done, methods=["POST"])
        app.add_url_rule("/theme", view_func=self._theme, methods=["POST"], endpoint="theme")
        app.add_url_rule("/lock", view_func=lambda: "locked", endpoint="lock")
        return app

    def _vitals(self) -> str:
        self.fetched += 1
        page = render_template("page.html", count=self.fetched)
        start = page.index('<div id="vitals"')
        return page[start : page.index("</div>", start) + len("</div>")]

    def _theme(self) -> tuple[str, int]:
        self.posted.append(request.form.to_dict())
        return "", 204


def _shell() -> dict[str, object]:
    return {
        "server_now": int(time.time() * 1000),
        "user_name": "李建国",
        "theme_url": "/theme",
        "lock_url": "/lock",
        "idle_minutes": request.args.get("idle", 0, float),
        "nav": [{"label": "术间", "url": "/", "active": True}],
    }


def _policy(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


def _conflict() -> tuple[str, int]:
    return '<div><p data-message="">王医生 08:31 已改过本例时间</p></div>', 409


def _refuse() -> tuple[str, int, dict[str, str]]:
    """What `blueprints.common.errors` answers when a service refuses the input."""
    body = render_template("components/_error.html", message="剂量过大", fields={"dose": "单次上限 300 mg"})
    return body, 422, {"HX-Trigger": json.dumps({"toast": {"message": "剂量过大", "kind": "danger"}})}


def _done() -> tuple[str, int, dict[str, str]]:
    return "", 200, {"HX-Trigger": '{"toast": {"message": "\\u5df2\\u8bb0\\u5f55", "kind": "success"}}'}


@contextmanager
def running() -> Iterator[Bench]:
    """A bench on a free loopback port, gone at the end."""
    bench = Bench()
    server: BaseWSGIServer = make_server("127.0.0.1", 0, bench.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    bench.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield bench
    finally:
        server.shutdown()
        thread.join(timeout=5)
