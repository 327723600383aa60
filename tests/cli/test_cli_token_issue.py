"""`policy token issue` signs development tokens in the shape of their issuer."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policy.tokens.issue import generate_key
from tests.cli.conftest import DOCUMENT, HOME, NOW, PARTNER, SECRET, Program, write_policy

Issue = Callable[..., str]


def parts(token: str) -> list[Any]:
    """Header and payload."""
    return [json.loads(urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


def test_the_token_stands_alone_and_is_signed_by_the_key_of_its_kid(token: Issue) -> None:
    """The key's `kid` is found among the public ones, and the audience is the policy's."""
    header, payload = parts(token("--roles", "viewer,senior editor", "--scope", "read:data update:data"))
    assert header == {"alg": "ES256", "kid": "home", "typ": "at+jwt"}
    assert payload == {
        "iss": HOME, "sub": "alice", "aud": "https://api.example.com", "roles": ["viewer", "senior editor"],
        "scope": "read:data update:data", "iat": NOW, "exp": NOW + 3600,
    }  # fmt: skip


def test_claims_stand_where_the_issuer_has_them(token: Issue) -> None:
    """Paths, formats, the audience's claim, tenants and what tells a machine are taken from the document."""
    args = ("--issuer", PARTNER, "--kind", "machine", "--tenant", "acme", "--roles", "viewer", "--scope", "read:data")
    header, payload = parts(token(*args, "--expires-in", "60"))
    assert header == {"alg": "HS256", "typ": "JWT"}
    assert payload == {
        "iss": PARTNER, "sub": "alice@clients", "ctx": {"for": "api", "scopes": ["read:data"]},
        "realm": {"by_tenant": {"viewer": {"acme": {}}}}, "org": "acme", "gty": "client-credentials", "azp": "alice",
        "iat": NOW, "exp": NOW + 60,
    }  # fmt: skip


def test_unbound_roles_a_kid_and_other_claims_are_written_as_given(token: Issue) -> None:
    """`--claim` has the last word, and `--kid` names another key."""
    args = ("--issuer", PARTNER, "--roles", "viewer", "--client", "app", "--claim", "n=[1]", "--claim", 'azp="x"')
    header, payload = parts(token(*args, "--kid", "k"))
    assert header == {"alg": "HS256", "kid": "k", "typ": "JWT"}
    assert (payload["realm"], payload["azp"], payload["n"]) == ({"roles": {"viewer": {}}}, "x", [1])
    assert payload["idp"] == "dev"
    assert parts(token("--issuer", PARTNER, "--permissions", "read:data"))[1]["permissions"] == "read:data"


def test_a_profile_that_demands_claims_gets_them(program: Program, here: Path) -> None:
    """An RFC 9068 token has a `jti` of its own each time, and a `client_id`."""
    assert program("init", "--profile", "rfc9068").status == 0
    issued = [program("token", "issue", "--subject", "alice", "--scope", "read:data") for _ in range(2)]
    assert [(ran.status, ran.err) for ran in issued] == [(0, ""), (0, "")]
    (header, first), (_, second) = (parts(ran.out) for ran in issued)
    assert (header["alg"], header["typ"], first["client_id"]) == ("RS256", "at+jwt", "dev")
    assert first["jti"] != second["jti"]
    machine = parts(program("token", "issue", "--subject", "job", "--kind", "machine").out)[1]
    assert (machine["sub"], machine["client_id"]) == ("job", "job")


@pytest.mark.parametrize(
    ("accepted", "written"),
    [(["JWT", "at+jwt"], "at+jwt"), (["", "JWT"], "JWT"), (["", "x"], None), (["x"], "x"), ("application/x", "x")],
)
def test_the_header_has_a_type_that_is_accepted(
    program: Program, folder: Path, accepted: Any, written: str | None
) -> None:
    """An access token's type is preferred, and none is written where none may be."""
    issuer = {**DOCUMENT["issuers"][HOME], "typ": accepted}
    write_policy(folder / "policies", issuers={HOME: issuer})
    ran = program("token", "issue", "--subject", "alice")
    assert (ran.status, ran.err) == (0, "")
    assert parts(ran.out)[0].get("typ") == written


def test_another_issuers_secret_need_not_be_here(
    program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token is issued without being checked where the policy's keys cannot all be seen."""
    monkeypatch.delenv("PARTNER_SECRET")
    ran = program("token", "issue", "--issuer", HOME, "--subject", "alice", "--expires-in", "-60")
    assert (ran.status, ran.err) == (0, "")


def test_secrets_are_taken_from_where_the_arguments_say(
    program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A symmetric issuer signs with a named variable or file, and otherwise with the one that its policy names."""
    monkeypatch.setenv("MINE", SECRET)
    Path("secret.txt").write_text(f"{SECRET}\n")
    asked = ("token", "issue", "--issuer", PARTNER, "--subject", "alice", "--now", str(NOW))
    tokens = {program(*asked, *more).out for more in ((), ("--secret-env", "MINE"), ("--secret-file", "secret.txt"))}
    assert len(tokens) == 1


def test_a_token_that_the_policy_refuses_is_issued_with_a_warning(program: Program, folder: Path) -> None:
    """Wrong tokens are wanted too, but not by accident; the warning is not in the output."""
    ran = program("token", "issue", "--issuer", HOME, "--subject", "alice", "--expires-in", "-60", "--now", str(NOW))
    assert (ran.status, ran.out.count(".")) == (0, 2)
    assert ran.err == (
        "policy: warning: this policy refuses the token: token-expired: the token has expired "
        "(`exp` was 60 s ago, the leeway is 30 s)\n"
    )


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        ((), f"say which issuer with --issuer; the policy has `{HOME}`, `{PARTNER}`"),
        (("--issuer", HOME, "--key", "no.pem"), "`no.pem`: no such file or directory"),
        (("--issuer", HOME, "--key", "strange.pem"),
         f"the private key `strange.pem` belongs to none of the public keys of `{HOME}`: "
         "`other` (ES256), `home` (ES256)"),
        (("--issuer", HOME, "--key", "policies/policy.json"),
         f"the private key `policies/policy.json` belongs to none of the public keys of `{HOME}`: "
         "`other` (ES256), `home` (ES256)"),
        (("--issuer", HOME, "--secret-env", "X"),
         f"`{HOME}` signs with a private key, not with a secret; give --key"),
        (("--issuer", PARTNER, "--secret-env", "ABSENT"),
         f"the variable `ABSENT` with the secret of `{PARTNER}` is not set"),
        (("--issuer", PARTNER, "--secret-file", "short.txt"),
         "`HS256` needs a secret of at least 32 bytes, this one has 5"),
        (("--issuer", PARTNER, "--secret-file", "none.txt"), "`none.txt`: no such file or directory"),
    ],
)  # fmt: skip
def test_a_key_that_does_not_fit_is_refused(program: Program, folder: Path, args: tuple[str, ...], fault: str) -> None:
    """No token is printed where none could be accepted."""
    Path("strange.pem").write_text(generate_key()[0])
    Path("short.txt").write_text("short")
    assert program("token", "issue", "--subject", "alice", *args) == (2, "", f"policy: {fault}\n")


def test_claims_that_have_no_place_in_a_token_are_refused(program: Program, folder: Path) -> None:
    """What a real token of the issuer could not say, a development token does not say either."""
    claims = {
        "roles": {"path": ["r"], "format": "string"},
        "scopes": {"path": ["r", "s"], "format": "list"},
        "permissions": {"path": ["p"], "format": "space-delimited"},
    }
    issuer = {
        "profile": "plain", "audience": "a", "algorithms": ["ES256"], "keys": {"jwks_file": "home.jwks.json"},
        "authority": {"user": "roles"}, "claims": claims,
    }  # fmt: skip
    write_policy(folder / "policies", issuers={HOME: issuer}, assignments=[])
    asked = ("token", "issue", "--subject", "alice")
    assert program(*asked, "--roles", "a,b").err == (
        f"policy: a token of `{HOME}` has a single text for roles, so it cannot name 2\n"
    )
    assert program(*asked, "--roles", "a", "--scope", "b").err == "policy: the claim `r > s` has no place beside `r`\n"
    assert program("can", "--permissions", "a b", "read:data").err == (
        f"policy: a token of `{HOME}` separates permissions by spaces, so none of them can have one\n"
    )
    write_policy(folder / "policies", assignments=[], issuers={
        HOME: {**issuer, "claims": {"roles": {"path": ["r"], "format": "object-tenants"}}}
    })  # fmt: skip
    assert program(*asked, "--roles", "a").err == f"policy: `{HOME}` binds roles to tenants; say which with --tenant\n"


@pytest.mark.parametrize(
    ("claim", "fault"),
    [
        ("x", "`x` is not NAME=JSON"),
        ("x=y", '`y` is not JSON; a text is written `x="y"`, in quotes for the shell too'),
        ("x=NaN", '`NaN` is not JSON; a text is written `x="NaN"`, in quotes for the shell too'),
        ("x=" + "[" * 100_000, None),
    ],
)
def test_a_claim_that_is_no_json_is_refused(program: Program, folder: Path, claim: str, fault: str | None) -> None:
    """The message says how a text is written."""
    ran = program("token", "issue", "--subject", "alice", "--claim", claim)
    assert (ran.status, ran.out) == (2, "")
    assert "Traceback" not in ran.err
    if fault is not None:
        assert ran.err.endswith(f"policy: argument --claim: {fault}\n")
