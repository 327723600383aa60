"""A policy without what nobody needed: the documents as they are, less some text; and the proof that it is enough."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from policy.engine import Policy
from policy.errors import PolicyError
from policy.files import sources
from policy.review import suggesting
from policy.review.editing import without
from policy.review.grants import Grant
from policy.review.grouping import engine
from policy.review.suggesting import Kept, Proof, Suggestion, proved, suggested
from tests.review.asking import DOCUMENT, HOME, Asking, policy_of

VIEW_ALL, VIEW_A = Grant("role", "viewer", "read:*"), Grant("role", "viewer", "read:a")
EDIT_A, EDIT_B = Grant("role", "editor", "write:a"), Grant("role", "editor", "write:b")
PAY = Grant("role", "payer", "pay:x")
ALL = Grant("scope", "all", "**")
READ_A, READ_B = Grant("scope", "reading", "read:a"), Grant("scope", "reading", "read:b")
GUESTS = Grant("rule", "guests-read")
ALICE_VIEWS, ALICE_PAYS = Grant("assignment", "0", "viewer"), Grant("assignment", "0", "payer")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where policies are; paths are as somebody would type them."""
    monkeypatch.setenv("SECRET", "s" * 32)
    monkeypatch.chdir(tmp_path)
    return Path("policies")


TEXT = """\
{ "a": 1,
  "list": [ "x",  "y" , "z"],
  "long": [
    {"b": [1, 2]},
    {"c\\u0022": "]},"},
    3
  ],
  "e": {"only": null}
}
"""


@pytest.mark.parametrize(
    ("paths", "changes"),
    [
        ([], []),
        ([("list", 0)], [('[ "x",  "y" , "z"]', '[ "y" , "z"]')]),
        ([("list", 1)], [('[ "x",  "y" , "z"]', '[ "x",  "z"]')]),
        ([("list", 2)], [('[ "x",  "y" , "z"]', '[ "x",  "y"]')]),
        ([("list", 1), ("list", 2)], [('[ "x",  "y" , "z"]', '[ "x"]')]),
        ([("list", 0), ("list", 2)], [('[ "x",  "y" , "z"]', '[ "y"]')]),
        ([("list", 0), ("list", 1), ("list", 2)], [('[ "x",  "y" , "z"]', "[]")]),
        ([("long", 1)], [('    {"c\\u0022": "]},"},\n', "")]),
        ([("long", 0), ("long", 2)], [('    {"b": [1, 2]},\n', ""), (',\n    3\n', "\n")]),
        ([("long", 0, "b", 1), ("a",)], [("[1, 2]", "[1]"), ('"a": 1,\n  ', "")]),
        ([("e", "only")], [('{"only": null}', "{}")]),
        ([("e",)], [(',\n  "e": {"only": null}', "")]),
        ([("long", 1, 'c"')], [('{"c\\u0022": "]},"}', "{}")]),
    ],
)  # fmt: skip
def test_what_stands_around_is_not_touched(paths: list[tuple[str | int, ...]], changes: list[tuple[str, str]]) -> None:
    """Members and items go with the comma that parted them, and nothing else."""
    wanted = TEXT
    for old, new in changes:
        assert wanted.count(old) == 1
        wanted = wanted.replace(old, new)
    found = without(TEXT, paths)
    assert found == wanted
    json.loads(found)


def after(found: Suggestion) -> dict[str, Any]:
    """The changed document, parsed."""
    (source,) = found.after
    parsed: dict[str, Any] = json.loads(source.text)
    return parsed


def suggest(folder: Path, *grants: Grant, **changes: Any) -> Suggestion:
    rules = policy_of(folder, **changes)
    found = suggested(rules, sources(folder), grants)
    (folder / "policy.json").write_bytes(found.after[0].text)
    assert Policy.load(folder).digest == found.rules.digest
    return found


def test_patterns_rules_and_assigned_roles_are_cut_out(folder: Path) -> None:
    """What would be an empty list goes with what has it; a role stays, for others may name it."""
    found = suggest(folder, VIEW_A, EDIT_A, EDIT_B, READ_A, READ_B, GUESTS, ALICE_VIEWS)
    assert (found.removed, found.kept) == ((VIEW_A, EDIT_A, EDIT_B, READ_A, READ_B, GUESTS, ALICE_VIEWS), ())
    alice, *others = DOCUMENT["assignments"]
    assert after(found) == {
        **DOCUMENT,
        "roles": {**DOCUMENT["roles"], "viewer": {"grants": ["read:*"]}, "editor": {"inherits": ["viewer"]}},
        "scopes": {"all": {"grants": ["**"]}},
        "rules": DOCUMENT["rules"][1:],
        "assignments": [{**alice, "roles": ["payer"]}, *others],
    }


def test_an_assignment_without_roles_goes(folder: Path) -> None:
    """And only it, where others give the same role to others."""
    found = suggest(folder, Grant("assignment", "1", "editor"))
    first, _, *others = DOCUMENT["assignments"]
    assert after(found)["assignments"] == [first, *others]


def test_nothing_to_remove_is_no_diff(folder: Path) -> None:
    """The documents are the same bytes."""
    found = suggest(folder)
    assert (found.removed, found.before == found.after, found.diff()) == ((), True, "")


def test_what_a_constraint_rests_on_stays(folder: Path) -> None:
    """With fewer grants it would forbid less: who holds both roles could come to it by another way."""
    found = suggest(folder, PAY, VIEW_A)
    why = "what constraint `four-eyes` forbids depends on it"
    assert (found.removed, found.kept) == ((VIEW_A,), (Kept(grant=PAY, why=why),))


def test_a_permission_that_counts_as_a_role_still_does(folder: Path) -> None:
    """A role of a constraint also counts as held by whoever has a permission that only it grants."""
    roles = {**DOCUMENT["roles"], "payer": {"grants": ["pay:x", "read:a"]}, "approver": {"grants": ["approve:x"]}}
    read = Grant("role", "payer", "read:a")
    found = suggest(folder, read, roles=roles)
    assert found.kept == (Kept(grant=read, why="what constraint `four-eyes` forbids depends on it"),)


def test_what_is_assigned_to_deny_stays(folder: Path) -> None:
    """Nobody needs a role for an allow that is there for a deny rule, or for a constraint."""
    guests = {"issuer": HOME, "subject": "u:eve", "roles": ["guest"]}
    guest = Grant("assignment", "1", "guest")
    found = suggest(folder, guest, ALICE_PAYS, assignments=[DOCUMENT["assignments"][0], guests])
    assert (found.removed, found.kept) == (
        (),
        (
            Kept(grant=guest, why="role `guest` may also deny: deny rule `no-guests` is about it"),
            Kept(grant=ALICE_PAYS, why="role `payer` may also deny: constraint `four-eyes` counts it"),
        ),
    )


def test_the_last_assignment_to_a_group_stays_where_unknown_groups_would_count(folder: Path) -> None:
    """Where no role is given to groups, a token that leaves its groups out is good for everything."""
    name = "https://login.microsoftonline.com/9f8b6a3c-5b7e-4f0a-9d3e-2a1c4b5d6e7f/v2.0"
    entra = {
        "profile": "entra-v2", "audience": "api", "authority": {"user": "roles"}, "keys": {"jwks_file": "k.jwks.json"},
        "algorithms": ["RS256"], "id_prefix": "",
    }  # fmt: skip
    given = [
        {"issuer": name, "group": "staff", "roles": ["editor"]},
        {"issuer": name, "group": "it", "roles": ["editor"]},
    ]
    group, other = Grant("assignment", "0", "editor"), Grant("assignment", "1", "editor")
    assert suggest(folder, group, issuers={name: entra}, assignments=given).removed == (group,)
    found = suggest(folder, group, other, issuers={name: entra}, assignments=given)
    why = f"without it, subjects whose groups are not known have authority (user {name})"
    assert (found.removed, found.kept) == ((), (Kept(grant=group, why=why), Kept(grant=other, why=why)))


def test_what_would_not_load_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was cut out wrongly, nothing is suggested."""
    rules = policy_of(folder)
    monkeypatch.setattr(suggesting, "without", lambda text, paths: text.replace("viewer", "reader", 1))
    with pytest.raises(PolicyError, match="unknown role `viewer`"):
        suggested(rules, sources(folder), [VIEW_A])


LAYOUT = b"""{\r
  "permissions": {"a": "", "b": "\xc3\xa9"},\r
  "roles": {\r
    "r": {"grants": ["a",  "b"]}\r
  },\r
  "issuers": {}\r
}"""


def test_the_diff_is_taken_by_patch_and_by_git(folder: Path) -> None:
    """Byte by byte: with line breaks of Windows, letters beyond ASCII, and no last line break."""
    folder.mkdir()
    two = folder / "two.json"
    two.write_bytes(LAYOUT)
    (folder / "one.json").write_text('{"permissions": {"c": ""},\n "roles": {"q": {"grants": ["c"]}}}\n')
    rules = Policy.load(folder)
    found = suggested(rules, sources(folder), [Grant("role", "r", "a"), Grant("role", "q", "c")])
    diff = found.diff().encode("utf-8", "surrogateescape")
    for command in (["patch", "-p0", "--binary"], ["git", "apply", "-p0"]):
        copy = Path(command[0])
        shutil.copytree(folder, copy / "policies")
        subprocess.run(command, cwd=copy, input=diff, check=True, capture_output=True)
        assert (copy / "policies/two.json").read_bytes() == LAYOUT.replace(b'"a",  "b"', b'"b"')
        assert (copy / "policies/one.json").read_text() == '{"permissions": {"c": ""},\n "roles": {"q": {}}}\n'


@pytest.mark.parametrize("name", ["duckdb", "plain"])
def test_the_log_is_held_against_it(folder: Path, name: str) -> None:
    """Each distinct input is decided by both: nothing may be lost, and nothing gained."""
    ask = Asking(policy_of(folder))
    assert ask("read:b", id="x", roles=["viewer"], scopes=["all"])
    assert ask("read:b", id="y", roles=["viewer"], scopes=["all"])
    assert ask("read:b", "write:b", scopes=["all"])
    assert not ask("write:a", id="x", roles=["viewer"], scopes=["all"])
    assert not ask("pay:x", id="x", roles=["payer", "approver"], permissions=["pay:x"], scopes=["all"])
    files = [ask.write(Path("audit"))]

    def proof(*grants: Grant, to: Policy | None = None) -> Proof:
        found = suggested(ask.rules, sources(folder), grants)
        if to is not None:
            found = Suggestion(removed=grants, kept=(), before=(), after=(), rules=to)
        return proved(engine(name), files, ask.rules, found)

    assert proof(VIEW_A, EDIT_A, READ_A, ALICE_VIEWS) == Proof(inputs=4, records=5, lost=0, gained=0)
    assert proof(VIEW_ALL) == Proof(inputs=4, records=5, lost=3, gained=0)
    assert proof(Grant("assignment", "1", "editor")) == Proof(inputs=4, records=5, lost=2, gained=0)
    freed = policy_of(Path("other"), constraints=[])
    assert proof(to=freed) == Proof(inputs=4, records=5, lost=0, gained=1)
    assert not proof(to=freed).holds
