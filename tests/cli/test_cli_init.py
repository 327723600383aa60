"""`policy init` writes a policy that works as it stands, and never writes over anything."""

import json
import shlex
import stat
from pathlib import Path

import pytest

from policy.document.profiles import profiles
from policy.engine import Policy
from policy.files import read_policy
from policy.flask import Authorizer
from tests.cli.conftest import Program

WRITTEN = """\
Written
  policies/policy.json       the policy
  policies/issuer.jwks.json  the issuer's public key
  policies/.schema.json      the schema that editors check it by
  dev-key.pem                the private key; for development, and not for version control

The application that goes with it, as app.py

from flask import Flask

from policy.flask import Authorizer, requires

app = Flask(__name__)
authz = Authorizer(app, policy="policies", audit="var/audit")


@app.get("/api/data")
@requires("read:data")
def read_data():
    return {"data": [1, 2, 3]}


authz.seal()

Next
  flask --app app run
  TOKEN=$(policy token issue --subject alice --scope read:data)
  curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:5000/api/data
"""


def test_it_says_what_it_wrote_and_what_comes_next(program: Program, here: Path) -> None:
    """The policy is sound, names its schema by a path that exists, and the private key is its owner's alone."""
    assert program("init") == (0, WRITTEN, "")
    assert json.loads(Path("policies/policy.json").read_text()) == {
        "$schema": ".schema.json",
        "permissions": {"read:data": "Read records"},
        "issuers": {
            "https://issuer.example.com/": {
                "profile": "plain", "audience": "https://api.example.com", "algorithms": ["ES256"],
                "keys": {"jwks_file": "issuer.jwks.json"}, "authority": {"user": "scopes", "machine": "scopes"},
            },
        },
    }  # fmt: skip
    assert "d" not in json.loads(Path("policies/issuer.jwks.json").read_text())["keys"][0]
    assert json.loads(Path("policies/.schema.json").read_text()) == json.loads(program("schema").out)
    assert stat.S_IMODE(Path("dev-key.pem").stat().st_mode) == 0o600
    assert program("check", "--strict", "policies").status == 0


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("--profile", "rfc9068", "--issuer", "https://id.example.com/", "--audience", "api"),
        ("--folder", "conf/my policies", "--key", "keys/dev.pem", "--permission", "list:all-things"),
        *(("--profile", name) for name in profiles()),
    ],
)
def test_everything_that_it_prints_works(program: Program, here: Path, args: tuple[str, ...]) -> None:
    """The printed application answers the token of the printed command and no lesser one, whatever the profile."""
    out = program("init", *args).out
    code = out.split("as app.py\n")[1].split("\nNext\n")[0]
    command = next(line for line in out.splitlines() if "TOKEN=$(" in line).split("$(")[1].removesuffix(")")
    issued = program(*shlex.split(command)[1:])
    assert (issued.status, issued.err) == (0, "")
    space: dict[str, object] = {"__name__": "app"}
    exec(code, space)
    client = space["app"].test_client()  # type: ignore[attr-defined]
    assert isinstance(space["authz"], Authorizer)
    good = client.get("/api/data", headers={"Authorization": f"Bearer {issued.out.strip()}"})
    assert (good.status_code, good.get_json()) == (200, {"data": [1, 2, 3]})
    assert client.get("/api/data").status_code == 401
    words = [word for word in shlex.split(command)[1:] if word not in ("--scope", "read:data", "list:all-things")]
    without = program(*words, "--subject", "somebody-else")
    assert client.get("/api/data", headers={"Authorization": f"Bearer {without.out.strip()}"}).status_code == 403


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("policies/policy.json", "{}"),
        ("policies/issuer.jwks.json", ""),
        ("policies/other.json", ""),
        ("dev-key.pem", ""),
    ],
)
def test_it_never_writes_over_or_into_what_is_there(program: Program, here: Path, name: str, text: str) -> None:
    """A file of its own name is kept, and so is a folder that is a policy already."""
    Path("policies").mkdir()
    Path(name).write_text(text)
    before = sorted(here.rglob("*"))
    assert program("init") == (2, "", f"policy: nothing is written, for these are there already: `{name}`\n")
    assert sorted(here.rglob("*")) == before
    assert Path(name).read_text() == text


def test_it_takes_back_what_it_wrote_if_it_cannot_write_all(program: Program, here: Path) -> None:
    """Half a policy is worse than none."""
    Path("file").write_text("")
    ran = program("init", "--folder", "a/b", "--key", "file/key.pem")
    assert (ran.status, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith("policy: `file")
    assert [each.name for each in here.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        (("--permission", "email"), "standard scope of OpenID Connect"),
        (("--permission", "read data"), "is no name for a permission"),
        (("--audience", ""), "must not be empty"),
        (("--key", "policies/key.pem"),
         "the private key `policies/key.pem` must lie outside the policy's folder `policies`"),
        (("--profile", "auth1"), "argument --profile: unknown profile `auth1`; did you mean `auth0`?"),
        (("--profile", "somebody"), "argument --profile: unknown profile `somebody`: there are `auth0`, `authentik`,"),
        (("--profile", "entra-v1", "--issuer", "https://sts.windows.net/8d1f"),
         "the profile `entra-v1` is for issuers whose names read"),
        (("--profile", "google", "--issuer", "https://accounts.google.com/"),
         "the profile `google` is for issuers whose names read"),
    ],
)  # fmt: skip
def test_it_writes_no_policy_that_would_not_load(
    program: Program, here: Path, args: tuple[str, ...], fault: str
) -> None:
    """Names are checked before anything is written."""
    ran = program("init", *args)
    assert (ran.status, ran.out) == (2, "")
    assert fault in ran.err
    assert list(here.iterdir()) == []


def test_the_schema_beside_the_policy_is_no_document(program: Program, here: Path) -> None:
    """A folder's documents are its `*.json`, without dotfiles and key sets."""
    program("init")
    assert list(read_policy("policies").permissions) == list(Policy.load("policies/policy.json").entries)
