"""A record decided again gives what the policies really answer, or says that it cannot tell."""

import json
import random
from collections import Counter
from dataclasses import fields
from typing import Any

import pytest

from policy.demand import Requires, outcome
from policy.document import Source, read
from policy.engine import Policy
from policy.reasons import Reason
from policy.record import About
from policy.recording import Recorder
from policy.review.bounds import Answer
from policy.review.columns import COLUMNS, text
from policy.review.judging import COMBINATION, Decided, Disagreement, Judge, Judgement, decided, disagreements
from policy.review.tally import WHY
from policy.subject import Subject
from tests.review.worlds import ISSUER, NOW, OTHER, TENANTS, Freedom, answer, freedom, marks, recorded, rules, token

TOKENS = 5
PLAIN: dict[str, Any] = {
    "profile": "plain", "audience": "api", "algorithms": ["HS256"], "keys": {"env": "KEY"},
    "authority": {"user": "roles"},
}  # fmt: skip


def read_again(line: str) -> Decided:
    inputs, who, now = (text(COLUMNS[name].read(line.encode())) for name in ("inputs", "who", "login_now"))
    found = decided(inputs or "", who, now)
    assert found is not None
    return found


def compare(seed: int, free: Freedom, seen: Counter[Any]) -> None:
    """Every verdict and every outcome that is told is the one that the new policy gives to the token itself."""
    chance = random.Random(seed)
    fixed = chance.random()
    old, new = rules(chance, fixed, free), rules(chance, fixed, free)
    judge = Judge(old, new)
    for _ in range(TOKENS):
        claims, asked, tenant = token(chance), marks(chance), chance.choice((None, None, *TENANTS))
        now = NOW + chance.choice((0, 250))
        narrowed = chance.choice((None, None, None, Reason.SUBJECT_MISMATCH))
        line = recorded(old, claims, asked, tenant, now, narrowed=narrowed, masked=chance.random() < 0.3)
        if line is None:
            continue
        given = read_again(line)
        assert list(disagreements(old, given)) == []
        was_narrowed = given.record["reason"] == Reason.SUBJECT_MISMATCH
        truth, found = answer(new, claims, asked, tenant, now), judge.judge(given)
        verdicts = {} if truth is None else {each.permission: each.allowed for each in truth.decisions}
        for verdict in found.verdicts:
            really = verdicts.get(verdict.permission, False)
            assert verdict.now.allowed in (None, really), (seed, claims, given.record, verdict)
            assert verdict.now.allowed is not None or verdict.now.causes
            seen["verdicts", verdict.now.allowed] += 1
            seen.update(verdict.now.causes)
        allowed = truth is not None and truth.allowed and not was_narrowed
        assert found.now.allowed in (None, allowed), (seed, claims, given.record, found)
        assert found.now.allowed is not None or found.now.causes
        seen["outcomes", found.now.allowed] += 1
        seen.update(f"outcome {cause}" for cause in found.now.causes)


def test_what_is_told_is_what_the_new_policy_answers() -> None:
    """Whatever the policies, the token and what was asked; most of it is told, and every cause occurs."""
    seen: Counter[Any] = Counter()
    alone = [Freedom(**{each.name: True}) for each in fields(Freedom)]
    for seed in range(900):
        compare(seed, freedom(random.Random(seed)) if seed % 2 else alone[seed // 2 % len(alone)], seen)
    assert seen["verdicts", True] > 200
    assert seen["verdicts", False] > 500
    assert seen["verdicts", None] < 1500
    assert all(seen[f"outcome {cause}"] > 5 for cause in WHY)


def test_all_is_told_where_issuers_and_logins_are_as_they_were() -> None:
    """Only names that were cut, and how several permissions were asked for, may be unknown."""
    seen: Counter[Any] = Counter()
    for seed in range(200):
        compare(seed, Freedom(), seen)
    assert {name for name in seen if isinstance(name, str)} <= {"cut", "outcome cut", f"outcome {COMBINATION}"}


def policy(**sections: Any) -> Policy:
    """A policy with one issuer, whose tokens say all that the profile reads."""
    made = {
        "permissions": {"read:a": "", "write:a": ""},
        "roles": {"r1": {"grants": ["read:a"]}, "r2": {"grants": ["write:a"]}},
        "issuers": {ISSUER: {**PLAIN, **sections.pop("issuer", {})}},
        **sections,
    }
    return Policy(read([Source("a.json", json.dumps(made).encode())]))


def judged(old: Policy, new: Policy, claims: dict[str, Any], *permissions: str, tenant: str | None = None) -> Judgement:
    line = recorded(old, {"sub": "alice", **claims}, [Requires(permissions=permissions)], tenant, NOW)
    return Judge(old, new).judge(read_again(line or ""))


def organisation(*path: str) -> dict[str, Any]:
    return {"issuer": {"claims": {"tenant": {"path": [*path], "format": "string"}}}}


def test_a_tenant_that_is_read_elsewhere_is_not_known() -> None:
    """The subject may belong to the tenant that was asked for, or not."""
    found = judged(
        policy(**organisation("org")), policy(**organisation("other")), {"roles": ["r1"]}, "read:a", tenant="acme"
    )
    assert found.verdicts[0].now == Answer(None, "", ("reading",))


def test_a_duty_that_may_be_broken_is_not_known() -> None:
    """A role for which the record had no room may stand against one that it names."""
    duty = {"id": "duty", "kind": "separation-of-duty", "roles": ["r1", "r2"], "limit": 1}
    old = policy(roles={"r1": {"grants": ["read:a"]}})
    strangers = [f"q{number:02}" for number in range(60)]
    found = judged(old, policy(constraints=[duty]), {"roles": ["r1", "r2", *strangers]}, "read:a")
    assert found.verdicts[0].now == Answer(None, "", ("cut",))


def test_a_subject_without_an_issuer_is_decided_too() -> None:
    """It says itself what its authority is, and its login is known."""
    old, new = policy(), policy(permissions={"read:a": {"step_up": {"acr": ["mfa"]}}, "write:a": ""})
    subject = Subject(id="job", authority="roles", roles=["r1"])
    found = outcome([Requires(permissions=("read:a",))], lambda name: old.decide(subject, name, now=NOW))
    line = Recorder(old).decided("0" * 32, "check", subject, found, now=NOW, tenant=None, about=About(), duration=0)
    assert Judge(old, new).judge(read_again(line)).verdicts[0].now == Answer(False, "step-up-required")


def test_an_issuer_that_is_gone_allows_nothing() -> None:
    """Its tokens are not taken any more, also where no permission was asked for."""
    old, new = policy(), policy(issuers={OTHER: PLAIN})
    assert judged(old, new, {"roles": ["r1"]}, "read:a").now == Answer(False, "no-authority")
    line = recorded(old, {"sub": "alice"}, [], None, NOW)
    assert Judge(old, new).judge(read_again(line or "")).now == Answer(False, "no-authority")


def test_a_record_that_was_changed_does_not_come_out_again() -> None:
    """Whatever of its answer was changed."""
    old = policy(rules=[{"id": "no", "effect": "deny", "permissions": ["write:a"], "roles": ["r1"]}])
    line = recorded(old, {"sub": "alice", "roles": ["r1"]}, [Requires(permissions=("read:a", "write:a"))], None, NOW)
    changes = {
        '"permission":"read:a","allowed":true': '"permission":"read:a","allowed":false',
        '"rules":["no"]': '"rules":[]',
        '"outcome":"deny","reason":"denied-by-rule"': '"outcome":"deny","reason":"scope-missing"',
        '"roles":["r1"]': '"roles":[]',
    }
    found = [list(disagreements(old, read_again((line or "").replace(*change)))) for change in changes.items()]
    assert found == [
        [Disagreement("read:a", "deny (allowed)", "allow (allowed)")],
        [Disagreement("write:a", "deny (denied-by-rule)", "deny (denied-by-rule) by no")],
        [Disagreement("", "deny (scope-missing)", "an outcome that its verdicts give")],
        [
            Disagreement("read:a", "allow (allowed)", "deny (no-role-grants-it)"),
            Disagreement("write:a", "deny (denied-by-rule) by no", "deny (no-role-grants-it)"),
        ],
    ]


@pytest.mark.parametrize(
    "change",
    [
        ('"roles":["r1"]', '"roles":[1]'), ('"roles":["r1"]', '"roles":[["r1"]]'), ('"tenant":null,', '"tenant":{},'),
        ('"allowed":true', '"allowed":1'), ('"permission":"read:a"', '"permission":["read:a"]'),
        ('"route":', '"rout":'), ('"subject":{', '"treated":[],"subject":{'),
        ('"rules":[]', '"rules":7'), ('"subject":{', '"capped":7,"subject":{'),
        ('"issuer":', '"issuer":1,"i":'), ('"unasserted":[]', '"unasserted":[],"auth_time":-1'),
        ('"unasserted":[]', '"unasserted":[],"acr":1'), ('"method"', '"me\\thod"'),
    ],
)  # fmt: skip
def test_what_no_record_looks_like_is_none(change: tuple[str, str]) -> None:
    """Whatever stands in a file is no reason to fail."""
    line = recorded(policy(), {"sub": "alice", "roles": ["r1"]}, [Requires(permissions=("read:a",))], None, NOW) or ""
    assert change[0] in line
    inputs = line[line.index('"method"') : line.index(',"client":')].replace(*change)
    assert decided(inputs) is None
