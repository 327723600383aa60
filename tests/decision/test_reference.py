"""The evaluator against a naive reading of the policy language."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policy import Policy, Subject
from policy.document import Source, read
from tests.decision.reference import Reference
from tests.decision.strategies import ISSUERS, NOW, PERMISSIONS, TENANTS, policies, tokens

Json = dict[str, Any]


def compiled(document: Json) -> Policy:
    return Policy(read([Source(name="policy.json", text=json.dumps(document).encode())]))


@given(
    document=policies(),
    claims=tokens(),
    tenant=st.sampled_from([None, None, *TENANTS]),
    issuer=st.sampled_from(ISSUERS),
)
@settings(max_examples=400, deadline=None)
def test_every_decision_equals_the_naive_readings(
    document: Json, claims: Json, tenant: str | None, issuer: str
) -> None:
    """For every permission, known or not, reason and applying rules are those of the naive evaluator."""
    if issuer not in document["issuers"]:
        issuer = ISSUERS[0]
    rules, naive = compiled(document), Reference(document)
    subject, asker = rules.subject(issuer, claims), naive.asker(issuer, claims)
    assert (subject.id, subject.kind, subject.tenant) == (asker.id, asker.kind, asker.tenant)
    for permission in [*PERMISSIONS, "not:declared"]:
        decision = rules.decide(subject, permission, now=NOW, tenant=tenant)
        reason, applying = naive.decide(asker, permission, NOW, tenant)
        explanation = decision.explain()
        assert (decision.reason, decision.allowed, bool(decision)) == (reason, reason == "allowed", reason == "allowed")
        assert (explanation.reason, list(explanation.rules)) == (reason, applying)


@given(
    document=policies(),
    claims=tokens(),
    tenant=st.sampled_from([None, None, *TENANTS]),
    issuer=st.sampled_from(ISSUERS),
)
@settings(max_examples=300, deadline=None)
def test_the_smallest_change_really_allows(document: Json, claims: Json, tenant: str | None, issuer: str) -> None:
    """Where a change is named and nothing else stands in the way, making it turns the answer into an allow."""
    issuer = issuer if issuer in document["issuers"] else ISSUERS[0]
    rules = compiled(document)
    subject = rules.subject(issuer, claims)
    for permission in PERMISSIONS:
        change = rules.decide(subject, permission, now=NOW, tenant=tenant).explain().change
        if change is None or change.impossible or change.also:
            continue
        scopes = subject.scopes | set(change.add_scopes[:1])
        added = {change.add_role} if change.add_role else set()
        kept = subject.held - set(change.drop_roles) | added
        bound = frozenset((role, where) for role, where in subject.bound if role not in change.drop_roles)
        changed = subject._replace(held=frozenset(kept), bound=bound, scopes=frozenset(scopes))
        if tenant is None or rules.belongs(changed, tenant):
            assert rules.decide(changed, permission, now=NOW, tenant=tenant).reason == "allowed"


@given(document=policies(), claims=tokens(), order=st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_no_order_changes_a_decision(document: Json, claims: Json, order: Any) -> None:
    """Shuffling keys, rules and sections over several documents changes neither decisions nor the digest."""
    parts: list[Json] = [{}, {}, {}]
    for section, content in document.items():
        items = list(content.items()) if isinstance(content, dict) else list(content)
        order.shuffle(items)
        for item in items:
            part = order.choice(parts)
            if isinstance(content, dict):
                part.setdefault(section, {})[item[0]] = item[1]
            else:
                part.setdefault(section, []).append(item)
    sources = [Source(name=f"{place}.json", text=json.dumps(part).encode()) for place, part in enumerate(parts)]
    order.shuffle(sources)
    one, other = compiled(document), Policy(read(sources))
    assert one.digest == other.digest
    subject, same = one.subject(ISSUERS[0], claims), other.subject(ISSUERS[0], claims)
    assert subject == same
    for permission in PERMISSIONS:
        assert one.decide(subject, permission, now=NOW).reason == other.decide(same, permission, now=NOW).reason


@given(document=policies(), claims=tokens(), tenant=st.sampled_from([None, *TENANTS]))
@settings(max_examples=100, deadline=None)
def test_permissions_of_is_what_decide_says_of_each(document: Json, claims: Json, tenant: str | None) -> None:
    """`permissions_of` grants what is allowed, and holds as conditional what only a step-up keeps from it."""
    rules = compiled(document)
    subject: Subject = rules.subject(ISSUERS[0], claims)
    found = rules.permissions_of(subject, now=NOW, tenant=tenant)
    reasons = {name: rules.decide(subject, name, now=NOW, tenant=tenant).reason for name in PERMISSIONS}
    assert found.granted == {name for name, reason in reasons.items() if reason == "allowed"}
    assert found.conditional == {name for name, reason in reasons.items() if reason == "step-up-required"}
