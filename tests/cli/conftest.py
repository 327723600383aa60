"""A policy with two issuers, keys for both, and a way to run the program on them."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest

from policy.cli import main
from policy.tokens.issue import generate_key

NOW = 1_800_000_000
HOME, PARTNER = "https://id.example.com/", "https://partner.example.com/"
SECRET = "a secret of thirty-two bytes, at least"
DOCUMENT: dict[str, Any] = {
    "permissions": {
        "read:data": "Read records",
        "update:data": "Change a record",
        "delete:data": {"description": "Remove a record", "step_up": {"acr": ["mfa"]}},
    },
    "roles": {
        "viewer": {"grants": ["read:*"]},
        "senior editor": {"inherits": ["viewer"], "grants": ["*:data"]},
        "trainee": {},
    },
    "scopes": {"data.full": {"grants": ["*:data"]}},
    "rules": [{"id": "hands-off", "effect": "deny", "permissions": ["update:data"], "roles": ["trainee"]}],
    "assignments": [{"issuer": HOME, "subject": "carol", "roles": ["viewer"]}],
    "constraints": [
        {"id": "learn-first", "kind": "separation-of-duty", "roles": ["senior editor", "trainee"], "limit": 1},
    ],
    "issuers": {
        HOME: {
            "profile": "plain", "audience": "https://api.example.com", "algorithms": ["ES256"], "id_prefix": "",
            "keys": {"jwks_file": "home.jwks.json"}, "asserts": {"roles": ["*"], "scopes": ["*"]},
            "authority": {"user": "roles-and-scopes", "machine": "scopes"},
        },
        PARTNER: {
            "audience": ["api", "other"], "audience_claim": ["ctx", "for"], "algorithms": ["HS256"], "id_prefix": "p|",
            "keys": {"env": "PARTNER_SECRET"}, "typ": "JWT", "authority": {"user": "roles", "machine": "scopes"},
            "asserts": {"roles": ["viewer"], "scopes": ["*"], "permissions": ["read:*"], "tenants": ["*"]},
            "claims": {
                "roles": [
                    {"path": ["realm", "roles"], "format": "object-keys"},
                    {"path": ["realm", "by_tenant"], "format": "object-tenants"},
                ],
                "scopes": {"path": ["ctx", "scopes"], "format": "list"},
                "permissions": {"path": ["permissions"], "format": "space-delimited"},
                "tenant": {"path": ["org"], "format": "string"},
                "client": {"path": ["azp"], "format": "string"},
            },
            "kinds": {
                "machine": [
                    {"path": ["gty"], "equals": "client-credentials"},
                    {"path": ["sub"], "same_as": ["azp"], "suffix": "@clients"},
                    {"path": ["idp"], "exists": False},
                    {"path": ["realm", "guest"], "exists": False},
                ],
                "user": [{"path": ["idp"], "exists": True}],
            },
        },
    },
}  # fmt: skip


class Ran(NamedTuple):
    """What came of a call."""

    status: int
    out: str
    err: str


class Program(Protocol):
    """Runs the program in this process."""

    def __call__(self, *args: str, stdin: str = "") -> Ran: ...


Write = Callable[[str], str]


@cache
def key_pair(kid: str = "home") -> tuple[str, dict[str, Any]]:
    """A private key as PEM text and the public JWK, the same each time."""
    return generate_key(kid=kid)


def write_policy(folder: Path, **changes: Any) -> Path:
    """The policy with some sections changed, and the keys of its first issuer."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.json").write_text(json.dumps({**DOCUMENT, **changes}, indent=1))
    (folder / "home.jwks.json").write_text(json.dumps({"keys": [key_pair("other")[1], key_pair()[1]]}))
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PARTNER_SECRET", raising=False)
    return tmp_path


@pytest.fixture
def folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current directory with `policies/`, `dev-key.pem` and the partner's secret in the environment."""
    monkeypatch.setenv("PARTNER_SECRET", SECRET)
    (here / "dev-key.pem").write_text(key_pair()[0])
    write_policy(here / "policies")
    return here


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    """The program, in this process."""

    def run(*args: str, stdin: str = "") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        status = main(args)
        return Ran(status, *capsys.readouterr())

    return run


@pytest.fixture
def token(program: Program, folder: Path) -> Callable[..., str]:
    """Issue a token with the program itself, at the fixed time."""

    def issue(*args: str) -> str:
        issuer = () if "--issuer" in args else ("--issuer", HOME)
        ran = program("token", "issue", *issuer, "--subject", "alice", "--now", str(NOW), *args)
        assert (ran.status, ran.err) == (0, "")
        return ran.out.removesuffix("\n")

    return issue


@pytest.fixture
def write(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write an application into the current directory; gives the name of its module, which is imported anew."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def forget() -> None:
        for name in [name for name in sys.modules if name.startswith("shop_of_routes")]:
            del sys.modules[name]

    def write(text: str) -> str:
        forget()
        Path("shop_of_routes.py").write_text(text)
        return "shop_of_routes"

    yield write
    forget()
