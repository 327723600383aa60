"""A real, certified OpenID provider on this machine, its tokens, and a service that trusts it."""

import http.cookiejar
import json
import shutil
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from policy.flask import Authorizer, authenticated, current_subject, requires

HERE = Path(__file__).parent / "oidc"
AUDIENCE = "https://api.example.com"
CALLBACK = "http://127.0.0.1:1/callback"


class Stop(urllib.request.HTTPRedirectHandler):
    """Redirects are looked at, not followed."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Certified:
    """The provider's address, and its tokens as a client gets them."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def post(self, path: str, *, headers: Mapping[str, str] | None = None, **form: str) -> dict[str, Any]:
        data = urllib.parse.urlencode(form).encode()
        asked = urllib.request.Request(self.issuer + path, data, dict(headers or {}))
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return dict(json.loads(answer.read() or b"{}"))

    def machine_token(self, scope: str = "read:data") -> str:
        """By the client credentials grant (RFC 6749 section 4.4)."""
        return str(self.machine_answer(scope)["access_token"])

    def machine_answer(self, scope: str = "read:data", *, proof: str = "") -> dict[str, Any]:
        """All that the provider says; with a proof (RFC 9449 section 5) the token is bound to its key."""
        return self.post("/token", headers={"DPoP": proof} if proof else {}, grant_type="client_credentials",
                         client_id="worker", client_secret="the-secret-of-the-worker", scope=scope,
                         resource=AUDIENCE)  # fmt: skip

    def user_tokens(self, login: str, scope: str = "openid read:data") -> dict[str, Any]:
        """By the authorization code grant: through the provider's own pages, as a browser would."""
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        browser = urllib.request.build_opener(jar, Stop)
        asked = {"client_id": "desk", "response_type": "code", "redirect_uri": CALLBACK, "resource": AUDIENCE}
        query = urllib.parse.urlencode({**asked, "scope": scope})
        place = self._next(browser, f"/auth?{query}")
        for form in ({"prompt": "login", "login": login, "password": "any"}, {"prompt": "consent"}):
            place = self._next(browser, place, form)  # to the page that goes on
            place = self._next(browser, place)
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(place).query)["code"][0]
        return self.post("/token", grant_type="authorization_code", client_id="desk", redirect_uri=CALLBACK,
                         client_secret="the-secret-of-the-desk", code=code, resource=AUDIENCE)  # fmt: skip

    def _next(self, browser: urllib.request.OpenerDirector, place: str, form: dict[str, str] | None = None) -> str:
        address = urllib.parse.urljoin(self.issuer, place)
        data = urllib.parse.urlencode(form).encode() if form else None
        try:
            with browser.open(address, data, timeout=30) as page:
                raise AssertionError(f"{address} does not lead on: {page.read()[:500]!r}")
        except urllib.error.HTTPError as answer:
            with answer:
                return str(answer.headers["Location"])


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the provider's package in it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node.js and npm are not here: the certified provider cannot be started")
    folder = tmp_path_factory.mktemp("certified-provider")
    for file in HERE.iterdir():
        shutil.copy(file, folder / file.name)
    command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=170, check=False)
    if done.returncode:
        pytest.skip(f"the certified provider cannot be installed: {done.stderr[-300:]}")
    return folder


@pytest.fixture(scope="session")
def certified(installed: Path) -> Iterator[Certified]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["node", "--no-warnings", "server.mjs", str(port)]
    with subprocess.Popen(command, cwd=installed, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"ready\n"
            yield Certified(f"http://127.0.0.1:{port}")
        finally:
            process.kill()


def service(certified: Certified, folder: Path, **changes: Any) -> Flask:
    """An application that knows of the provider its name, the audience and the profile of the standard."""
    issuer = {
        "profile": "rfc9068",
        "audience": AUDIENCE,
        "keys": {"discovery": True, "loopback_http": True},
        "authority": {"user": "roles-and-scopes", "machine": "scopes"},
        **changes,
    }
    document = {
        "permissions": {"read:data": "Read", "update:data": "Change"},
        "roles": {"viewer": {"grants": ["read:data"]}},
        "issuers": {certified.issuer: issuer},
    }
    (folder / "policy.json").write_text(json.dumps(document), encoding="utf-8")
    app = Flask("shop", static_folder=None)
    authz = Authorizer(app, policy=folder / "policy.json", audit=folder / "audit")
    app.add_url_rule("/read", "read", requires("read:data")(lambda: "the data"))
    app.add_url_rule("/update", "update", requires("update:data")(lambda: "changed"))
    app.add_url_rule("/me", "me", authenticated(lambda: [current_subject.kind, current_subject.id]))
    authz.seal()
    return app
