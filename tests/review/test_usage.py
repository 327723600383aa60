"""Which grants the allowed requests of a log needed."""

from pathlib import Path
from typing import Any

import pytest

from policy.engine import Policy
from policy.reasons import Reason
from policy.review.grants import Grant, all_grants
from policy.review.grouping import Engine, engine
from policy.review.usage import HELD, Usage, Use, partly_used, unneeded, usage
from tests.review.asking import DOCUMENT, HOME, Asking, policy_of
from tests.review.lines import BEGAN

VIEW_ALL, VIEW_A = Grant("role", "viewer", "read:*"), Grant("role", "viewer", "read:a")
EDIT_A, EDIT_B = Grant("role", "editor", "write:a"), Grant("role", "editor", "write:b")
PAY, APPROVE = Grant("role", "payer", "pay:x"), Grant("role", "approver", "approve:x")
ALL = Grant("scope", "all", "**")
READ_A, READ_B = Grant("scope", "reading", "read:a"), Grant("scope", "reading", "read:b")
GUESTS = Grant("rule", "guests-read")
ALICE_VIEWS, ALICE_PAYS = Grant("assignment", "0", "viewer"), Grant("assignment", "0", "payer")
USERS_EDIT, STAFF_EDITS, ROBOT_EDITS = (Grant("assignment", str(at), "editor") for at in (1, 2, 3))


@pytest.fixture(params=["duckdb", "plain"])
def reading(request: pytest.FixtureRequest) -> Engine:
    """Each engine that needs nothing but itself."""
    return engine(request.param)


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asking:
    """Somebody who asks."""
    monkeypatch.setenv("SECRET", "s" * 32)
    return Asking(policy_of(tmp_path / "policies"))


def used(reading: Engine, ask: Asking, tmp_path: Path, rules: Policy | None = None) -> Usage:
    return usage(reading, [ask.write(tmp_path / "audit")], rules or ask.rules)


def counts(found: Usage) -> dict[Grant, tuple[int, int]]:
    """Sole and redundant, of the grants that were used at all."""
    return {grant: (use.sole, use.redundant) for grant, use in found.uses.items() if use.verdict != "never"}


def test_every_grant_is_looked_at(ask: Asking) -> None:
    """In the order of the documents: roles, scopes, allow rules, assignments."""
    assigned = (ALICE_VIEWS, ALICE_PAYS, USERS_EDIT, STAFF_EDITS, ROBOT_EDITS)
    grants = (VIEW_ALL, VIEW_A, EDIT_A, EDIT_B, PAY, APPROVE, ALL, READ_A, READ_B, GUESTS, *assigned)
    assert all_grants(ask.rules) == grants


def test_both_sides_count(reading: Engine, ask: Asking, tmp_path: Path) -> None:
    """A role must grant it and a scope must cover it: each side has its own grants, along what a role inherits."""
    assert ask("write:a", id="x", roles=["editor"], scopes=["all"])
    assert ask("read:b", id="x", roles=["editor"], scopes=["all", "reading"], day=2)
    found = used(reading, ask, tmp_path)
    assert counts(found) == {EDIT_A: (1, 0), VIEW_ALL: (1, 0), ALL: (1, 1), READ_B: (0, 1)}
    assert found.uses[ALL] == Use(1, 1, {"write:a", "read:b"}, "2026-11-30T00:00:00.000000Z")
    assert (found.records, found.allowed, found.first) == (2, 2, "2026-11-28T00:00:00.000000Z")
    assert found.uses[VIEW_A].verdict == "never"


def test_what_the_token_says_itself_is_another_way(reading: Engine, ask: Asking, tmp_path: Path) -> None:
    """A permission in the token, or a scope of the permission's name: no grant is the only way then."""
    assert ask("read:b", id="x", roles=["viewer"], scopes=["read:b", "all"])
    assert ask("read:b", id="x", roles=["viewer"], permissions=["read:b"], scopes=["all"])
    found = used(reading, ask, tmp_path)
    assert counts(found) == {VIEW_ALL: (1, 1), ALL: (1, 1)}
    assert found.requirements == frozenset({frozenset({VIEW_ALL}), frozenset({ALL})})


def test_two_patterns_of_one_role_make_each_other_redundant(reading: Engine, ask: Asking, tmp_path: Path) -> None:
    """One role held twice over is one grant; two patterns are two."""
    assert ask("read:a", id="x", roles=["viewer", "editor"], scopes=["read:a"])
    assert counts(used(reading, ask, tmp_path)) == {VIEW_ALL: (0, 1), VIEW_A: (0, 1)}


def test_an_allow_rule_is_a_grant_and_a_side_that_does_not_count_is_none(
    reading: Engine, ask: Asking, tmp_path: Path
) -> None:
    """Machines of this issuer need no scopes."""
    assert ask("read:b", id="x", person="machine", roles=["guest"], scopes=["all"])
    assert counts(used(reading, ask, tmp_path)) == {GUESTS: (1, 0)}


def test_where_only_scopes_count_roles_and_their_assignments_give_nothing(
    reading: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much they would grant."""
    monkeypatch.setenv("SECRET", "s" * 32)
    issuer = {**DOCUMENT["issuers"][HOME], "authority": {"user": "roles", "machine": "scopes"}}
    ask = Asking(policy_of(tmp_path / "policies", issuers={HOME: issuer}))
    assert ask("read:b", id="u:alice", person="machine", roles=["viewer"], scopes=["reading"])
    assert counts(used(reading, ask, tmp_path)) == {READ_B: (1, 0)}


def test_what_was_not_allowed_needs_nothing(reading: Engine, ask: Asking, tmp_path: Path) -> None:
    """Nor does what another permission, or the endpoint itself, refused; what a probe was allowed may be needed."""
    viewer: dict[str, Any] = {"id": "x", "roles": ["viewer"], "scopes": ["all"]}
    assert not ask("write:a", **viewer)
    assert not ask("read:b", "write:a", **viewer)
    assert not ask("read:b", **viewer, but=Reason.SUBJECT_MISMATCH)
    assert counts(used(reading, ask, tmp_path)) == {}
    assert ask("read:b", **viewer, kind="probe")
    assert ask(**viewer)
    found = used(reading, ask, tmp_path)
    assert (counts(found), found.allowed) == ({VIEW_ALL: (1, 0), ALL: (1, 0)}, 2)


def test_any_of_several_permissions_needs_each_that_was_allowed(reading: Engine, ask: Asking, tmp_path: Path) -> None:
    """None is taken for the only one that counted."""
    assert ask("read:b", "write:a", "pay:x", any_of=True, id="x", roles=["editor"], scopes=["all"])
    assert counts(used(reading, ask, tmp_path)) == {VIEW_ALL: (1, 0), EDIT_A: (1, 0), ALL: (2, 0)}


@pytest.mark.parametrize(
    ("who", "needed"),
    [
        ({"id": "u:alice", "roles": []}, {VIEW_ALL: (1, 0), ALICE_VIEWS: (0, 1), USERS_EDIT: (0, 1)}),
        ({"id": "u:bob", "roles": []}, {VIEW_ALL: (1, 0), USERS_EDIT: (1, 0)}),
        ({"id": "u:bob", "roles": ["viewer"]}, {VIEW_ALL: (1, 0), USERS_EDIT: (0, 1)}),
        ({"id": "x", "groups": ["staff"], "tenant": "acme"}, {VIEW_ALL: (1, 0), STAFF_EDITS: (1, 0)}),
        (
            {"id": "u:bob", "groups": ["staff"], "tenant": "acme"},
            {VIEW_ALL: (1, 0), STAFF_EDITS: (0, 1), USERS_EDIT: (0, 1)},
        ),
        ({"id": "x", "client": "robot", "person": "machine"}, {VIEW_ALL: (1, 0), ROBOT_EDITS: (1, 0)}),
    ],
)  # fmt: skip
def test_assignments_are_grants_too(
    reading: Engine, ask: Asking, tmp_path: Path, who: dict[str, Any], needed: dict[Grant, tuple[int, int]]
) -> None:
    """Whoever has the role from the token or from another assignment does not need this one."""
    assert ask("read:b", scopes=["read:b"], **who)
    assert counts(used(reading, ask, tmp_path)) == needed


def test_a_window_bounds_what_counts(reading: Engine, ask: Asking, tmp_path: Path) -> None:
    """What was needed before it was not needed in it."""
    for day, role in ((0, "viewer"), (5, "editor"), (9, "payer")):
        ask("read:b", "pay:x", any_of=True, id="x", roles=[role], scopes=["all"], day=day)
    files = [ask.write(tmp_path / "audit")]
    found = usage(reading, files, ask.rules, since="2026-11-29", until="2026-12-05")
    assert (found.records, counts(found)) == (1, {VIEW_ALL: (1, 0), ALL: (1, 0)})


def test_what_another_policy_allowed_is_judged_by_this_one(reading: Engine, ask: Asking, tmp_path: Path) -> None:
    """What it would not allow needs nothing of it, and is counted."""
    assert ask("write:b", id="x", roles=["editor"], scopes=["all"])
    assert ask("read:b", id="x", roles=["viewer"], scopes=["all"])
    other = policy_of(tmp_path / "other", roles={"viewer": {"grants": ["read:*"]}, "guest": {}, "editor": {}},
                      constraints=[], assignments=[])  # fmt: skip
    found = used(reading, ask, tmp_path, other)
    assert (counts(found), found.contrary) == ({VIEW_ALL: (1, 0), ALL: (1, 0)}, 1)
    assert found.policies == {ask.rules.digest: 2}


def test_what_is_used_in_part_is_told(reading: Engine, ask: Asking, tmp_path: Path) -> None:
    """A pattern gives more than somebody asked for."""
    ask("read:b", id="x", roles=["viewer"], scopes=["reading"])
    found = used(reading, ask, tmp_path)
    assert list(partly_used(ask.rules, found)) == [(VIEW_ALL, frozenset({"read:b"}), frozenset({"read:a"}))]


def test_of_grants_that_stand_for_each_other_one_stays() -> None:
    """Whichever comes last; what nothing requires goes too."""
    a, b, c, d = (Grant("role", name, "x") for name in "abcd")
    sets = [frozenset({a, b}), frozenset({b, c}), frozenset({c})]
    found = Usage(
        uses={}, requirements=frozenset(sets), records=0, allowed=0, first="", last="", policies={}, contrary=0,
        capped={}, treated={}, unreadable=0,
    )  # fmt: skip
    assert unneeded(found, [a, b, c, d]) == {a, d}
    assert unneeded(found, [b, a]) == {b}


def test_the_login_does_not_make_inputs_many(reading: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a time of its own, on which no grant depends."""
    monkeypatch.setenv("SECRET", "s" * 32)
    asked = {"read:a": {"step_up": {"max_age": 60}}, "read:b": "", "write:a": "", "write:b": "", "pay:x": "",
             "approve:x": ""}  # fmt: skip
    ask = Asking(policy_of(tmp_path / "policies", permissions=asked))
    for second in range(5):
        assert ask("read:a", id="x", roles=["viewer"], scopes=["all"], acr="mfa", auth_time=BEGAN - second)
    assert len(list(reading.groups([ask.write(tmp_path / "audit")], [HELD]))) == 1
    assert counts(used(reading, ask, tmp_path)) == {VIEW_ALL: (0, 5), VIEW_A: (0, 5), ALL: (5, 0)}


def test_what_cannot_be_read_is_counted(reading: Engine, ask: Asking, tmp_path: Path) -> None:
    """It needs nothing, as far as anybody can tell."""
    ask("read:b", id="x", roles=["viewer"], scopes=["all"])
    ask.records[0]["subject"]["kind"], ask.records[0]["subject"]["issuer"] = 5, ""
    found = used(reading, ask, tmp_path)
    assert (found.unreadable, found.allowed, counts(found)) == (1, 0, {})
