"""What a page missed between its drawing and its subscription, and what it learns of the figures at once."""

from flask import Flask
from flask.testing import FlaskClient
from flask_socketio.test_client import SocketIOTestClient

from app.core import clock, signals
from app.core.extensions import socketio
from blueprints.common import missed
from blueprints.common.missed import ChangeLog
from tests.cast import LI_MING
from tests.pages import read_page


def test_a_log_tells_what_came_after_a_mark() -> None:
    log = ChangeLog()
    log.note("case:1", "flow")
    mark = log.mark()
    assert log.since(mark, ["case:1"]) == []
    log.note("case:1", "chart")
    log.note("case:2", "chart")
    log.note("case:1", "chart")
    log.note("case:1", "drugs")
    assert log.since(mark, ["case:1"]) == [["case:1", "chart"], ["case:1", "drugs"]]


def test_a_log_says_when_it_does_not_know(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(missed, "_KEPT", 3)
    log = ChangeLog()
    assert log.since("", []) is None
    assert log.since(ChangeLog().mark(), []) is None, "of an earlier start"
    assert ChangeLog(is_whole=False).since(log.mark(), []) is None, "other processes write as well"
    mark = log.mark()
    for _ in range(3):
        log.note("case:1", "chart")
    assert log.since(mark, ["case:1"]) == [["case:1", "chart"]]
    log.note("case:1", "chart")
    assert log.since(mark, ["case:1"]) is None, "the first change is forgotten"


def test_a_page_learns_what_it_missed(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    client: FlaskClient = sign_in(LI_MING)
    mark = read_page(client, "/theatre").soup.select_one("body")["data-live-mark"]
    with app.app_context():
        signals.changed.send("rooms:all", what="board")
    answer = _subscribe(app, client, ["rooms:all", "devices:secret"], str(mark))
    assert answer["granted"] == ["rooms:all", "devices:secret"]
    assert answer["missed"] == [["rooms:all", "board"]]
    assert _subscribe(app, client, ["rooms:all"], "")["missed"] is None, "without a mark everything is fetched"


def test_who_comes_late_is_told_the_figures_with_their_own_time(app: Flask, sign_in) -> None:  # type: ignore[no-untyped-def]
    client: FlaskClient = sign_in(LI_MING)
    now = clock.now_ms()
    with app.app_context():
        signals.numerics.send("case:77", values=[["NIBP_S", 121.0, "mmHg", now - 9000, 0], ["HR", 70.0, "", now, 0]])
    listener = _socket(app, client)
    listener.emit("subscribe", {"topics": ["case:77"], "mark": ""}, callback=True)
    told = [event["args"] for event in listener.get_received() if event["name"] == "n"]
    assert told == [[77, now // 1000, "HR", 70, ["NIBP_S", 121, (now - 9000) // 1000, 0]]]


def _socket(app: Flask, client: FlaskClient) -> SocketIOTestClient:
    return socketio.test_client(app, flask_test_client=client)


def _subscribe(app: Flask, client: FlaskClient, topics: list[str], mark: str) -> dict[str, object]:
    answer = _socket(app, client).emit("subscribe", {"topics": topics, "mark": mark}, callback=True)
    assert isinstance(answer, dict)
    return answer
