"""`policy explain` goes from a token's claims to the answer."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import HOME, NOW, PARTNER, Program

Issue = Callable[..., str]
EXPLAINED = """\
denied update:data: scope-missing
  token      verified: jti:t1, signed ES256 with key "home", valid until 2027-01-15T09:00:00Z
  issuer     https://id.example.com/
  subject    alice, a user
  roles      from `roles`: ["senior editor"]
  scopes     from `scope`: "read:data"
  groups     from `groups`: absent
  client     from `client_id`: absent
  acr        from `acr`: absent
  auth_time  from `auth_time`: absent

  User `alice` of `https://id.example.com/` asks for `update:data`.
  Authority is `roles-and-scopes`: a role must grant it and a scope must cover it.
  Roles held: `senior editor`.
  Role `senior editor` grants it by `*:data`.
  No scope of the subject covers it; `data.full` or `update:data` would.
  Denied (scope-missing): no scope of the token covers it.
  Smallest change that would allow: ask for scope `data.full` or `update:data`.
"""


def test_a_denial_is_explained_from_claim_to_answer(program: Program, token: Issue) -> None:
    """The claims that were read, the sentences, and the smallest change."""
    text = token("--roles", "senior editor", "--scope", "read:data", "--claim", 'jti="t1"')
    ran = program("explain", "--token-file", "-", "--now", str(NOW), "update:data", stdin=f"{text}\n")
    assert ran == (1, EXPLAINED, "")


def test_an_allow_is_status_0_and_json_has_claims_and_decision(program: Program, token: Issue, folder: Path) -> None:
    """The token may be in a file, and no part of its signature is in the answer."""
    text = token("--roles", "viewer", "--scope", "read:data", "--client", "app")
    Path("token.txt").write_text(text)
    ran = program("explain", "--token-file", "token.txt", "--now", str(NOW), "--json", "read:data")
    found = json.loads(ran.out)
    assert (ran.status, ran.err) == (0, "")
    assert list(found) == ["allowed", "reason", "sentence", "detail", "token", "decision"]
    assert (found["allowed"], found["decision"]["allowed"], found["token"]["kid"]) == (True, True, "home")
    assert found["token"]["claims"][1] == {
        "target": "scopes", "path": ["scope"], "format": "space-delimited", "present": True, "value": "read:data",
    }  # fmt: skip
    assert text.rsplit(".", 1)[1] not in ran.out


def test_the_tenant_that_is_asked_for_counts(program: Program, token: Issue) -> None:
    """Roles that are bound to a tenant are in force there and nowhere else."""
    text = token("--issuer", PARTNER, "--tenant", "acme", "--roles", "viewer", "--claim", 'idp="corp"')
    asked = ("explain", "--token-file", "-", "--now", str(NOW), "read:data")
    assert program(*asked, "--tenant", "acme", stdin=text).status == 0
    assert program(*asked, "--tenant", "other", stdin=text).out.startswith("denied read:data: tenant-mismatch\n")


def test_a_refused_token_is_told_with_its_reason_and_detail(program: Program, token: Issue) -> None:
    """A token that is not accepted has no subject, and so no decision."""
    text = token("--scope", "read:data")
    asked = ("explain", "--token-file", "-", "--now", str(NOW + 4000), "read:data")
    assert program(*asked, stdin=text) == (
        1,
        "refused token-expired: the token has expired\n  detail  `exp` was 400 s ago, the leeway is 30 s\n",
        "",
    )
    ran = program(*asked, "--json", stdin=text)
    assert ran.status == 1
    assert json.loads(ran.out) == {
        "allowed": False, "reason": "token-expired", "sentence": "the token has expired",
        "detail": "`exp` was 400 s ago, the leeway is 30 s", "token": None, "decision": None,
    }  # fmt: skip


def test_a_claim_of_the_wrong_type_is_a_refusal(program: Program, token: Issue) -> None:
    """What only turns out when the claims are read is told in the same way."""
    ran = program("explain", "--token-file", "-", "--now", str(NOW), "read:data",
                  stdin=_wrongly_typed(program))  # fmt: skip
    assert ran.status == 1
    assert ran.out.startswith("refused token-claim-type: a claim has the wrong type\n  detail  claim `roles` must be")


def _wrongly_typed(program: Program) -> str:
    args = ("--issuer", HOME, "--subject", "alice", "--now", str(NOW), "--claim", 'roles="admin"')
    return program("token", "issue", *args).out


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        (("--token-file", "nowhere", "read:data"), "`nowhere`: no such file or directory"),
        (("--token-file", "-", "read:dta"), "unknown permission `read:dta`; did you mean `read:data`?"),
        (("--token-file", "-", "--policy", "nowhere", "read:data"), "nowhere: there is no such file or folder"),
    ],
)
def test_what_cannot_be_read_is_status_2(program: Program, folder: Path, args: tuple[str, ...], fault: str) -> None:
    """Neither a file nor a name is guessed."""
    assert program("explain", *args, stdin="x") == (2, "", f"policy: {fault}\n")


def test_a_missing_secret_is_named(program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is really verified, so the keys of all issuers have to be there."""
    monkeypatch.delenv("PARTNER_SECRET")
    ran = program("explain", "--token-file", "-", "read:data", stdin="x")
    assert ran == (
        2, "", f'policy: issuers["{PARTNER}"].keys.env: the variable `PARTNER_SECRET` is not set\n'
    )  # fmt: skip
