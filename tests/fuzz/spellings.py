"""One application over real sockets, asked byte by byte: the request is written by hand, the answer is read whole."""

import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from policy.flask import Authorizer, public, requires
from tests.issuing import write_policy

SECRET: Final = "the data"


def application(folder: Path) -> Flask:
    """Views with and without a slash at the end, with a part of any text, with a public neighbour."""
    app = Flask("shop", static_folder=None)
    authz = Authorizer(app, policy=write_policy(folder / "policies"), audit=None)
    secret = requires("read:data")(lambda **parts: SECRET)
    app.add_url_rule("/admin", "admin", secret)
    app.add_url_rule("/admin/", "folder", secret)
    app.add_url_rule("/api/data", "data", secret)
    app.add_url_rule("/api/data/<name>", "named", secret)
    app.add_url_rule("/files/<path:name>", "files", secret)
    app.add_url_rule("/health", "health", public(reason="for the load balancer")(lambda: "well"))
    authz.seal()
    return app


class Raw(NamedTuple):
    """The status of an answer, where it redirects to, and its body."""

    status: int
    location: str
    body: str


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - Werkzeug's word
        """Say nothing: thousands of bad requests are what is wanted."""


class Served:
    """The application on a port of its own."""

    def __init__(self, app: Flask) -> None:
        self._server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def ask(self, target: bytes, *headers: bytes, method: bytes = b"GET") -> Raw:
        """Send one request line and these header lines as they are, and read until the server closes."""
        lines = [method + b" " + target + b" HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close", *headers, b"", b""]
        with socket.create_connection(("127.0.0.1", self._server.server_port), timeout=20) as connection:
            connection.sendall(b"\r\n".join(lines))
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        return _read(answer)


def _read(answer: bytes) -> Raw:
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *headers = head.decode("latin-1").split("\r\n")
    if not line.startswith("HTTP/1.1 "):
        return Raw(0, "", head.decode("latin-1"))
    found = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in headers)}
    return Raw(int(line.split(" ")[1]), found.get("location", ""), body.decode("utf-8", "replace"))
