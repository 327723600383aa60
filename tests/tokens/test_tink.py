"""Tink's cases of JWT validation, by way of the inspection: these tokens lack claims that this library requires."""

import json
from base64 import urlsafe_b64decode
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from policy.model import KeySource
from policy.reasons import Reason
from policy.tokens import Checked, Inspection
from tests.tokens.makers import issuer, signed, verifier

Case = dict[str, Any]
#: Tink checks `iat` only if told to; here a token from the future is always refused.
STRICTER = {"tink-031": "issued at"}


@pytest.fixture(name="suite", scope="module")
def _suite(shared: Path) -> dict[str, Any]:
    path = shared / "vectors" / "tink" / "cases.json"
    if not path.is_file():
        pytest.skip(f"there is no {path}")
    suite: dict[str, Any] = json.loads(path.read_text())
    return suite


@pytest.fixture(name="secret", scope="module")
def _secret(suite: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tink") / "secret"
    path.write_bytes(_key(suite))
    return path


def _key(suite: dict[str, Any]) -> bytes:
    text = suite["jwk"]["k"]
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def inspected(case: Case, suite: dict[str, Any], secret: Path) -> Inspection:
    """The case's token under an issuer that expects what the case's validator does."""
    wanted = case["validator"]
    expected = wanted.get("expected_type_header")
    types = None if wanted.get("ignore_type_header") else frozenset({expected.lower() if expected else ""})
    known = issuer(
        name=wanted.get("expected_issuer", "nobody"), audience=(wanted.get("expected_audience", "nobody"),),
        leeway=int(wanted.get("clock_skew", 0)), types=types, keys=KeySource(file=str(secret)),
    )  # fmt: skip
    by = verifier(known, max_bytes=2_000_000)
    return by.inspect(_token(case, suite), now=wanted.get("fixed_now", 1_700_000_000))


def _token(case: Case, suite: dict[str, Any]) -> str:
    if "token" in case:
        return str(case["token"])
    assert case["id"] == "tink-047"
    payload = '{"a":' * 110_000 + '""' + "}" * 110_000
    return signed(case["token_recipe"]["header"], payload, key=_key(suite))


def matters(case: Case, payload: Any, check: Checked) -> bool:
    """Whether a check that did not pass is one that the case's validator makes too."""
    wanted, claims = case["validator"], payload or {}
    if check.name == "issuer" and payload is not None:
        return "expected_issuer" in wanted or ("iss" in claims and not wanted.get("ignore_issuer"))
    if check.name == "audience" and payload is not None:
        return "expected_audience" in wanted or ("aud" in claims and not wanted.get("ignore_audiences"))
    if check.name == "expiry" and check.reason == Reason.TOKEN_CLAIM_MISSING:
        return not wanted.get("allow_missing_expiration")
    return check.reason != Reason.TOKEN_CLAIM_MISSING


def failures(case: Case, suite: dict[str, Any], secret: Path) -> list[str]:
    """The names of the checks that matter to the case and that its token does not pass."""
    found = inspected(case, suite, secret)
    return [check.name for check in found.checks if check.verdict != "passed" and matters(case, found.payload, check)]


def test_every_case_comes_out_as_tink_says(suite: dict[str, Any], secret: Path) -> None:
    """All 60 cases agree, but for the one in which this library is stricter, and says so."""
    unlike: dict[str, list[str]] = {}
    for case in suite["cases"]:
        failed = failures(case, suite, secret)
        if bool(failed) != (case["expected"] == "invalid"):
            unlike[case["id"]] = failed
    assert unlike == {name: [check] for name, check in STRICTER.items()}
    assert len(suite["cases"]) == 60


def test_the_cases_are_counted(suite: dict[str, Any]) -> None:
    """What is of Tink's own taste is counted apart: here it agrees, as nothing may stay unbound."""
    tasted = [case["id"] for case in suite["cases"] if case["tink_policy"]]
    assert tasted == ["tink-010", "tink-015", "tink-035", "tink-051"]
    assert Counter(case["expected"] for case in suite["cases"]) == {"invalid": 34, "valid": 26}


def test_no_case_is_a_token_for_this_library(suite: dict[str, Any], secret: Path) -> None:
    """The verifier itself refuses all of them, as every one lacks a claim that it requires."""
    accepted = [case["id"] for case in suite["cases"] if inspected(case, suite, secret).refusal is None]
    assert accepted == []


@pytest.mark.parametrize(
    ("name", "check", "detail"),
    [
        ("tink-001", "payload", "the payload: a member is named twice"),
        ("tink-003", "payload", "the payload: it has `Infinity`, which JSON does not"),
        ("tink-017", "critical", "expected no `crit` in the header, seen []"),
        ("tink-027", "header", "the header: it is not UTF-8"),
        ("tink-047", "payload", "the payload: it is nested more than 32 deep"),
        ("tink-057", "payload", "the payload: it has a lone surrogate"),
    ],
)
def test_cases_fail_for_their_own_reason(
    suite: dict[str, Any], secret: Path, name: str, check: str, detail: str
) -> None:
    """What is wrong with a case is what the refusal says, not something beside it."""
    case = next(case for case in suite["cases"] if case["id"] == name)
    refusal = inspected(case, suite, secret).refusal
    assert refusal is not None
    assert (refusal.name, refusal.detail) == (check, detail)
