"""The record: every input of a decision on one line that nothing can forge, and that decides again the same way."""

import json
import string
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from policy import AuditLog, Guard, Policy, TokenRefused, TokenVerifier
from policy.audit import find, records
from policy.audit.reader import is_of_chain
from policy.demand import Requires
from policy.errors import ClaimsPolicyError
from policy.record import About, subject_of
from policy.tokens.issue import sign
from tests.audit.reading import files, kept, of, unchained
from tests.issuing import DOCUMENT, ISSUER, PRIVATE, VIEWER, token, write_policy

NOW = 1_800_000_000.25
ASSIGNED: list[dict[str, Any]] = [
    {"issuer": ISSUER, "subject": "alice", "roles": ["contractor"], "tenant": "acme"},
    {"issuer": ISSUER, "group": "finance", "roles": ["payer"]},
]


def guard(folder: Path, **sections: Any) -> Guard:
    rules = Policy.load(write_policy(folder / "policies", **sections))
    return Guard(rules, TokenVerifier(rules), AuditLog(folder / "audit"), clock=lambda: NOW)


def signed(**claims: Any) -> str:
    return token(iat=int(NOW), exp=int(NOW) + 60, **claims)


def test_a_record_holds_every_input_of_the_decision(tmp_path: Path) -> None:
    """Who, what, when, where, why and by which policy: the whole line."""
    by = guard(tmp_path, assignments=ASSIGNED)
    text = signed(
        jti="t-1", client_id="app", roles=["editor", "who knows"], scope="data.full openid", groups=["finance", "all"],
        acr="mfa", auth_time=int(NOW) - 10,
    )  # fmt: skip
    about = About(
        method="PUT", route="/api/data/<int:id>", request_id="r-1", trace_id="0af7651916cd43dd8448eb211c80319c"
    )
    marks = [Requires(permissions=("update:data", "create:payment"))]
    admission = by.admit(by.identify(text), marks, about=about)
    (record,) = kept(tmp_path / "audit")
    duration = record.pop("duration_us")
    assert type(duration) is int
    assert duration >= 0
    assert record == {
        "v": 2,
        "kind": "request",
        "id": admission.id,
        "time": "2027-01-15T08:00:00.250000Z",
        "now": NOW,
        "outcome": "deny",
        "reason": "scope-missing",
        "permissions": [
            {"permission": "update:data", "allowed": True, "reason": "allowed", "rules": []},
            {"permission": "create:payment", "allowed": False, "reason": "scope-missing", "rules": []},
        ],
        "subject": {
            "id": "alice",
            "issuer": ISSUER,
            "kind": "user",
            "client": "app",
            "tenant": None,
            "roles": ["editor", "who knows"],
            "bound_roles": [],
            "scopes": ["data.full", "openid"],
            "permissions": [],
            "groups": ["finance"],
            "assigned": [["contractor", "acme"], ["payer", None]],
            "unasserted": [],
            "acr": "mfa",
            "auth_time": int(NOW) - 10,
        },
        "token": "jti:t-1",
        "tenant": None,
        "policy": by.rules.digest,
        "method": "PUT",
        "route": "/api/data/<int:id>",
        "request_id": "r-1",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
    }


def test_the_recorded_policy_decides_again_from_the_record_alone(tmp_path: Path) -> None:
    """Subject, verdicts and rules come out the same."""
    by = guard(tmp_path, assignments=ASSIGNED)
    for claims in (
        VIEWER,
        {"roles": ["admin"], "groups": ["finance"]},
        {"roles": ["editor", "contractor"], "scope": "x"},
        {},
    ):
        for tenant in (None, "acme"):
            marks = [Requires(permissions=tuple(DOCUMENT["permissions"]))]
            admission = by.admit(by.identify(signed(**claims)), marks, tenant=tenant)
            record = find(tmp_path / "audit", admission.id)
            assert record is not None
            subject = subject_of(record)
            assert subject == admission.subject
            for verdict in record["permissions"]:
                again = by.rules.decide(subject, verdict["permission"], now=record["now"], tenant=record["tenant"])
                explanation = again.explain()
                assert (again.allowed, again.reason, list(explanation.rules)) == (
                    verdict["allowed"],
                    verdict["reason"],
                    verdict["rules"],
                )


def test_refused_tokens_go_to_a_file_of_their_own(tmp_path: Path) -> None:
    """Anonymous traffic cannot fill the file of decisions."""
    by = guard(tmp_path)
    by.check(signed(**VIEWER), "read:data")
    with pytest.raises(TokenRefused) as caught:
        by.check("a.b.c", "read:data")
    kinds = {path.name.partition("-")[0]: [record["kind"] for record in of(path)] for path in files(tmp_path / "audit")}
    assert kinds == {"decisions": ["check"], "refused": ["refused"]}
    record = find(tmp_path / "audit", caught.value.id)
    assert record is not None
    assert unchained(record) == {
        "v": 2,
        "kind": "refused",
        "id": caught.value.id,
        "time": "2027-01-15T08:00:00.250000Z",
        "now": NOW,
        "outcome": "deny",
        "reason": caught.value.reason,
        "detail": caught.value.detail,
        "method": "",
        "route": "",
        "request_id": "",
        "trace_id": "",
    }


def test_long_and_many_values_are_capped_and_the_record_says_so(tmp_path: Path) -> None:
    """Names the policy knows are kept whole; unknown ones grant nothing, and there may be thousands."""
    by = guard(tmp_path)
    many = [f"unknown{number:04}" for number in range(300)]
    by.check(signed(sub="a" * 2000, roles=["viewer", *many], scope="read:data"), "read:data")
    (record,) = records(tmp_path / "audit")
    assert record["capped"] == ["subject.id", "subject.roles"]
    assert record["subject"]["id"] == "a" * 1024
    assert record["subject"]["roles"] == [*many[:50], "viewer"]


def test_a_request_id_is_kept_short(tmp_path: Path) -> None:
    """Anybody may send one, of any length."""
    by = guard(tmp_path)
    with pytest.raises(TokenRefused):
        by.identify("abc", about=About(request_id="x" * 5000))
    (record,) = records(tmp_path / "audit")
    assert (record["request_id"], record["capped"]) == ("x" * 128, ["request_id"])


def test_a_record_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    """As long as only one begins so."""
    log = AuditLog(tmp_path)
    for name in ("abc1", "abc2", "abd"):
        log.write(json.dumps({"id": name}))
    found = {name: find(tmp_path, name) for name in ("abd", "abc1")}
    assert {name: unchained(record or {}) for name, record in found.items()} == {
        "abd": {"id": "abd"},
        "abc1": {"id": "abc1"},
    }
    assert find(tmp_path, "x") is None
    with pytest.raises(ClaimsPolicyError, match="`abc` is the beginning of 2 ids; give more of it"):
        find(tmp_path, "abc")
    with pytest.raises(ClaimsPolicyError, match="holds no audit log"):
        find(tmp_path / "elsewhere", "abc")


CLAIM_NAMES = ["sub", "roles", "scope", "groups", "client_id", "acr", "auth_time", "jti", "nbf", "aud", "iss", "tenant"]
TEXTS = [
    "",
    "viewer",
    "admin",
    "read:data",
    "alice",
    "\n{}",
    '"',
    "\\",
    "\x00\x1b[31m",
    "\u2028",
    "\u202e",
    "é",
    "😀",
    "a" * 3000,
]


def any_json(random: Random, depth: int = 0) -> Any:
    """Any JSON value, with a liking for what could be mistaken for something."""
    kind = random.randrange(8 if depth < 3 else 6)
    if kind < 3:
        return random.choice(TEXTS) + random.choice(["", "", " ", chr(random.randrange(0xD800))])
    if kind < 6:
        return random.choice([None, True, False, 0, -1, 10**12, 1.5, int(NOW), int(NOW) + 40])
    inner = [any_json(random, depth + 1) for _ in range(random.randrange(4))]
    return inner if kind == 6 else {random.choice(TEXTS): value for value in inner}


def any_claims(random: Random) -> dict[str, Any]:
    claims = {name: any_json(random) for name in random.sample(CLAIM_NAMES, random.randrange(6))}
    if random.random() < 0.5:
        claims["roles"] = random.choices(TEXTS, k=random.randrange(5))
        claims["scope"] = " ".join(random.choices(TEXTS, k=random.randrange(5)))
    return claims


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Guard:
    by = guard(tmp_path_factory.mktemp("fuzzed"))
    unlimited = AuditLog(by.audit.folder, refused_burst=100_000) if isinstance(by.audit, AuditLog) else None
    return Guard(by.rules, by.verifier, unlimited, clock=by.clock)


def lines(by: Guard) -> int:
    assert isinstance(by.audit, AuditLog)
    by.audit.flush()
    found = 0
    for path in by.audit.folder.glob("*.jsonl"):
        for line in path.read_bytes().splitlines():
            assert isinstance(json.loads(line), dict)
            assert line.isascii()
            assert not set(line) & set(range(32))
            found += not is_of_chain(json.loads(line))
    return found


def test_ten_thousand_fuzzed_claims_give_ten_thousand_lines(fuzzed: Guard) -> None:
    """Whatever a signed payload holds: a decision or a refusal, one parseable line each, nothing widened."""
    random = Random(20)  # the same claims at every run
    outcomes = Counter(fuzz_one(fuzzed, any_claims(random)) for _ in range(10_000))
    assert lines(fuzzed) == outcomes.total() == 10_000
    assert min(outcomes[one] for one in ("allowed", "denied", "refused")) > 50


def fuzz_one(by: Guard, claims: dict[str, Any]) -> str:
    """An allow needs the scope and, for a user, a role that grants, spelt exactly and in the right type."""
    payload = {
        "iss": ISSUER,
        "sub": "alice",
        "aud": "https://api.example.com",
        "iat": int(NOW),
        "exp": int(NOW) + 60,
        **claims,
    }
    roles, scope = claims.get("roles"), claims.get("scope")
    try:
        decision = by.check(sign(payload, key=PRIVATE, algorithm="ES256", kid="test-key"), "read:data")
    except TokenRefused:
        return "refused"
    granted = isinstance(roles, list) and not {"viewer", "admin"}.isdisjoint(roles)
    machine = payload.get("client_id") == payload["sub"]
    covered = isinstance(scope, str) and "read:data" in scope.split(" ")
    assert decision.allowed is (covered and (granted or machine))
    return "allowed" if decision else "denied"


def test_no_part_of_a_token_is_in_any_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in the audit log nor in Python's logging at DEBUG, for good tokens and for bad ones."""
    by = guard(tmp_path)
    good = signed(**VIEWER)
    texts = [
        good,
        good[:-8] + "AAAAAAAA",
        good + "=",
        good + ".x.y",
        signed(roles=["viewer"], aud="other"),
        signed(roles=5),
    ]
    with caplog.at_level("DEBUG"):
        for text in texts:
            try:
                by.check(text, "read:data")
            except TokenRefused:
                continue
    kept = "".join(path.read_text() for path in (tmp_path / "audit").iterdir()) + caplog.text
    for text in texts:
        for part in text.split("."):
            pieces = [part[place : place + 16] for place in range(len(part) - 15)]
            assert not [
                piece
                for piece in pieces
                if piece in kept and set(piece) <= set(string.ascii_letters + string.digits + "-_")
            ]
