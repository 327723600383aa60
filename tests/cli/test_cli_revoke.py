"""`policy token revoke`: what it writes, what it prints, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policy.cli import main
from policy.revocation import open_store
from tests.issuing import ISSUER, token, write_policy

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call the command in a folder with a policy; its status and what it printed."""
    monkeypatch.chdir(tmp_path)
    write_policy(tmp_path / "policies")

    def run(*words: str, create: bool = True) -> tuple[int, str, str]:
        if create:
            open_store("r.sqlite3").create()
        status = main(["token", "revoke", "--store", "r.sqlite3", *words])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def test_a_store_is_made_and_stays(run: Run) -> None:
    """Making it again empties nothing."""
    assert run("--create", create=False) == (0, "the store r.sqlite3 is there\n", "")
    run("--subject", "alice")
    assert run("--create") == (0, "the store r.sqlite3 is there\n", "")
    assert run("--list") == (0, f"subject alice  {ISSUER}\n", "")


def test_without_a_store_nothing_is_revoked(run: Run) -> None:
    """And that is said."""
    assert run("--subject", "alice", create=False) == (
        2, "",
        "policy: the revocations in `r.sqlite3` cannot be read: there is no such file; "
        "make it with `policy token revoke --create`\n",
    )  # fmt: skip


ENTRIES: list[tuple[list[str], str]] = [
    (["--jti", "7f"], "token jti:7f"),
    (["--token", "sha256:0011223344556677"], "token sha256:0011223344556677"),
    (["--subject", "alice"], "subject alice"),
    (
        ["--subject", "alice", "--issued-before", "2027-01-15T08:00:00Z"],
        "subject alice, issued up to 2027-01-15T08:00:00Z",
    ),
    (["--client", "app", "--until", "2027-01-15T09:00:00+01:00"], "client app, until 2027-01-15T08:00:00Z"),
    (
        ["--tenant", "north", "--issued-before", "2027-01-15T08:00:00Z"],
        "tenant north, issued up to 2027-01-15T08:00:00Z",
    ),
    (["--all", "--issued-before", "2027-01-15T08:00:00.5Z"], "every token, issued up to 2027-01-15T08:00:00.500000Z"),
]


@pytest.mark.parametrize(("words", "shown"), ENTRIES)
def test_what_is_revoked_is_shown_listed_and_taken_back(run: Run, words: list[str], shown: str) -> None:
    """With its issuer, and in the same words."""
    assert run(*words) == (0, f"{shown}  {ISSUER}\n", "")
    assert run("--list") == (0, f"{shown}  {ISSUER}\n", "")
    assert run(*words, "--undo") == (0, f"taken back: {shown}\n", "")
    assert run(*words, "--undo") == (1, f"nothing of the kind is revoked: {shown}\n", "")
    assert run("--list") == (0, "nothing is revoked\n", "")


def test_json_says_the_same(run: Run) -> None:
    """For programs."""
    expected = [{"issuer": ISSUER, "subject": "alice", "issued_before": 1800000000.0, "note": "left"}]
    status, out, _ = run("--subject", "alice", "--issued-before", "2027-01-15T08:00:00Z", "--note", "left", "--json")
    assert (status, json.loads(out)) == (0, expected)
    assert json.loads(run("--list", "--json")[1]) == expected


@pytest.mark.parametrize("claims", [{"jti": "7f"}, {}, {"exp": 1000, "iat": 900}])
def test_a_good_or_expired_token_is_revoked_by_its_file(run: Run, claims: dict[str, Any]) -> None:
    """Until it has expired."""
    Path("token").write_text(token(**claims), encoding="utf-8")
    status, out, _ = run("--token-file", "token", "--json")
    (entry,) = json.loads(out)
    assert status == 0
    assert entry["token"] == "jti:7f" if "jti" in claims else entry["token"].startswith("sha256:")
    if "exp" in claims:
        assert entry["until"] == 1030


def test_a_token_that_is_refused_anyway_revokes_nothing(run: Run) -> None:
    """It may be made up to fill the store."""
    Path("token").write_text(token(aud="another"), encoding="utf-8")
    status, out, err = run("--token-file", "token")
    assert (status, out) == (2, "")
    assert err.startswith("policy: the token is refused anyway: token-audience: ")


MISTAKES: list[tuple[list[str], str]] = [
    (["--subject", "alice", "--issuer", "https://issuer.exampel/"],
     "policy: the policy has no issuer `https://issuer.exampel/`; did you mean `https://issuer.example/`?\n"),
    (["--tenant", "north"], "policy: a tenant needs --issued-before\n"),
    (["--all"], "policy: a whole issuer needs --issued-before\n"),
    (["--jti", "7f", "--issued-before", "now"], "policy: --issued-before does not go with one token\n"),
    (["--token", "7f"], "policy: `7f` names no token: it begins with `jti:` or `sha256:`, as in records\n"),
    (["--subject", ""], "policy: --subject is empty\n"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "said"), MISTAKES)
def test_a_mistake_is_said_and_nothing_revoked(run: Run, words: list[str], said: str) -> None:
    """With status 2."""
    assert run(*words) == (2, "", said)
    assert run("--list")[1] == "nothing is revoked\n"


def test_what_may_be_forgotten_is_purged(run: Run) -> None:
    """And counted."""
    run("--jti", "7f", "--until", "2020-01-01T00:00:00Z")
    run("--jti", "7g", "--until", "2099-01-01T00:00:00Z")
    assert run("--purge") == (0, "forgotten: 1\n", "")
