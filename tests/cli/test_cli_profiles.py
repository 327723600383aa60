"""The commands make sound tokens for development in the shape of every provider."""

import json
from pathlib import Path

import pytest

from policy.document.profiles import profiles
from tests.cli.conftest import Program

AUDIENCE = "https://api.example.com"
KINDS = [(profile, kind) for profile, about in profiles().items() for kind in about["kinds"]]


@pytest.mark.parametrize(("profile", "kind"), KINDS)
def test_a_token_of_each_kind_is_accepted_as_one(program: Program, here: Path, profile: str, kind: str) -> None:
    """What a profile demands of an access token, and of its kind of subject, is put in; a Cognito client is itself."""
    program("init", "--profile", profile, "--audience", AUDIENCE)
    subject = AUDIENCE if (profile, kind) == ("cognito", "machine") else "alice"
    issued = program("token", "issue", "--subject", subject, "--kind", kind)
    assert (issued.status, issued.err) == (0, "")
    found = json.loads(program("token", "inspect", "--json", stdin=issued.out).out)
    assert (found["accepted"], found["subject"]["kind"]) == (True, kind)


def test_groups_that_a_token_leaves_out_are_told(program: Program, here: Path) -> None:
    """They are neither none nor unknown to the reader of an explanation."""
    program("init", "--profile", "entra-v2")
    document = json.loads(Path("policies/policy.json").read_text())
    (issuer,) = document["issuers"]
    document["issuers"][issuer]["authority"]["user"] = "roles-and-scopes"
    document["roles"] = {"reader": {"grants": ["read:data"]}}
    document["assignments"] = [{"issuer": issuer, "group": "staff", "roles": ["reader"]}]
    Path("policies/policy.json").write_text(json.dumps(document))
    token = program("token", "issue", "--subject", "alice", "--scope", "read:data", "--claim", "hasgroups=true").out
    inspected = program("token", "inspect", stdin=token)
    assert inspected.out.endswith("  scopes  read:data\n  groups  left out by the token\n")
    explained = program("explain", "--token-file", "-", "read:data", stdin=token)
    assert explained.out.split("\n\n", 1)[1] == (
        f"  User `alice` of `{issuer}` asks for `read:data`.\n"
        "  The policy gives roles to groups of this issuer, and the token does not name the subject's.\n"
        "  Denied (groups-overage): the token leaves its groups out, so group assignments cannot be decided.\n"
        "  No change of roles or scopes helps: the token must name the subject's groups.\n"
    )
    assert json.loads(program("token", "inspect", "--json", stdin=token).out)["subject"]["groups"] is None


def test_keys_that_are_fetched_sign_nothing_here(program: Program, here: Path) -> None:
    """Only the issuer has the private half."""
    program("init", "--profile", "auth0")
    document = json.loads(Path("policies/policy.json").read_text())
    (issuer,) = document["issuers"]
    for name in ("keys", "algorithms"):
        del document["issuers"][issuer][name]
    Path("policies/policy.json").write_text(json.dumps(document))
    issued = program("token", "issue", "--subject", "alice")
    assert (issued.status, issued.out) == (2, "")
    assert issued.err == (
        f"policy: the keys of `{issuer}` are fetched, so only it can sign; for development give the issuer a key of "
        "your own, as `policy init` does, and for tests see `policy.testing`\n"
    )
