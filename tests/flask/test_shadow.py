"""A second policy that is decided beside the enforced one: what it would answer, in records and counts, and no more."""

import json
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from policy import Guard, Policy, PolicyError, Subject, TokenRefused, TokenVerifier
from policy.demand import Authenticated, Mark, Requires
from policy.flask import Authorizer, requires
from policy.shadow import Shadow
from policy.tokens.issue import sign
from tests.issuing import DOCUMENT, ISSUER, PRIVATE, VIEWER, bearer, token, write_policy

NOW = 1_900_000_000
READ: list[Mark] = [Requires(permissions=("read:data",))]
#: Viewers may no longer read.
STRICT: dict[str, Any] = {"roles": {**DOCUMENT["roles"], "viewer": {}}}


class Lines:
    """A sink that keeps everything in memory."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []

    def write(self, line: str, *, refused: bool = False) -> None:
        self.kept.append(json.loads(line))

    @property
    def shadows(self) -> list[Any]:
        """What the shadow policy answered, without its digest."""
        return [_answer(record.get("shadow")) for record in self.kept]


def _answer(shadow: Mapping[str, str] | None) -> Any:
    if shadow is None:
        return None
    return shadow["failed"] if "failed" in shadow else (shadow["outcome"], shadow["reason"])


def policy_of(folder: Path, **sections: Any) -> Policy:
    return Policy.load(write_policy(folder, **sections))


def issuer(**changes: Any) -> dict[str, Any]:
    """The section of issuers, with the usual one changed."""
    return {"issuers": {ISSUER: {**DOCUMENT["issuers"][ISSUER], **changes}}}


def at(seconds: float, **claims: Any) -> str:
    """A token of a fixed time."""
    given = {"iss": ISSUER, "sub": "alice", "aud": "https://api.example.com", "iat": NOW, "exp": NOW + 600, **claims}
    return sign(given, key=PRIVATE, algorithm="ES256", kid="test-key", typ="at+jwt")


def _enforced(guard: Guard, given: str) -> tuple[str, str]:
    """What a guard answers: a token that is not accepted is a denial too."""
    try:
        decision = guard.check(given, "read:data")
    except TokenRefused as refusal:
        return "deny", refusal.reason
    return ("allow" if decision.allowed else "deny"), decision.reason


class Clock:
    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def guards(folder: Path, **sections: Any) -> tuple[Guard, Guard, Lines, Clock]:
    """The usual policy with a shadow, and what has that shadow enforced; both by the same clock."""
    enforced, other = policy_of(folder / "enforced"), policy_of(folder / "other", **sections)
    lines, clock = Lines(), Clock()
    return (
        Guard(enforced, TokenVerifier(enforced), lines, clock=clock, shadow=other),
        Guard(other, TokenVerifier(other), None, clock=clock),
        lines,
        clock,
    )


def test_the_record_holds_the_answer_of_the_shadow(tmp_path: Path) -> None:
    """With its digest, at its place, and only the enforced policy's answer counts."""
    rules, other = policy_of(tmp_path / "a"), policy_of(tmp_path / "b", **STRICT)
    lines: list[str] = []

    class Texts:
        def write(self, line: str, *, refused: bool = False) -> None:
            lines.append(line)

    guard = Guard(rules, TokenVerifier(rules), Texts(), shadow=other)
    assert guard.check(token(**VIEWER), "read:data").allowed
    shadow = f'{{"policy":"{other.digest}","outcome":"deny","reason":"no-role-grants-it"}}'
    assert f'"policy":"{rules.digest}","shadow":{shadow},"subject":{{' in lines[0]


def test_without_a_shadow_records_say_nothing_of_it(tmp_path: Path) -> None:
    """Neither where there is none, nor where none was loaded yet."""
    rules, lines = policy_of(tmp_path), Lines()
    for shadow in (None, Shadow()):
        Guard(rules, TokenVerifier(rules), lines, shadow=shadow).check(token(**VIEWER), "read:data")
    assert lines.shadows == [None, None]


MACHINE: dict[str, Any] = {"sub": "job", "client_id": "job"}
GROUPS: dict[str, Any] = {"claims": {"groups": {"path": ["groups"], "format": "list"}}}
STEP_UP: dict[str, Any] = {
    "permissions": {**DOCUMENT["permissions"], "read:data": {"description": "x", "step_up": {"acr": ["mfa"]}}}
}
ASSERTING: dict[str, Any] = {**DOCUMENT["issuers"][ISSUER], "asserts": {"roles": ["*"], "scopes": ["*"]}}
TWO_ISSUERS: dict[str, Any] = {
    "issuers": {
        ISSUER: {**ASSERTING, "id_prefix": ""},
        "https://next.example/": {**ASSERTING, "id_prefix": "ali"},
    }
}
#: What differs in the policy that is the shadow, and what the token says.
DIFFERENCES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, VIEWER),
    "a role": (STRICT, VIEWER),
    "a rule": ({"rules": [{"id": "no", "effect": "deny", "permissions": ["read:data"]}]}, VIEWER),
    "a permission": (
        {"permissions": {"read:other": "x"}, "rules": [], "roles": {}, "constraints": [], "scopes": {}},
        VIEWER,
    ),
    "a step-up": (STEP_UP, VIEWER),
    "a step-up that was made": (STEP_UP, {**VIEWER, "acr": "mfa"}),
    "the authority": (issuer(authority={"user": "roles", "machine": "scopes"}), {"roles": ["viewer"]}),
    "no authority": (issuer(authority={"machine": "scopes"}), VIEWER),
    "what tells kinds apart": (
        issuer(kinds={"machine": [{"path": ["client_id"], "exists": True}], "user": "otherwise"}),
        {**MACHINE, "scope": "read:data"},
    ),
    "the claim of roles": (
        issuer(claims={"roles": {"path": ["realm", "roles"], "format": "list"}}),
        {"scope": "read:data", "realm": {"roles": ["viewer"]}},
    ),
    "a claim of another type": (issuer(claims={"roles": {"path": ["sub"], "format": "list"}}), VIEWER),
    "an assignment": (
        {"assignments": [{"issuer": ISSUER, "subject": "alice", "roles": ["viewer"]}]},
        {"scope": "read:data"},
    ),
    "an assignment to a group that only the shadow knows": (
        {**issuer(**GROUPS), "assignments": [{"issuer": ISSUER, "group": "staff", "roles": ["viewer"]}]},
        {"scope": "read:data", "groups": ["staff", "others"]},
    ),
    "what may be asserted": (issuer(asserts={"roles": ["editor"]}), VIEWER),
    "the audience": (issuer(audience="https://next.example.com"), VIEWER),
    "the issuer": (
        {"issuers": {"https://next.example/": DOCUMENT["issuers"][ISSUER]}},
        VIEWER,
    ),
    "an issuer whose subjects it could be": (TWO_ISSUERS, VIEWER),
    "the algorithms": (issuer(algorithms=["HS256"], keys={"env": "NEXT_SECRET"}), VIEWER),
    "the type": (issuer(typ="jwt"), VIEWER),
    "what the profile demands": (issuer(profile="rfc9068"), VIEWER),
    "what the profile takes for an access token": (issuer(profile="keycloak"), {**VIEWER, "azp": "web"}),
    "what the profile takes for a user": (issuer(profile="keycloak"), {**VIEWER, "azp": "web", "typ": "Bearer"}),
    "the proof": (issuer(proof=["dpop"]), VIEWER),
    "the leeway": (issuer(leeway=0), {**VIEWER, "exp": NOW - 5}),
    "the leeway before": (issuer(leeway=0), {**VIEWER, "iat": NOW + 5, "nbf": NOW + 5}),
}


@pytest.mark.parametrize(("sections", "claims"), DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_the_answer_is_what_the_policy_would_say_if_it_were_enforced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sections: dict[str, Any], claims: dict[str, Any]
) -> None:
    """Whatever differs in it but its keys: held against the very policy, enforced by a guard of its own."""
    monkeypatch.setenv("NEXT_SECRET", "s" * 32)
    guard, enforced, lines, _ = guards(tmp_path, **sections)
    given = at(NOW, **claims)
    wanted = _enforced(enforced, given)
    for _ in range(2):
        guard.check(given, "read:data")
    assert lines.shadows == [wanted] * 2


def test_the_cases_tell_the_policies_apart(tmp_path: Path) -> None:
    """All but one: a shadow that only repeated the enforced answer would be found out."""
    guard, _, lines, _ = guards(tmp_path)
    told = set()
    for sections, claims in DIFFERENCES.values():
        if "NEXT_SECRET" not in str(sections):
            guard, _, lines, _ = guards(tmp_path, **sections)
            guard.check(at(NOW, **claims), "read:data")
            (record,) = lines.kept
            told.add((record["outcome"], *_answer(record["shadow"])))
    assert told == {
        ("allow", "allow", "allowed"),
        ("deny", "allow", "allowed"),
        *(
            ("allow", "deny", reason)
            for reason in (
                "no-role-grants-it", "denied-by-rule", "unknown-permission", "no-authority", "token-claim-type",
                "token-audience", "token-issuer", "token-type", "token-claim-missing", "token-not-access",
                "token-unbound", "token-expired", "token-not-yet-valid", "step-up-required",
                "token-subject",
            )
        ),
    }  # fmt: skip


def test_a_token_expires_for_each_policy_by_itself(tmp_path: Path) -> None:
    """The enforced one allows for clocks that differ, and knows the token again; the shadow does not."""
    guard, enforced, lines, clock = guards(tmp_path, **issuer(leeway=0))
    given = at(NOW, **VIEWER, nbf=NOW + 20)
    wanted = []
    for seconds in (0, 10, 20, 300, 599, 600, 620, 30):
        clock.now = NOW + seconds
        wanted.append(_enforced(enforced, given))
        guard.check(given, "read:data")
    assert lines.shadows == wanted
    assert Counter(reason for _, reason in wanted) == {"allowed": 4, "token-not-yet-valid": 2, "token-expired": 2}


def test_what_is_known_to_be_refused_is_still_refused_for_the_first_reason(tmp_path: Path) -> None:
    """A token that is for somebody else, and then expires: expiry is looked at first."""
    guard, enforced, lines, clock = guards(tmp_path, **issuer(leeway=0, audience="https://next.example.com"))
    given = at(NOW, **VIEWER)
    for seconds in (0, 599, 601):
        clock.now = NOW + seconds
        guard.check(given, "read:data")
        assert lines.shadows[-1] == _enforced(enforced, given)
    assert [reason for _, reason in lines.shadows] == ["token-audience", "token-audience", "token-expired"]


def test_a_subject_made_by_hand_is_decided_as_it_is(tmp_path: Path) -> None:
    """No policy would assign anything to it."""
    assigned = {"assignments": [{"issuer": ISSUER, "subject": "alice", "roles": ["viewer"]}]}
    guard, _, lines, _ = guards(tmp_path, **assigned)
    for subject in (
        Subject(id="alice", authority="roles", roles=["viewer"]),
        Subject(id="alice", issuer=ISSUER, scopes=["read:data"]),
    ):
        guard.admit(subject, READ)
    assert lines.shadows == [("allow", "allowed"), ("deny", "no-role-grants-it")]


def test_a_subject_whose_claims_are_not_at_hand_has_no_answer(tmp_path: Path) -> None:
    """It says so, and decides nothing by what another policy read there."""
    guard, _, lines, _ = guards(tmp_path, **STRICT)
    subject = guard.rules.subject(ISSUER, {"sub": "alice", **VIEWER}, "jti:1")
    assert guard.admit(subject, READ).outcome.allowed
    assert lines.shadows == ["the claims of the subject are not at hand"]


def test_subjects_are_remembered_within_bounds_and_as_long_as_they_are_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is in use is found whatever comes between, as long as there is room for what comes at once."""
    monkeypatch.setattr("policy.shadow.SUBJECTS_REMEMBERED", 8)
    guard, _, lines, _ = guards(tmp_path, **STRICT)
    shadow = guard.shadow
    assert shadow is not None
    for _ in range(5):
        subject = guard.identify(at(NOW, **VIEWER))
        for number in range(7):
            guard.identify(at(NOW, **VIEWER, jti=str(number)))
        guard.admit(subject, READ)
    assert lines.shadows == [("deny", "no-role-grants-it")] * 5
    assert len(shadow._seen) + len(shadow._before) <= 16


#: What an error may say, and nobody should see.
TOLD = " ".join(("alice", token(**VIEWER)))


class Undecided(Policy):
    """A policy that fails at every decision."""

    def decide(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError(TOLD)


class Unread(Policy):
    """A policy that cannot read any token."""

    def subject(self, *_: Any, **__: Any) -> Any:
        raise KeyError(TOLD)


@pytest.mark.parametrize(
    ("kind", "failed", "count"), [(Undecided, "RuntimeError in decide", 10_000), (Unread, "KeyError in subject", 500)]
)
def test_a_shadow_that_raises_on_everything_changes_none_of_ten_thousand_answers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: type[Policy], failed: str, count: int
) -> None:
    """Each record says that there is no answer, and the log once; nothing in either is of the token."""
    shadow, lines = kind.load(write_policy(tmp_path)), Lines()
    rules = policy_of(tmp_path)
    verifier = TokenVerifier(rules)
    plain, guard = Guard(rules, verifier, None), Guard(rules, verifier, lines, shadow=shadow)
    tokens = [token(**VIEWER), token(scope="read:data"), token(roles=["viewer"])]
    for number in range(count):
        given, permission = tokens[number % 3], ("read:data", "update:data")[number % 2]
        one, other = guard.check(given, permission), plain.check(given, permission)
        assert one._replace(now=0) == other._replace(now=0)
    assert Counter(lines.shadows) == {failed: count}
    assert guard.shadow is not None
    assert guard.shadow.tally.as_dict()["failed"] == count
    (told,) = caplog.messages
    assert told.startswith(f"the shadow policy {shadow.digest} has no answer: {failed}\n  File")
    assert "alice" not in told


def test_a_log_that_fails_too_hurts_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer stays, and the record has no answer of the shadow's."""
    guard, _, lines, _ = guards(tmp_path)
    guard = Guard(guard.rules, guard.verifier, lines, clock=guard.clock, shadow=Undecided.load(tmp_path / "enforced"))

    def fail(*_: object, **__: object) -> None:
        raise OSError("no log")

    monkeypatch.setattr(logging.getLogger("policy.shadow"), "error", fail)
    assert guard.check(at(NOW, **VIEWER), "read:data").allowed
    assert lines.shadows == [None]


def service(folder: Path, **options: Any) -> tuple[Flask, Authorizer, Lines]:
    """An application over `policies`, with a shadow over `next`; looked at by hand."""
    app, lines = Flask("shop", static_folder=None), Lines()
    if not (folder / "policies").exists():
        write_policy(folder / "policies")
    given: dict[str, Any] = {
        "policy": folder / "policies", "audit": lines, "reload": 3600, "shadow": folder / "next", **options,
    }  # fmt: skip
    authz = Authorizer(app, **given)
    app.add_url_rule("/read", "read", requires("read:data")(lambda: "the data"))
    app.add_url_rule("/update", "update", requires("update:data")(lambda: "done"))
    shadowing = app.extensions["policy"].live.shadowing
    if shadowing is not None and given["reload"] == 3600:
        shadowing._process = os.getpid()  # no thread looks: the test does
    return app, authz, lines


def look(app: Flask) -> None:
    """A change is taken at the second look that agrees."""
    for _ in range(2):
        app.extensions["policy"].live.look()


def counts(authz: Authorizer) -> dict[str, Any]:
    found = dict(authz.health()["shadow"])
    del found["since"]
    return found


def test_requests_are_answered_by_the_enforced_policy_and_counted(tmp_path: Path) -> None:
    """Both directions, and by the reason of whichever of the two denies."""
    changed = {**STRICT, "assignments": [{"issuer": ISSUER, "subject": "bob", "roles": ["editor"]}]}
    other = policy_of(tmp_path / "next", **changed)
    app, authz, lines = service(tmp_path)
    authz.seal()
    client = app.test_client()
    bob = {"sub": "bob", "scope": "data.full"}
    answers = [
        client.get(path, headers=bearer(**claims)).status_code
        for path, claims in [
            ("/read", VIEWER), ("/read", VIEWER), ("/update", bob), ("/update", {"roles": ["editor"]}),
            ("/read", {"roles": ["viewer"]}), ("/read", {}),
        ]
    ]  # fmt: skip
    assert answers == [200, 200, 403, 403, 403, 403]
    assert client.get("/read").status_code == 401
    assert lines.shadows == [
        ("deny", "no-role-grants-it"), ("deny", "no-role-grants-it"), ("allow", "allowed"), ("deny", "scope-missing"),
        ("deny", "no-role-grants-it"), ("deny", "no-role-grants-it"), None,
    ]  # fmt: skip
    assert counts(authz) == {
        "policy": other.digest,
        "standing": "current",
        "problems": [],
        "decided": 6,
        "disagreed": {"would_deny": 2, "would_allow": 1},
        "other_reason": 1,
        "reasons": {"no-role-grants-it": 3},
        "failed": 0,
    }
    assert json.loads(json.dumps(authz.health()["shadow"])) == authz.health()["shadow"]


def test_gates_and_probes_are_compared_as_requests_are(tmp_path: Path) -> None:
    """With the subject that the shadow policy reads in the token, which is another one."""
    write_policy(tmp_path / "next", assignments=[{"issuer": ISSUER, "subject": "alice", "roles": ["editor"]}])
    app, authz, lines = service(tmp_path)

    @app.get("/many")
    @requires("read:data")
    def many() -> dict[str, Any]:
        may = authz.can("update:data"), authz.can_many(["read:data", "delete:data"])
        authz.require("update:data")
        return {"may": may}

    authz.seal()
    answer = app.test_client().get("/many", headers=bearer(roles=["viewer"], scope="data.full"))
    assert answer.status_code == 403
    assert [(record["kind"], record["outcome"]) for record in lines.kept] == [
        ("request", "allow"), ("probe", "deny"), ("probe", "deny"), ("gate", "deny"),
    ]  # fmt: skip
    assert lines.shadows == [
        ("allow", "allowed"), ("allow", "allowed"), ("deny", "no-role-grants-it"), ("allow", "allowed"),
    ]  # fmt: skip


def test_whose_address_it_is_is_asked_of_each_and_resources_are_loaded_once(tmp_path: Path) -> None:
    """A shadow that would allow somebody in general allows nobody else's address, and loads nothing itself."""
    write_policy(
        tmp_path / "next",
        **issuer(id_prefix="x|"),
        assignments=[{"issuer": ISSUER, "subject": "bob", "roles": ["viewer"]}],
    )
    app, authz, lines = service(tmp_path)
    loaded: list[str] = []

    def load(user: str) -> str | None:
        loaded.append(user)
        return None if user == "alice" else user

    view = requires("read:data", subject="user", resource=load)(lambda user: user)
    app.add_url_rule("/users/<user>", "users", view)
    app.add_url_rule("/things/<user>", "things", requires("read:data", resource=load)(lambda user: user))
    authz.seal()
    client = app.test_client()
    asked = [
        ("/users/alice", VIEWER), ("/users/carol", VIEWER), ("/users/x|alice", VIEWER),
        ("/users/x|bob", {"sub": "bob", "scope": "read:data"}), ("/users/bob", {"sub": "bob", "scope": "read:data"}),
        ("/things/alice", VIEWER),
    ]  # fmt: skip
    got = [client.get(path, headers=bearer(**claims)).json for path, claims in asked]
    assert [answer["reason"] for answer in got if answer] == [
        "resource-not-found", "subject-mismatch", "subject-mismatch", "no-role-grants-it", "no-role-grants-it",
        "resource-not-found",
    ]  # fmt: skip
    assert client.get("/things/bob", headers=bearer(**VIEWER)).status_code == 200
    assert lines.shadows == [
        ("deny", "subject-mismatch"), ("deny", "subject-mismatch"), ("allow", "allowed"), ("allow", "allowed"),
        ("deny", "subject-mismatch"), ("deny", "resource-not-found"), ("allow", "allowed"),
    ]  # fmt: skip
    assert loaded == ["alice", "alice", "bob"]


def test_any_valid_token_is_asked_of_the_shadow_too(tmp_path: Path) -> None:
    """An endpoint without a permission: what is left is whether the token would be accepted."""
    guard, _, lines, _ = guards(tmp_path, **issuer(audience="https://next.example.com"))
    guard.admit(guard.identify(at(NOW, **VIEWER)), [Authenticated()])
    assert lines.shadows == [("deny", "token-audience")]


def test_several_permissions_are_compared_as_one_answer(tmp_path: Path) -> None:
    """As the request is answered: all of them, or any of them."""
    guard, _, lines, _ = guards(tmp_path, **STRICT)
    subject = guard.identify(at(NOW, roles=["viewer", "editor"], scope="data.full"))
    both = ("read:data", "update:data")
    guard.admit(subject, [Requires(permissions=both)])
    guard.admit(subject, [Requires(permissions=both, any_of=True)])
    guard.admit(subject, [Requires(permissions=("read:data",)), Requires(permissions=("update:data",))])
    assert lines.shadows == [("deny", "no-role-grants-it"), ("allow", "allowed"), ("deny", "no-role-grants-it")]


def test_the_folder_of_a_shadow_is_looked_at_like_the_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A change is taken after two looks that agree; what was counted before it is not mixed with what comes."""
    first = policy_of(tmp_path / "next")
    app, authz, lines = service(tmp_path)
    authz.seal()
    client = app.test_client()
    client.get("/read", headers=bearer(**VIEWER))
    second = policy_of(tmp_path / "next", **STRICT)
    app.extensions["policy"].live.look()
    client.get("/read", headers=bearer(**VIEWER))
    assert (counts(authz)["policy"], counts(authz)["decided"]) == (first.digest, 2)
    app.extensions["policy"].live.look()
    assert caplog.messages == [f"the shadow policy {second.digest} is decided beside the enforced one"]
    assert (counts(authz)["policy"], counts(authz)["decided"]) == (second.digest, 0)
    client.get("/read", headers=bearer(**VIEWER))
    assert [record["shadow"]["policy"] for record in lines.kept] == [first.digest] * 2 + [second.digest]
    assert lines.shadows[-1] == ("deny", "no-role-grants-it")


def test_a_subject_that_is_known_is_read_again_by_another_shadow(tmp_path: Path) -> None:
    """The same token, and the same subject of the enforced policy, before and after a change."""
    guard, _, lines, _ = guards(tmp_path)
    given = at(NOW, scope="read:data")
    assert guard.shadow is not None
    guard.check(given, "read:data")
    guard.shadow.take(
        policy_of(tmp_path / "next", assignments=[{"issuer": ISSUER, "subject": "alice", "roles": ["viewer"]}])
    )
    guard.check(given, "read:data")
    assert lines.shadows == [("deny", "no-role-grants-it"), ("allow", "allowed")]


def test_counts_begin_anew_with_another_enforced_policy(tmp_path: Path) -> None:
    """They compare two policies, not one with several; what was counted in all only grows."""
    write_policy(tmp_path / "next", **STRICT)
    app, authz, _ = service(tmp_path)
    authz.seal()
    client = app.test_client()
    client.get("/read", headers=bearer(**VIEWER))
    assert counts(authz)["disagreed"] == {"would_deny": 1, "would_allow": 0}
    write_policy(tmp_path / "policies", **STRICT)
    look(app)
    client.get("/read", headers=bearer(**VIEWER))
    assert (counts(authz)["decided"], counts(authz)["disagreed"]) == (1, {"would_deny": 0, "would_allow": 0})
    tally = app.extensions["policy"].live.shadowing.shadow.tally
    assert tally.totals() == {"decided": 2, "would_deny": 1}


BROKEN: dict[str, Callable[[Path], object]] = {
    "no JSON": lambda folder: (folder / "policy.json").write_text("{", encoding="utf-8"),
    "no folder": lambda folder: folder.rename(folder.with_name("away")),
}


@pytest.mark.parametrize("breaks", BROKEN.values(), ids=BROKEN.keys())
def test_a_folder_that_breaks_is_loud_and_the_last_good_one_is_compared(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, breaks: Callable[[Path], object]
) -> None:
    """And it mends itself when the folder does."""
    digest = policy_of(tmp_path / "next", **STRICT).digest
    app, authz, lines = service(tmp_path)
    authz.seal()
    breaks(tmp_path / "next")
    look(app)
    client = app.test_client()
    assert client.get("/read", headers=bearer(**VIEWER)).status_code == 200
    found = counts(authz)
    assert (found["policy"], found["standing"], len(found["problems"])) == (digest, "last-good", 1)
    assert lines.shadows == [("deny", "no-role-grants-it")]
    assert caplog.messages[-1] == (
        f"the shadow policy does not load, the last good one is compared:\n{found['problems'][0]}"
    )
    write_policy(tmp_path / "next")
    look(app)
    client.get("/read", headers=bearer(**VIEWER))
    assert (counts(authz)["standing"], counts(authz)["problems"]) == ("current", [])
    assert lines.shadows[-1] == ("allow", "allowed")


@pytest.mark.parametrize("breaks", BROKEN.values(), ids=BROKEN.keys())
def test_a_start_on_a_broken_folder_is_loud_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, breaks: Callable[[Path], object]
) -> None:
    """Nothing is compared until it loads; it is told once, not at every look."""
    breaks(write_policy(tmp_path / "next"))
    app, authz, lines = service(tmp_path)
    authz.seal()
    client = app.test_client()
    assert client.get("/read", headers=bearer(**VIEWER)).status_code == 200
    look(app)
    found = counts(authz)
    assert (found["policy"], found["standing"], found["decided"], len(found["problems"])) == (None, "broken", 0, 1)
    assert caplog.messages == [f"the shadow policy does not load, nothing is compared:\n{found['problems'][0]}"]
    write_policy(tmp_path / "next", **STRICT)
    look(app)
    client.get("/read", headers=bearer(**VIEWER))
    assert lines.shadows == [None, ("deny", "no-role-grants-it")]
    assert counts(authz)["standing"] == "current"


def test_a_reader_that_fails_is_loud_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a document does to the code that reads it."""
    write_policy(tmp_path / "next")
    rules = policy_of(tmp_path / "policies")

    def fail(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("policy.reload.snapshot.read", fail)
    app, authz, _ = service(tmp_path, policy=rules)
    authz.seal()
    assert app.test_client().get("/read", headers=bearer(**VIEWER)).status_code == 200
    assert counts(authz)["problems"] == ["it cannot be read: RecursionError"]
    assert "the shadow policy does not load, nothing is compared" in caplog.text


def test_a_shadow_that_does_not_fit_the_routes_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It could not be enforced here; it is compared all the same, and would deny."""
    write_policy(
        tmp_path / "next", permissions={"read:data": "x"}, roles={"viewer": {}}, rules=[], constraints=[], scopes={}
    )
    app, authz, lines = service(tmp_path)
    authz.seal()
    (problem,) = counts(authz)["problems"]
    assert problem.endswith("demands `update:data`, which the policy does not declare; did you mean `read:data`?")
    assert caplog.messages == [f"the shadow policy could not be enforced here:\n{problem}"]
    app.test_client().get("/update", headers=bearer(roles=["editor"], scope="update:data"))
    assert lines.shadows == [("deny", "unknown-permission")]
    write_policy(tmp_path / "next")
    look(app)
    assert counts(authz)["problems"] == []


def test_a_loaded_policy_may_be_the_shadow(tmp_path: Path) -> None:
    """It stays what it is, as an enforced one does."""
    other = policy_of(tmp_path / "next", **STRICT)
    app, authz, lines = service(tmp_path, shadow=other)
    authz.seal()
    write_policy(tmp_path / "next")
    look(app)
    app.test_client().get("/read", headers=bearer(**VIEWER))
    assert lines.shadows == [("deny", "no-role-grants-it")]


def test_a_shadow_is_watched_from_the_first_request_on_and_nobody_waits_for_it(tmp_path: Path) -> None:
    """By itself, in a thread of its own."""
    write_policy(tmp_path / "next")
    app, authz, _ = service(tmp_path, reload=0.01)
    authz.seal()
    digest = policy_of(tmp_path / "next", **STRICT).digest
    app.test_client().get("/read", headers=bearer(**VIEWER))
    until = time.monotonic() + 30
    while counts(authz)["policy"] != digest:
        assert time.monotonic() < until
        threading.Event().wait(0.005)


@pytest.mark.parametrize("target", ["policy.flask.shadowing.threading", "policy.reload.Watcher.ensure_running"])
def test_threads_that_cannot_be_started_hurt_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    """The shadow stays what it was."""
    write_policy(tmp_path / "next")
    app, authz, _ = service(tmp_path, policy=policy_of(tmp_path / "policies"), reload=3599)
    authz.seal()
    told = threading.Event()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    def tell(text: str) -> None:
        assert text == "the shadow policy is not watched"
        told.set()

    monkeypatch.setattr(logging.getLogger("policy.shadow"), "exception", tell)
    monkeypatch.setattr(target, SimpleNamespace(Thread=fail) if target.endswith("threading") else fail)
    assert app.test_client().get("/read", headers=bearer(**VIEWER)).status_code == 200
    assert told.wait(30)


def test_the_configuration_names_a_shadow(tmp_path: Path) -> None:
    """As it names the policy; nothing at all is none."""
    write_policy(tmp_path / "next")
    for given, there in ((str(tmp_path / "next"), True), ("", False), (None, False)):
        app = Flask("shop", static_folder=None)
        app.config["POLICY_SHADOW"] = given
        authz = Authorizer(app, policy=write_policy(tmp_path / "policies"), audit=None)
        assert ("shadow" in authz.health()) is there
    with pytest.raises(PolicyError) as caught:
        service(tmp_path, shadow=7)
    assert str(caught.value) == (
        '`shadow` is a folder, a file or a Policy, such as shadow="next-policies/", not a `int`'
    )


def test_threads_lose_no_count(tmp_path: Path) -> None:
    """Eight of them, and each answer is counted once."""
    guard, _, _, _ = guards(tmp_path, **STRICT)
    given = at(NOW, **VIEWER)

    def ask() -> None:
        for _ in range(200):
            guard.check(given, "read:data")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert guard.shadow is not None
    assert guard.shadow.tally.totals() == {"decided": 1600, "would_deny": 1600}


def test_a_fork_counts_for_itself(tmp_path: Path) -> None:
    """Also one that is made while another thread counts."""
    guard, _, _, _ = guards(tmp_path, **STRICT)
    assert guard.shadow is not None
    tally = guard.shadow.tally
    guard.check(at(NOW, **VIEWER), "read:data")
    tally.lock.acquire()
    child = os.fork()
    if child == 0:
        guard.check(at(NOW, **VIEWER), "read:data")
        os._exit(0 if tally.totals() == {"decided": 1, "would_deny": 1} else 1)
    tally.lock.release()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert tally.totals() == {"decided": 1, "would_deny": 1}
