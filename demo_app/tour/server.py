"""The service on the loopback interface, in a thread of this process, so that nothing is left behind when it ends."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

HOST: Final = "127.0.0.1"
USUAL_PORT: Final = 5000


class _Quiet(WSGIRequestHandler):
    """Logs nothing: the tour says what happens."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing."""


def listening(port: int | None) -> socket.socket:
    """A socket on the port given (`OSError` where it is taken), else on the usual one if it is free, else on any."""
    if port is not None:
        return socket.create_server((HOST, port))
    try:
        return socket.create_server((HOST, USUAL_PORT))
    except OSError:
        return socket.create_server((HOST, 0))


@contextmanager
def serving(app: Flask, on: socket.socket) -> Iterator[int]:
    """Serve the application on a listening socket, and give its port; what arrives before the first answer waits."""
    with on:
        port: int = on.getsockname()[1]
        server = make_server(HOST, port, app, threaded=True, request_handler=_Quiet, fd=on.fileno())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
