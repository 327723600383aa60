"""Flask-Sock: a websocket is decided at its handshake, over a real server and with a real client."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask_sock
import pytest
import simple_websocket
from flask import Blueprint, Flask
from werkzeug.serving import make_server

from policy.audit import records
from policy.flask import current_subject, requires
from tests.extensions.asking import refused_to_seal, unmarked
from tests.flask.conftest import Protect
from tests.issuing import VIEWER, bearer

Serve = Callable[[Flask], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start an application on a port of its own: the address of its websockets."""
    servers = []

    def start(app: Flask) -> str:
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"ws://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def echoing() -> Any:
    """A new view that sends back whatever comes, with the name of who sent it."""

    def echo(websocket: Any) -> None:
        while True:
            websocket.send(f"{current_subject.id}: {websocket.receive()}")

    return echo


class Client(simple_websocket.Client):
    """The package's client, which leaves its connection open where the handshake is refused."""

    def handshake(self) -> None:
        try:
            super().handshake()
        except simple_websocket.ConnectionError:
            self.sock.close()
            raise


def said(address: str, text: str, headers: dict[str, str] | None = None) -> str:
    """What a websocket sends back, or the status that its handshake is refused with."""
    try:
        client = Client.connect(address, headers=headers)
    except simple_websocket.ConnectionError as refusal:
        return str(refusal.status_code)
    client.send(text)
    answer: str = client.receive(timeout=30)
    client.close()
    return answer


def test_a_websocket_is_decided_at_its_handshake(app: Flask, protect: Protect, serve: Serve, tmp_path: Path) -> None:
    """On the application and on a blueprint; the subject is known for as long as it is open."""
    authz, blueprint = protect(app), Blueprint("live", __name__, url_prefix="/live")
    sock = flask_sock.Sock(app)
    sock.route("/echo")(requires("read:data")(echoing()))
    sock.route("/echo", bp=blueprint)(requires("update:data")(echoing()))
    app.register_blueprint(blueprint)
    authz.seal()
    address = serve(app)
    for path, expected in (("/echo", ["401", "403", "alice: hello"]), ("/live/echo", ["401", "403", "403"])):
        callers = (None, bearer(), bearer(**VIEWER))
        assert [said(address + path, "hello", headers) for headers in callers] == expected
    assert sorted((record["route"], record["outcome"], record["reason"]) for record in records(tmp_path / "audit")) == [
        ("/echo", "allow", "allowed"),
        ("/echo", "deny", "no-role-grants-it"),
        ("/echo", "deny", "token-absent"),
        ("/live/echo", "deny", "no-role-grants-it"),
        ("/live/echo", "deny", "no-role-grants-it"),
        ("/live/echo", "deny", "token-absent"),
    ]


def test_a_forgotten_websocket_is_named(app: Flask, protect: Protect, serve: Serve) -> None:
    """And its handshake is refused as long as the application is not sealed."""
    authz, echo = protect(app), echoing()
    flask_sock.Sock(app).route("/echo")(echo)
    assert refused_to_seal(authz) == [unmarked("GET /echo", echo, "echo")]
    assert said(serve(app) + "/echo", "hello", bearer(**VIEWER)) == "503"


def test_a_mark_above_the_route_of_a_websocket_is_an_error_where_it_stands(app: Flask) -> None:
    """Its route gives back nothing that could be marked."""
    sock = flask_sock.Sock(app)
    with pytest.raises(TypeError) as caught:

        @requires("read:data")
        @sock.route("/echo")
        def above(websocket: Any) -> None:
            websocket.send("the secret")

    assert str(caught.value) == '@requires("read:data") goes above a view as it is, without calling it'


def test_websockets_of_others_are_declared_by_endpoint(app: Flask, protect: Protect, serve: Serve) -> None:
    """Like any route one does not own."""
    authz, sock = protect(app), flask_sock.Sock()
    sock.route("/echo")(echoing())
    sock.init_app(app)
    authz.declare("__flask_sock.echo", requires("read:data"))
    authz.seal()
    address = serve(app) + "/echo"
    answers = [said(address, "hello", headers) for headers in (None, bearer(), bearer(**VIEWER))]
    assert answers == ["401", "403", "alice: hello"]
