"""Tokens that a real, certified OpenID provider has bound to a key (RFC 9449). Needs Node.js and npm."""

import time
import urllib.error
from itertools import count
from pathlib import Path
from typing import Any

import jwt
import pytest
from flask import Flask

from policy.audit import records
from tests import proofs
from tests.proofs import thumbprint
from tests.remote.certified import Certified, service

_ids = count()


def proof(certified: Certified, kind: str, *, token: str = "", path: str = "/read", **claims: Any) -> str:
    """A proof for the service, or without a token one for the provider."""
    place = (
        {"htu": f"http://localhost{path}"} if token else {"htu": f"{certified.issuer}/token", "htm": "POST", "ath": ...}
    )
    return proofs.proof(token, kind=kind, **{"iat": int(time.time()), "jti": f"id-{next(_ids)}", **place, **claims})


@pytest.fixture
def app(certified: Certified, tmp_path: Path) -> Flask:
    """A service that takes no token of the provider without a proof."""
    return service(certified, tmp_path, proof="dpop")


def ask(app: Flask, scheme: str, token: str, text: str = "", path: str = "/read") -> tuple[int, str]:
    headers = {"Authorization": f"{scheme} {token}", **({"DPoP": text} if text else {})}
    answer = app.test_client().get(path, headers=headers)
    return answer.status_code, answer.text if answer.status_code == 200 else (answer.json or {})["reason"]


@pytest.mark.parametrize("kind", ["P-256", "Ed25519"])
def test_a_token_that_it_has_bound_is_good_with_a_proof_and_with_nothing_less(
    certified: Certified, app: Flask, tmp_path: Path, kind: str
) -> None:
    """It binds by the thumbprint that is computed here; each attempt without the key is refused, and in the log."""
    given = certified.machine_answer(proof=proof(certified, kind))
    token = given["access_token"]
    assert given["token_type"] == "DPoP"
    assert jwt.decode(token, options={"verify_signature": False})["cnf"] == {"jkt": thumbprint(kind)}
    good = proof(certified, kind, token=token)
    assert ask(app, "DPoP", token, good) == (200, "the data")
    assert ask(app, "DPoP", token, good) == (401, "token-proof-replayed")
    assert ask(app, "Bearer", token) == (401, "token-confirmation")
    assert ask(app, "Bearer", token, proof(certified, kind, token=token)) == (401, "token-confirmation")
    assert ask(app, "DPoP", token) == (401, "token-proof")
    assert ask(app, "DPoP", token, proof(certified, "P-384", token=token)) == (401, "token-confirmation")
    assert ask(app, "DPoP", token, proof(certified, kind, token=token), "/update") == (401, "token-proof")
    elsewhere = proof(certified, kind, token=token, path="/update")
    assert ask(app, "DPoP", token, elsewhere, "/update") == (403, "scope-missing")
    assert [record["outcome"] for record in records(tmp_path / "audit")] == ["allow", *["deny"] * 7]


def test_a_token_that_it_has_not_bound_is_refused(certified: Certified, app: Flask) -> None:
    """A client that does without a proof gets a token without a key, which is nothing here."""
    given = certified.machine_answer()
    token = given["access_token"]
    assert given["token_type"] == "Bearer"
    assert ask(app, "Bearer", token) == (401, "token-unbound")
    assert ask(app, "DPoP", token, proof(certified, "P-256", token=token)) == (401, "token-unbound")


def test_a_service_that_demands_no_proof_refuses_a_bound_token(certified: Certified, tmp_path: Path) -> None:
    """Nobody would look at its proof."""
    token = certified.machine_answer(proof=proof(certified, "P-256"))["access_token"]
    app = service(certified, tmp_path)
    assert ask(app, "Bearer", token) == (401, "token-confirmation")
    assert ask(app, "DPoP", token, proof(certified, "P-256", token=token)) == (401, "token-absent")


def test_the_provider_takes_the_proofs_of_these_tests_as_strictly(certified: Certified) -> None:
    """One for another address, or one that was used, is an error there too; so these tests prove something."""
    used = proof(certified, "P-256")
    certified.machine_answer(proof=used)
    for text in (used, proof(certified, "P-256", htu="https://elsewhere.example/token")):
        with pytest.raises(urllib.error.HTTPError) as caught:
            certified.machine_answer(proof=text)
        caught.value.close()
        assert caught.value.code == 400
