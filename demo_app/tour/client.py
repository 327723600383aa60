"""What talks to the service: plain HTTP, and the tokens that the tour's people hold."""

import json
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from demo_app.accounts import CONSOLE, CONSOLE_SCOPES, USERS
from demo_app.issuer import AUDIENCE, LIFETIME, claims_of, signed
from demo_app.tour.server import HOST
from demo_app.vault import KEY_ID, Vault
from policy.tokens.issue import generate_key, sign

TIMEOUT: Final = 10.0


class Reply(NamedTuple):
    """An answer of the service; `body` is its JSON, or `None` where it has none."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Client:
    """One HTTP client of the service, and the wallet it takes tokens from."""

    def __init__(self, port: int, vault: Vault) -> None:
        self._port: Final = port
        self.vault: Final = vault
        self.url: Final = f"http://{HOST}:{port}"

    def send(self, method: str, path: str, *, body: object = None, headers: Mapping[str, str] | None = None) -> Reply:
        """One request with a JSON body, or a form where the body is bytes."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        kind = "application/x-www-form-urlencoded" if isinstance(body, bytes) else "application/json"
        connection = HTTPConnection(HOST, self._port, timeout=TIMEOUT)
        try:
            connection.request(method, path, raw, {"Content-Type": kind, **(headers or {})})
            answer = connection.getresponse()
            text = answer.read()
            return Reply(answer.status, dict(answer.getheaders()), json.loads(text) if text else None)
        finally:
            connection.close()

    def login(self, username: str, scope: str = "", *, second_factor: bool = False) -> str:
        """A token that the service issues to a user."""
        code = self.vault.code if second_factor else ""
        return self._token(
            grant_type="password", username=username, password=self.vault.password, otp=code, scope=scope
        )

    def machine(self, client_id: str) -> str:
        """A token that the service issues to a client acting for itself."""
        return self._token(grant_type="client_credentials", client_id=client_id, client_secret=self.vault.password)

    def expired(self, username: str) -> str:
        """A token that was good for an hour, until an hour ago."""
        now = int(time.time())
        return signed({**_claims(username), "iat": now - 2 * LIFETIME, "exp": now - LIFETIME}, self.vault)

    def for_another_api(self, username: str) -> str:
        """A token of the right issuer, meant for somebody else."""
        return signed({**_claims(username), "aud": "https://another.example/api"}, self.vault)

    def forged(self, username: str) -> str:
        """A token that says it is the issuer's, signed with a key of one's own."""
        own, _ = generate_key("ES256")
        return sign(_claims(username), key=own, algorithm="ES256", kid=KEY_ID)

    def tutorial(self, subject: str) -> str:
        """A token of the second issuer: a shared secret, five claims, and no word of roles."""
        now = int(time.time())
        claims = {
            "iss": "https://tutorial.example/",
            "sub": subject,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + LIFETIME,
        }
        return sign(claims, key=self.vault.tutorial_secret, algorithm="HS256", typ="JWT")

    def _token(self, **form: str) -> str:
        reply = self.send("POST", "/token", body=urlencode(form).encode())
        if reply.status != 200:
            raise RuntimeError(f"the service issued no token: {reply.status} {reply.body}")
        return str(reply.body["access_token"])


def _claims(username: str) -> dict[str, Any]:
    return claims_of(username, client=CONSOLE, scopes=CONSOLE_SCOPES, roles=USERS[username])
