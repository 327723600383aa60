"""What the program makes of tokens that are bound to a key: no proof comes with a file."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import DOCUMENT, HOME, NOW, Program, write_policy

JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
AT = ("--now", str(NOW))


@pytest.fixture
def issue(program: Program, folder: Path) -> Any:
    """Issue a token of an issuer that demands a proof; what is said beside it too."""
    issuers = DOCUMENT["issuers"]
    write_policy(folder / "policies", issuers={**issuers, HOME: {**issuers[HOME], "proof": "dpop"}})

    def issue(*claims: str) -> Any:
        given = [word for claim in claims for word in ("--claim", claim)]
        return program("token", "issue", "--issuer", HOME, "--subject", "alice", "--roles", "viewer",
                       "--scope", "read:data", *AT, *given)  # fmt: skip

    return issue


def test_a_bound_token_is_inspected_as_far_as_it_goes(program: Program, issue: Any) -> None:
    """What a request would have to bring is not reached, and the token itself is accepted."""
    text = issue(f'cnf={{"jkt": "{JKT}"}}').out
    found = json.loads(program("token", "inspect", "--json", *AT, stdin=text).out)
    verdicts = {check["name"]: check["verdict"] for check in found["checks"]}
    assert (found["accepted"], verdicts["confirmation"], verdicts["proof"]) == (True, "passed", "not reached")


def test_a_bound_token_is_explained_as_if_its_proof_had_come(program: Program, issue: Any) -> None:
    """The question is what it may do."""
    text = issue(f'cnf={{"jkt": "{JKT}"}}', 'jti="t1"').out
    ran = program("explain", "--token-file", "-", *AT, "read:data", stdin=text)
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.split("\n")
    signed = 'verified: jti:t1, signed ES256 with key "home", valid until 2027-01-15T09:00:00Z'
    assert lines[:2] == ["allowed read:data", f"  token      {signed}"]


def test_a_token_that_is_not_bound_is_refused_by_all(program: Program, issue: Any) -> None:
    """Whoever issues it is told so."""
    ran = issue()
    detail = 'expected `cnf` to have "jkt", seen none'
    sentence = "the token is not bound to a key, and had to be"
    assert ran.err == f"policy: warning: this policy refuses the token: token-unbound: {sentence} ({detail})\n"
    explained = program("explain", "--token-file", "-", *AT, "read:data", stdin=ran.out)
    assert explained == (1, f"refused token-unbound: {sentence}\n  detail  {detail}\n", "")
    found = json.loads(program("token", "inspect", "--json", *AT, stdin=ran.out).out)
    assert (found["accepted"], found["reason"], found["detail"]) == (False, "token-unbound", detail)
