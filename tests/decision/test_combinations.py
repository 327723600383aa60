"""What decides: the sixteen combinations of role, scope, allow and deny, and the order of reasons."""

import itertools
import json
from typing import Any

import pytest

from policy import Policy, PolicyError, Subject
from policy.document import Source, read
from tests.issuing import DOCUMENT

Json = dict[str, Any]
ISSUER = "https://issuer.example/"


def compiled(document: Json) -> Policy:
    return Policy(read([Source(name="policy.json", text=json.dumps(document).encode())]))


def document(**sections: Any) -> Json:
    return {
        "permissions": {"do:it": "The permission asked for", "do:more": "Another one"},
        "roles": {
            "granted": {"grants": ["do:it"]},
            "allowed": {},
            "denied": {},
            "idle": {},
            "other": {"grants": ["do:more"]},
        },
        "rules": [
            {"id": "allows", "effect": "allow", "permissions": ["do:it"], "roles": ["allowed"]},
            {"id": "denies", "effect": "deny", "permissions": ["do:it"], "roles": ["denied"]},
        ],
        **sections,
    }


def expected(regime: str, *, role: bool, scope: bool, allow: bool, deny: bool) -> str:
    """The rules of the language, in their order."""
    if deny:
        return "denied-by-rule"
    if regime != "scopes" and not (role or allow):
        return "no-role-grants-it"
    if regime != "roles" and not scope:
        return "scope-missing"
    return "allowed"


CASES = list(itertools.product(["roles-and-scopes", "roles", "scopes"], *[[False, True]] * 4))


@pytest.mark.parametrize(("regime", "role", "scope", "allow", "deny"), CASES)
@pytest.mark.parametrize("bound", [None, "acme"])
@pytest.mark.parametrize("duties", [False, True])
def test_the_sixteen_combinations(
    regime: Any, role: bool, scope: bool, allow: bool, deny: bool, bound: str | None, duties: bool
) -> None:
    """Under every authority, with roles unbound or bound to a tenant, with and without a broken constraint."""
    constraint = {"id": "apart", "kind": "separation-of-duty", "roles": ["granted", "idle"], "limit": 1}
    rules = compiled(document(constraints=[constraint]))
    names = [
        name for name, given in (("granted", role), ("allowed", allow), ("denied", deny), ("idle", duties)) if given
    ]
    subject = Subject(
        id="alice",
        authority=regime,
        tenant=bound,
        roles=[] if bound else names,
        bound_roles=[(name, bound) for name in names] if bound else [],
        scopes=["do:it"] if scope else [],
    )
    decision = rules.decide(subject, "do:it", now=0.0, tenant=bound)
    reason = expected(regime, role=role, scope=scope, allow=allow, deny=deny)
    assert decision.reason == ("separation-of-duty" if duties and role else reason)
    assert decision.explain().rules == tuple(name for name, given in (("allows", allow), ("denies", deny)) if given)
    if bound and names:
        elsewhere = rules.decide(subject, "do:it", now=0.0, tenant="elsewhere")
        assert elsewhere.reason == "tenant-mismatch"
        unasked = rules.decide(subject, "do:it", now=0.0)
        assert unasked.reason == expected(regime, role=False, scope=scope, allow=False, deny=False)


def everything(**without: bool) -> Subject:
    """A subject with everything wrong at once, of which one thing after the other is mended."""
    given = {"authority": True, "tenant": True, "duty": True, "deny": True, "role": True, "scope": True, "login": True}
    wrong = {**given, **without}
    roles = ["granted"] if not wrong["role"] else []
    roles += ["idle", "other"] if wrong["duty"] else []
    roles += ["denied"] if wrong["deny"] else []
    return Subject(
        id="alice",
        issuer=ISSUER,
        kind="machine" if wrong["authority"] else "user",
        tenant=None if wrong["tenant"] else "acme",
        roles=roles,
        scopes=[] if wrong["scope"] else ["do:it"],
        acr=None if wrong["login"] else "mfa",
    )


def test_the_order_of_reasons() -> None:
    """Where everything is wrong, the first reason is given; mending one after the other shows them all."""
    rules = compiled(
        document(
            permissions={"do:it": {"description": "x", "step_up": {"acr": ["mfa"]}}, "do:more": "Another one"},
            rules=[
                {"id": "bears", "effect": "allow", "permissions": ["do:it"], "roles": ["paying"]},
                {"id": "denies", "effect": "deny", "permissions": ["do:it"], "roles": ["denied"]},
            ],
            roles={
                "granted": {"grants": ["do:it"]},
                "denied": {},
                "idle": {},
                "other": {"grants": ["do:more"]},
                "paying": {},
            },
            constraints=[
                {"id": "apart", "kind": "separation-of-duty", "roles": ["idle", "other", "paying"], "limit": 1}
            ],
            issuers={ISSUER: {**DOCUMENT["issuers"][ISSUER], "authority": {"user": "roles-and-scopes"}}},
        )
    )
    mended: dict[str, bool] = {}
    seen = [rules.decide(everything(), "do:nothing", now=0.0, tenant="acme").reason.value]
    for thing in ("authority", "tenant", "duty", "deny", "role", "scope", "login"):
        seen.append(rules.decide(everything(**mended), "do:it", now=0.0, tenant="acme").reason.value)
        mended[thing] = False
    seen.append(rules.decide(everything(**mended), "do:it", now=0.0, tenant="acme").reason.value)
    assert seen == [
        "unknown-permission",
        "no-authority",
        "tenant-mismatch",
        "separation-of-duty",
        "denied-by-rule",
        "no-role-grants-it",
        "scope-missing",
        "step-up-required",
        "allowed",
    ]


def test_a_subject_without_an_issuer_names_its_authority() -> None:
    """Either the policy says what counts, or the subject does; never neither, never both."""
    for given in ({}, {"issuer": ISSUER, "authority": "roles"}):
        with pytest.raises(ValueError, match="either an issuer, whose authority the policy declares, or an authority"):
            Subject(id="alice", **given)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="roles takes several names, not the one text 'editor'"):
        Subject(id="alice", authority="roles", roles="editor")


def test_an_issuer_that_the_policy_does_not_know_has_no_authority() -> None:
    """A subject of another policy's issuer is denied."""
    subject = Subject(id="alice", issuer="https://elsewhere.example/", roles=["granted"], scopes=["do:it"])
    assert compiled(document()).decide(subject, "do:it", now=0.0).reason == "no-authority"


def test_a_subject_and_a_decision_cannot_be_changed() -> None:
    """They are values."""
    subject = Subject(id="alice", authority="roles", roles=["granted"])
    decision = compiled(document()).decide(subject, "do:it", now=0.0)
    for value, name in ((subject, "id"), (subject, "held"), (decision, "allowed"), (subject, "new"), (decision, "new")):
        with pytest.raises(AttributeError):
            setattr(value, name, True)


@pytest.mark.parametrize(
    ("auth_time", "reason"),
    [(None, "step-up-required"), (699.9, "step-up-required"), (700, "allowed"), (1000, "allowed"), (1030, "allowed"),
     (1030.1, "step-up-required")],
)  # fmt: skip
def test_a_login_is_neither_too_old_nor_in_the_future(auth_time: float | None, reason: str) -> None:
    """`max_age` counts from `auth_time`; a login in the future is one only within the leeway."""
    permissions = {"do:it": {"description": "x", "step_up": {"max_age": 300}}, "do:more": "y"}
    subject = Subject(id="alice", authority="roles", roles=["granted"], auth_time=auth_time)
    assert compiled(document(permissions=permissions)).decide(subject, "do:it", now=1000.0).reason == reason


def test_direct_permissions_count_towards_a_constraint() -> None:
    """A permission that only one of its roles grants stands for that role; one that both grant stands for none."""
    rules = compiled(
        {
            "permissions": {"pay": "x", "approve": "y", "look": "z"},
            "roles": {"payer": {"grants": ["pay", "look"]}, "approver": {"grants": ["approve", "look"]}},
            "constraints": [{"id": "c", "kind": "separation-of-duty", "roles": ["payer", "approver"], "limit": 1}],
        }
    )
    for direct, reason in ((["approve"], "separation-of-duty"), (["look"], "allowed"), ([], "allowed")):
        subject = Subject(id="alice", authority="roles", roles=["payer"], permissions=direct)
        assert rules.decide(subject, "pay", now=0.0).reason == reason


def test_who_may_and_what_one_may() -> None:
    """`roles_granting` follows inheritance and allow rules; an unknown permission is an error with the nearest name."""
    rules = compiled(DOCUMENT)
    assert rules.roles_granting("read:data") == {"viewer", "editor", "admin"}
    assert rules.roles_granting("update:data") == {"editor", "admin"}
    with pytest.raises(PolicyError) as caught:
        rules.roles_granting("read:dta")
    assert str(caught.value) == "unknown permission `read:dta`; did you mean `read:data`?"
    subject = Subject(id="alice", issuer=ISSUER, roles=["admin"], scopes=["data.full"])
    may = rules.permissions_of(subject)
    assert may == (frozenset({"read:data", "update:data"}), frozenset({"delete:data"}))
