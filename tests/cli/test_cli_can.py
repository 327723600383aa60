"""`policy can` answers as the library does, for subjects that the arguments describe."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import HOME, PARTNER, Program

ALLOWED = """\
allowed read:data
  User `someone` of `https://id.example.com/` asks for `read:data`.
  Authority is `roles-and-scopes`: a role must grant it and a scope must cover it.
  Roles held: `senior editor`.
  Role `senior editor` grants it by `*:data`.
  Covered by scope `read:data`.
  Allowed (allowed): everything the policy asks for is there.
"""
DENIED = """\
denied update:data: no-role-grants-it
  User `alice` asks for `update:data`.
  Authority is `roles`: a role must grant it; scopes do not count.
  Roles held: `viewer`.
  No role held grants `update:data`.
  Denied (no-role-grants-it): no role of the subject grants it.
  Smallest change that would allow: give role `senior editor`.
"""


def test_an_allow_is_the_first_line_and_status_0(program: Program, folder: Path) -> None:
    """Role names may have spaces, and the explanation follows the verdict."""
    ran = program("can", "--issuer", HOME, "--roles", "senior editor", "--scopes", "read:data", "read:data")
    assert ran == (0, ALLOWED, "")


def test_a_denial_names_its_reason_and_is_status_1(program: Program, folder: Path) -> None:
    """A subject without an issuer says by itself what counts."""
    ran = program("can", "--authority", "roles", "--subject", "alice", "--roles", "viewer", "update:data")
    assert ran == (1, DENIED, "")


def test_json_is_the_decision(program: Program, folder: Path) -> None:
    """`--json` prints the decision and its explanation as one document."""
    ran = program("can", "--json", "--authority", "scopes", "--scopes", "data.full,openid", "read:data")
    found = json.loads(ran.out)
    assert (ran.status, ran.err) == (0, "")
    assert (found["allowed"], found["reason"], found["covering_scopes"]) == (True, "allowed", ["data.full"])
    assert found["subject"] == {"id": "someone", "issuer": None, "kind": "user"}


def test_the_list_is_aligned_and_names_conditional_permissions(program: Program, folder: Path) -> None:
    """What needs a stronger login is told apart from what is granted at once."""
    ran = program("can", "--authority", "roles", "--roles", "senior editor", "--list")
    assert ran.status == 0
    assert ran.out == (
        "granted      read:data    Read records\n"
        "granted      update:data  Change a record\n"
        "conditional  delete:data  Remove a record (asks for a stronger or more recent login)\n"
    )


def test_the_list_may_be_empty_or_json(program: Program, folder: Path) -> None:
    """Nothing is an answer too."""
    assert program("can", "--authority", "roles", "--list") == (0, "nothing is granted\n", "")
    found = json.loads(program("can", "--authority", "scopes", "--scopes", "read:data", "--list", "--json").out)
    assert (found["granted"], found["conditional"], found["subject"]["scopes"]) == (["read:data"], [], ["read:data"])


def test_assignments_and_assertions_of_the_issuer_count(program: Program, folder: Path) -> None:
    """The subject is read from claims as a token of the issuer would have them."""
    assert program("can", "--issuer", HOME, "--subject", "carol", "--scopes", "read:data", "read:data").status == 0
    ran = program("can", "--issuer", PARTNER, "--roles", "senior editor", "read:data")
    assert ran.status == 1
    assert "User `p|someone` of" in ran.out
    assert "Role `senior editor` is not the issuer's to assert." in ran.out


def test_machines_tenants_and_direct_permissions_are_written_as_the_issuer_does(program: Program, folder: Path) -> None:
    """Whatever the claims look like, the arguments are the same."""
    machine = ("can", "--issuer", PARTNER, "--kind", "machine", "--subject", "job")
    assert program(*machine, "--scopes", "read:data", "read:data").status == 0
    assert program("can", "--issuer", PARTNER, "--permissions", "read:data", "read:data").status == 0
    tenant = ("can", "--issuer", PARTNER, "--roles", "viewer", "--tenant", "acme", "read:data")
    assert program(*tenant).status == 0
    assert program("can", "--authority", "roles", "--roles", "viewer", "--tenant", "acme", "read:data").status == 0


def test_names_the_policy_does_not_have_are_warned_of(program: Program, folder: Path) -> None:
    """Misspelt names grant nothing, which a person should be told; ordinary foreign scopes are not mentioned."""
    ran = program(
        "can",
        "--authority",
        "roles",
        "--roles",
        "veiwer",
        "--scopes",
        "openid read:dta",
        "--permissions",
        "x",
        "read:data",
    )
    assert ran.status == 1
    assert ran.err == (
        "policy: warning: the policy has no role `veiwer`; did you mean `viewer`?\n"
        "policy: warning: the policy has no scope `read:dta`; did you mean `read:data`?\n"
        "policy: warning: the policy has no permission `x`\n"
    )


@pytest.mark.parametrize(
    ("args", "fault"),
    [
        (("--authority", "roles"), "give either a PERMISSION or --list"),
        (("--authority", "roles", "--list", "read:data"), "give either a PERMISSION or --list"),
        (("--authority", "roles", "read:dta"), "unknown permission `read:dta`; did you mean `read:data`?"),
        (("read:data",), f"say which issuer with --issuer; the policy has `{HOME}`, `{PARTNER}`"),
        (("--issuer", "https://id.example.org/", "read:data"),
         f"the policy has no issuer `https://id.example.org/`; did you mean `{HOME}`?"),
        (("--issuer", HOME, "--permissions", "read:data", "read:data"),
         f"the policy reads no permissions from the tokens of `{HOME}`"),
        (("--issuer", HOME, "--kind", "machine", "--client", "app", "read:data"),
         f"`{HOME}` would take such a token for one of kind `user`, not `machine`"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_status_2(program: Program, folder: Path, args: tuple[str, ...], fault: str) -> None:
    """Wrong names come with the nearest right one."""
    assert program("can", *args) == (2, "", f"policy: {fault}\n")


def test_a_policy_that_does_not_load_is_status_2_with_all_its_problems(program: Program, here: Path) -> None:
    """Other commands than `check` cannot run on it."""
    Path("policies").mkdir()
    Path("policies/a.json").write_text('{"permissions": {"a": ""}, "roles": {"r": {"grants": ["b"]}}, "x": 1}')
    ran = program("can", "--authority", "roles", "a")
    assert (ran.status, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 2
    assert all(line.startswith("policy: policies/a.json, ") for line in ran.err.splitlines())
