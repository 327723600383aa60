"""The exact words of every mistake that a document can have."""

import json
from pathlib import Path
from typing import Any

import pytest

from policy.document import Source, read
from policy.errors import SHOWN_AT_MOST, PolicyError, Problem

MISTAKES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("mistakes.json").read_text("utf-8"))


def said(*texts: bytes, **how: int) -> str:
    """What is said about documents `policies/a.json`, `policies/b.json` and so on."""
    with pytest.raises(PolicyError) as caught:
        read((Source(f"policies/{name}.json", text) for name, text in zip("abc", texts, strict=False)), **how)
    return str(caught.value)


@pytest.mark.parametrize("case", MISTAKES, ids=[case["mistake"] for case in MISTAKES])
def test_says_what_is_wrong_and_where(case: dict[str, Any]) -> None:
    """Every mistake is told with its file, path and line, and nothing else is."""
    assert said(*(text.encode() for text in case["documents"])) == "\n".join(case["says"])


def test_not_utf_8() -> None:
    """A byte that is not UTF-8 is told with its line."""
    assert said(b'{"a":\n "\xff"}') == "policies/a.json, line 2: not UTF-8"


@pytest.mark.parametrize("depth", [65, 900, 100_000])
@pytest.mark.parametrize("text", ["[", "[]", '{"a":'])
def test_nested_too_deep(depth: int, text: str) -> None:
    """Nesting has one limit, whatever Python's own is and whether or not the brackets are closed."""
    nested = "[" * depth + "]" * depth if text == "[]" else text * depth
    assert said(nested.encode()) == "policies/a.json, line 1: nested too deep: more than 64 levels"


def test_nested_as_deep_as_allowed() -> None:
    """The limit itself is fine, so the next thing is told."""
    assert said(b"[" * 64 + b"]" * 64) == "policies/a.json, line 1: must be an object, not a list"


@pytest.mark.parametrize("digits", [16, 5000])
def test_integer_too_long(digits: int) -> None:
    """An integer longer than any that is needed is refused in our words, not in Python's."""
    text = '{"permissions": {"a": {"step_up": {"max_age": ' + "9" * digits + "}}}}"
    shown = "9" * digits if digits <= 80 else "9" * 80 + "…"
    where = "policies/a.json, permissions.a.step_up.max_age, line 1"
    assert said(text.encode()) == f"{where}: the integer `{shown}` is too large"


def test_too_large() -> None:
    """A document over the limit is refused before it is parsed."""
    assert said(b"{}" * 10, max_bytes=19) == "policies/a.json: too large: 20 bytes, where 19 bytes are allowed"
    assert said(b" " * (2**20 + 1), max_bytes=2**20) == (
        "policies/a.json: too large: 1048577 bytes, where 1 MiB are allowed"
    )


def test_no_documents() -> None:
    """No document at all is no policy."""
    assert said() == "there are no policy documents"


def test_all_problems_at_once() -> None:
    """Mistakes of every stage are told together, in the order of the text."""
    text = b"""{
      "permissions": {"a": "x", "a": "y", "email": "z"},
      "roles": {"r": {"grants": ["b"]}, "s": {"grant": []}},
      "rules": [{"id": 1}, {"id": "q", "effect": "allow", "permissions": ["a"]}],
      "assignments": [{"issuer": "i", "subject": "u", "roles": ["t"]}]
    }"""
    assert said(text).split("\n") == [
        "policies/a.json, permissions.a, line 2: `a` stands twice in one object, first on line 2",
        "policies/a.json, permissions.email, line 2: `email` is a standard scope of OpenID Connect, so the permission "
        "needs another name",
        "policies/a.json, roles.s.grant, line 3: unknown key `grant`; did you mean `grants`?",
        "policies/a.json, roles.r.grants[0], line 3: unknown permission `b`",
        "policies/a.json, rules[0].id, line 4: must be a text, not an integer",
        "policies/a.json, rules[0], line 4: `effect` is missing",
        "policies/a.json, rules[0], line 4: `permissions` is missing",
        "policies/a.json, rules[1], line 4: an allow rule without `roles` would be for everyone; if so, say "
        '`"everyone": true`',
        "policies/a.json, assignments[0].issuer, line 5: unknown issuer `i`",
        "policies/a.json, assignments[0].roles[0], line 5: unknown role `t`",
    ]


def test_equal_causes_are_counted() -> None:
    """The same mistake in many places is told once, with the first place and a count."""
    roles = {f"r{number}": {"grants": ["reed"]} for number in range(1000)}
    text = json.dumps({"permissions": {"read": "x"}, "roles": roles}).encode()
    where = "policies/a.json, roles.r0.grants[0], line 1"
    assert said(text) == f"{where}: unknown permission `reed`; did you mean `read`? (1000 times)"


def test_hints_stop_after_twenty() -> None:
    """Only the first twenty mistakes cost the search for what may have been meant."""
    roles = {f"r{number:02}": {"grants": [f"read:dat{number:02}"]} for number in range(30)}
    text = json.dumps({"permissions": {"read:data": "x"}, "roles": roles}).encode()
    assert [("did you mean" in line) for line in said(text).split("\n")] == [True] * 20 + [False] * 10


def test_a_hundred_thousand_mistakes() -> None:
    """Many different mistakes come to an end, and the output is capped with the total."""
    given = ({"issuer": "i", "subject": f"u{number}", "roles": [f"r{number}"]} for number in range(100_000))
    text = json.dumps({"permissions": {"a": "b"}, "assignments": list(given)}).encode()
    lines = said(text).split("\n")
    assert len(lines) == SHOWN_AT_MOST + 1
    assert lines[-1] == "... and more: 200000 problems in all, the first 50 are shown"


def test_a_problem_is_a_value() -> None:
    """A program gets the parts of a message apart."""
    with pytest.raises(PolicyError) as caught:
        read([Source("a.json", b'{"permissions": {"a": ""},\n"rolls": {}}')])
    problem = Problem(file="a.json", line=2, path="rolls", message="unknown key `rolls`", hint="did you mean `roles`?")
    assert caught.value.problems == (problem,)
