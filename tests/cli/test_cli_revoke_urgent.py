"""`policy token revoke` when it is urgent, and what the other commands say of a revoked token."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policy.cli import main
from policy.revocation import open_store
from policy.revocation.store import shown
from tests.issuing import DOCUMENT, ISSUER, VIEWER, token, write_policy

Run = Callable[..., tuple[int, str, str]]
STORE = ("--store", "r.sqlite3")


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call the program in a folder with a policy and a store; its status and what it printed."""
    monkeypatch.chdir(tmp_path)
    write_policy(Path("policies"))
    open_store("r.sqlite3").create()

    def run(*words: str) -> tuple[int, str, str]:
        status = main(words)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def revoked() -> list[str]:
    return [each.value for each in open_store("r.sqlite3").entries()]


def test_a_policy_that_does_not_load_holds_up_no_urgent_revocation(run: Run) -> None:
    """Of an issuer that is named; that nobody checked its name is said."""
    Path("policies/policy.json").write_text("[]")
    assert run("token", "revoke", *STORE, "--issuer", ISSUER, "--subject", "alice") == (
        0,
        f"subject alice  {ISSUER}\n",
        "policy: warning: the policy does not load, so nothing says whether it has the issuer "
        f"`{ISSUER}`:\npolicy: policies/policy.json, line 1: must be an object, not a list\n",
    )
    assert run("token", "revoke", *STORE, "--subject", "bob") == (
        2, "", "policy: policies/policy.json, line 1: must be an object, not a list\n",
    )  # fmt: skip
    assert revoked() == ["alice"]


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_token_that_is_not_good_yet_is_revoked_before_it_is(run: Run, claim: str) -> None:
    """Refused now, it would be accepted later."""
    now = int(time.time())
    claims: dict[str, Any] = {claim: now + 3600, "exp": now + 7200, "jti": "7f"}
    Path("token").write_text(token(**claims))
    assert run("token", "revoke", *STORE, "--token-file", "token")[0] == 0
    assert revoked() == ["jti:7f"]


def test_a_secret_of_another_issuer_need_not_be_here(run: Run) -> None:
    """As for `policy token issue`."""
    ours = {**DOCUMENT["issuers"][ISSUER], "id_prefix": "", "asserts": {"roles": ["*"]}}
    theirs = {**ours, "algorithms": ["HS256"], "keys": {"env": "NOT_SET_HERE"}, "id_prefix": "p|"}
    write_policy(Path("policies"), issuers={ISSUER: ours, "https://partner.example/": theirs})
    Path("token").write_text(token(jti="7f"))
    assert run("token", "revoke", *STORE, "--token-file", "token")[0] == 0
    assert revoked() == ["jti:7f"]


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("var/r.sqlite3", "var/r.sqlite3"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("rediss://:hunter2@host/0", "rediss://host/0"),
        ("redis://me:hunter2@host/0?password=hunter2", "redis://host/0"),
        ("redis://me:hun@ter2@host/0", "redis://host/0"),
        ("unix:///run/redis.sock?password=hunter2", "unix:///run/redis.sock"),
        ("unix://me:hunter2@/run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_a_store_is_shown_without_its_password(name: str, printed: str) -> None:
    """Terminals are recorded."""
    assert shown(name) == printed


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59-23:59", "1960-01-01T00:00:00Z"])
def test_a_time_that_could_not_be_listed_is_refused(run: Run, until: str) -> None:
    """One entry must not keep all others from being shown."""
    status, out, err = run("token", "revoke", *STORE, "--subject", "alice", "--until", until)
    assert (status, out) == (2, "")
    assert err.endswith(f"`{until}` is no time: say `now`, or such as 2027-01-15T08:00:00Z\n")
    assert run("token", "revoke", *STORE, "--list") == (0, "nothing is revoked\n", "")


def test_inspect_and_explain_ask_the_documents_of_the_folder(run: Run) -> None:
    """They say what the service would say."""
    Path("token").write_text(token(**VIEWER))
    assert run("explain", "--token-file", "token", "read:data")[0] == 0
    entry = {"issuer": ISSUER, "subject": "alice"}
    Path("policies/revocations.json").write_text(json.dumps({"revocations": [entry]}))
    said = "refused token-revoked: the token has been revoked"
    assert run("explain", "--token-file", "token", "read:data") == (
        1, f"{said}\n  detail  the subject `alice` is revoked\n", "",
    )  # fmt: skip
    status, out, _ = run("token", "inspect", "token")
    assert (status, out.splitlines()[0]) == (1, said)
    (line,) = [line.split() for line in out.splitlines() if line.split()[:1] == ["revocation"]]
    assert line[1:3] == ["failed", "token-revoked:"]


def test_check_says_what_is_wrong_with_both(run: Run) -> None:
    """A policy that does not load hides no mistake in what is revoked."""
    Path("policies/policy.json").write_text("[]")
    Path("policies/revocations.json").write_text('{"revocations": [{"issuer": "x", "subjet": "a"}]}')
    assert run("check", "policies") == (
        1,
        "policies/policy.json, line 1: must be an object, not a list\n"
        "policies/revocations.json, revocations[0].subjet, line 1: unknown key `subjet`; did you mean `subject`?\n"
        "policies: 2 problems\n",
        "",
    )
