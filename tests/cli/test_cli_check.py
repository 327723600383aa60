"""`policy check` reports everything that is wrong, in four formats."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import HOME, PARTNER, Program, write_policy

SOUND = "3 permissions, 3 roles, 1 scope, 1 rule, 1 assignment, 1 constraint, 2 issuers"
SHED = (
    f"warning: policies/policy.json, rules[0]: the deny rule `hands-off` is shed for tokens of `{PARTNER}`: "
    "`asserts.roles` leaves out `trainee`, which no assignment gives either\n"
)
BROKEN = '{"permissions": {"read:data": ""},\n "roles": {"a": {"grants": ["reed:data"]},\n  "b": {"grants": []}}}'
DOUBTFUL = {
    "permissions": {"read:data": ""},
    "roles": {"viewer": {"grants": ["read:data"]}},
    "rules": [],
    "scopes": {},
    "assignments": [],
    "constraints": [],
    "issuers": {
        HOME: {
            "profile": "plain", "audience": "a", "algorithms": ["ES256"], "keys": {"jwks_file": "home.jwks.json"},
            "authority": {"user": "scopes"},
        },
    },
}  # fmt: skip
DOUBT = "what the role `viewer` grants can never matter: every authority is `scopes`"


@pytest.fixture
def broken(here: Path) -> Path:
    """A policy file with two mistakes."""
    path = Path("a,b%.json")
    path.write_text(BROKEN)
    return path


@pytest.fixture
def doubtful(here: Path) -> Path:
    """A sound policy with a warning."""
    return write_policy(Path("policies"), **DOUBTFUL)


def test_a_sound_policy_is_summed_up(program: Program, folder: Path) -> None:
    """One line a path, and status 0."""
    assert program("check", "policies") == (0, f"{SHED}policies: sound: {SOUND}; 1 warning\n", "")


def test_a_key_that_is_not_here_is_told_but_no_finding(
    program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret belongs to where the application runs."""
    monkeypatch.delenv("PARTNER_SECRET")
    assert program("check", "policies") == (
        0,
        f'{SHED}note: policies/policy.json, issuers["{PARTNER}"].keys.env, line {_line(PARTNER)}: '
        "the variable `PARTNER_SECRET` is not set\n"
        f"policies: sound: {SOUND}; 1 warning, 1 key not seen\n",
        "",
    )


def _line(text: str) -> int:
    lines = Path("policies/policy.json").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if f'"{text}": {{' in line)


def test_a_key_that_is_wrong_is_a_finding(program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short secret and a missing key set would stop the application."""
    monkeypatch.setenv("PARTNER_SECRET", "short")
    Path("policies/home.jwks.json").write_text("[]")
    assert program("check", "policies") == (
        1,
        f'{SHED}policies/policy.json, issuers["{HOME}"].keys.jwks_file, line {_line(HOME)}: '
        "it is no strict JSON object: it is not an object\n"
        f'policies/policy.json, issuers["{PARTNER}"].keys.env, line {_line(PARTNER)}: '
        "`HS256` needs a secret of at least 32 bytes, this one has 5\n"
        "policies: 2 problems, 1 warning\n",
        "",
    )


def test_each_path_has_its_block(program: Program, folder: Path, broken: Path) -> None:
    """One broken policy does not hide the others."""
    ran = program("check", str(broken), "policies")
    assert ran == (
        1,
        "a,b%.json, roles.a.grants[0], line 2: unknown permission `reed:data`; did you mean `read:data`?\n"
        "a,b%.json, roles.b.grants, line 3: must not be empty\n"
        "a,b%.json: 2 problems\n"
        "\n"
        f"{SHED}policies: sound: {SOUND}; 1 warning\n",
        "",
    )


def test_warnings_fail_only_if_that_is_wanted(program: Program, doubtful: Path) -> None:
    """`--strict` makes findings of them."""
    line = f"warning: policies/policy.json, roles.viewer.grants: {DOUBT}\n"
    counts = "1 permission, 1 role, 0 scopes, 0 rules, 0 assignments, 0 constraints, 1 issuer"
    assert program("check", "policies") == (0, f"{line}policies: sound: {counts}; 1 warning\n", "")
    assert program("check", "--strict", "policies") == (1, f"{line}policies: 1 warning\n", "")


def test_json_has_everything(program: Program, broken: Path, doubtful: Path) -> None:
    """Keys are the same for a sound policy and a broken one."""
    ran = program("check", "--format", "json", "policies", str(broken))
    found = json.loads(ran.out)
    assert (ran.status, found["sound"]) == (1, False)
    sound, unsound = found["paths"]
    assert list(sound) == list(unsound) == ["path", "sound", "digest", "counts", "findings"]
    assert (sound["sound"], len(sound["digest"]), sound["counts"]["issuer"]) == (True, 64, 1)
    assert sound["findings"] == [
        {"rule": "doubt", "level": "warning", "file": "policies/policy.json", "line": 0,
         "path": "roles.viewer.grants", "message": DOUBT, "count": 1},
    ]  # fmt: skip
    assert (unsound["sound"], unsound["digest"], len(unsound["findings"])) == (False, None, 2)


def test_github_commands_are_escaped(program: Program, broken: Path, doubtful: Path) -> None:
    """A comma, a colon or a percent sign in a name ends neither the property nor the command."""
    ran = program("check", "--format", "github", str(broken), "policies")
    assert ran.status == 1
    assert ran.out == (
        "::error file=a%2Cb%25.json,line=2,title=A policy document is wrong::"
        "roles.a.grants[0]: unknown permission `reed:data`; did you mean `read:data`?\n"
        "::error file=a%2Cb%25.json,line=3,title=A policy document is wrong::roles.b.grants: must not be empty\n"
        "a,b%.json: 2 problems\n"
        "::warning file=policies/policy.json,title=A policy document is sound%2C but says what is hardly meant::"
        f"roles.viewer.grants: {DOUBT}\n"
        "policies: sound: 1 permission, 1 role, 0 scopes, 0 rules, 0 assignments, 0 constraints, 1 issuer; 1 warning\n"
    )


def test_sarif_is_a_log_with_one_run(program: Program, broken: Path, doubtful: Path) -> None:
    """Every result names one of the listed rules, and places are percent-encoded addresses with lines from 1."""
    ran = program("check", "--format", "sarif", str(broken), str(doubtful.absolute()))
    log = json.loads(ran.out)
    assert (ran.status, log["version"], len(log["runs"])) == (1, "2.1.0", 1)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])
    assert run["results"][0] == {
        "ruleId": "document", "ruleIndex": 0, "level": "error",
        "message": {"text": "roles.a.grants[0]: unknown permission `reed:data`; did you mean `read:data`?"},
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": "a%2Cb%25.json"}, "region": {"startLine": 2}},
            "logicalLocations": [{"fullyQualifiedName": "roles.a.grants[0]"}],
        }],
    }  # fmt: skip
    last: dict[str, Any] = run["results"][-1]["locations"][0]["physicalLocation"]
    assert last == {"artifactLocation": {"uri": (doubtful.absolute() / "policy.json").as_uri()}}
    assert run["results"][-1]["level"] == "warning"


def test_equal_mistakes_are_counted_and_long_lists_are_cut(program: Program, here: Path) -> None:
    """Text ends after fifty findings with the total; the other formats have all of them."""
    roles = {f"r{number}": {"grants": [f"x{number}"]} for number in range(60)}
    Path("p.json").write_text(json.dumps({"permissions": {"a": ""}, "roles": roles, "rules": [{}]}))
    ran = program("check", "p.json")
    lines = ran.out.splitlines()
    total = len(json.loads(program("check", "--format", "json", "p.json").out)["paths"][0]["findings"])
    assert ran.status == 1
    assert total > 60
    assert (len(lines), lines[-1]) == (52, f"p.json: {total} problems")
    assert lines[-2] == f"... and more: {total} findings in all, the first 50 are shown"


def test_what_is_not_there_is_status_2(program: Program, doubtful: Path) -> None:
    """A path that does not exist is a mistake of the call, not of a policy."""
    assert program("check", "policies", "nowhere", "gone") == (
        2, "", "policy: `nowhere`: there is no such file or folder\npolicy: `gone`: there is no such file or folder\n"
    )  # fmt: skip


def test_a_hostile_document_cannot_forge_lines_or_colours(program: Program, here: Path) -> None:
    """Control characters of a document are escaped in every line that is printed."""
    Path("p.json").write_text(json.dumps({"permissions": {"a\n::error::\x1b[31m": ""}}))
    for form in ("text", "github", "json", "sarif"):
        out = program("check", "--format", form, "p.json").out
        assert "\x1b" not in out
        assert "\n::error::" not in out
