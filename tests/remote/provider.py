"""An identity provider on this machine that can be told to rotate, stall, lie, redirect, die and come back."""

import json
import ssl
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from policy.tokens.issue import generate_key, sign

AUDIENCE = "https://api.example.com"


class Provider:
    """A server with metadata, keys, and tokens signed by them. `answers` replaces what a path is answered with."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, port: int = 0, path: str = "") -> None:
        self.private: dict[str, str] = {}
        self.public: dict[str, dict[str, Any]] = {}
        self.asked: Counter[str] = Counter()
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.hold: threading.Event | None = None
        self.drip = b""
        self.path = path
        self._tls, self._server = tls, _server(self, port)
        self.port = self._server.server_port
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.rotate("first")

    @property
    def origin(self) -> str:
        return f"{'https' if self._tls else 'http'}://{'localhost' if self._tls else '127.0.0.1'}:{self.port}"

    @property
    def issuer(self) -> str:
        return self.origin + self.path

    @property
    def jwks_uri(self) -> str:
        return self.origin + "/keys"

    def rotate(self, kid: str, *, keep: bool = False) -> None:
        """Publish another key, beside the former ones or instead of them."""
        private, public = generate_key("ES256", kid=kid)
        self.private[kid] = private
        self.public = {**self.public, kid: public} if keep else {kid: public}

    def token(self, kid: str | None, **claims: Any) -> str:
        """A token of that `kid`, signed with its key; with another one where the provider has none of that name."""
        now = int(time.time())
        usual = {"iss": self.issuer, "sub": "alice", "aud": AUDIENCE, "iat": now, "exp": now + 3600}
        given = {**usual, "scope": "read:data", **claims}
        key = self.private.get(kid or "") or next(iter(self.private.values()))
        return sign(given, key=key, algorithm="ES256", kid=kid)

    def body(self, path: str) -> bytes:
        if path == "/keys":
            return json.dumps({"keys": list(self.public.values())}).encode()
        return json.dumps({"issuer": self.issuer, "jwks_uri": self.jwks_uri}).encode()

    def die(self) -> None:
        """Stop listening; the port is free for `again`."""
        if not self._thread.is_alive():
            return
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def again(self) -> "Provider":
        """The same provider at the same port."""
        other = Provider(tls=self._tls, port=self.port, path=self.path)
        other.private, other.public = self.private, self.public
        return other

    def policy(self, folder: Path, **keys: Any) -> Path:
        """A policy with this provider as its issuer."""
        folder.mkdir(parents=True, exist_ok=True)
        issuer = {
            "profile": "plain",
            "audience": AUDIENCE,
            "algorithms": ["ES256"],
            "keys": keys or {"jwks_uri": self.jwks_uri, "loopback_http": True},
            "authority": {"user": "scopes"},
        }
        document = {"permissions": {"read:data": "Read"}, "issuers": {self.issuer: issuer}}
        (folder / "policy.json").write_text(json.dumps(document), encoding="utf-8")
        return folder


class _Handler(BaseHTTPRequestHandler):
    """Answers for the provider that its server belongs to."""

    def do_GET(self) -> None:
        provider: Provider = cast("Any", self.server).provider
        provider.asked[self.path] += 1
        if provider.hold is not None:
            provider.hold.wait(30)
        status, headers, body = provider.answers.get(self.path, (200, {}, b""))
        body = body or provider.body(self.path)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """A caller that hangs up, or does not trust the certificate, is what is tested."""


def _server(provider: Provider, port: int) -> _Server:
    server = _Server(("127.0.0.1", port), _Handler)
    cast("Any", server).provider = provider
    return server
