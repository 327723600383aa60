"""Documents that nobody would write in good faith: they are refused like any other, and as soon."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.document import Source, json_schema, read
from policy.document.wording import in_words
from policy.errors import PolicyError

WHOLE: dict[str, Any] = {
    "$schema": "x",
    "permissions": {
        "read:data": "Read",
        "delete:data": {"description": "Go", "step_up": {"acr": ["mfa"], "max_age": 9}},
    },
    "roles": {"viewer": {"grants": ["read:*"]}, "editor": {"inherits": ["viewer"], "grants": ["delete:data"]}},
    "scopes": {"all": {"description": "All", "grants": ["**"]}},
    "rules": [
        {"id": "a", "effect": "allow", "permissions": ["read:data"], "everyone": True},
        {"id": "d", "effect": "deny", "permissions": ["**"], "roles": ["viewer"], "message": "No"},
    ],
    "assignments": [{"issuer": "i", "subject": "a:*", "client": "c", "group": "g", "tenant": "t", "roles": ["viewer"]}],
    "constraints": [{"id": "c", "kind": "separation-of-duty", "roles": ["viewer", "editor"], "limit": 1}],
    "issuers": {
        "i": {
            "profile": "plain",
            "audience": ["a"],
            "audience_claim": "aud",
            "algorithms": ["RS256"],
            "keys": {"jwks": {"keys": [{"kty": "RSA", "n": "x"}]}},
            "authority": {"user": "roles"},
            "claims": {"roles": {"path": ["r"], "format": "list"}, "groups": [{"path": ["g"], "format": "list"}]},
            "kinds": {"machine": [{"path": ["a"], "same_as": ["b"], "suffix": "c"}], "user": "otherwise"},
            "typ": ["JWT"],
            "asserts": {"roles": ["*"], "tenants": ["t"], "permissions": ["read:*"]},
            "id_prefix": "",
        }
    },
    "tenancy": "required",
}
SURROGATES = st.sampled_from(["\ud800", "\udfff", "a\udc00", "\udc00\ud800", "\ud83d", "\ufffd\ud800"])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every member and item."""
    steps = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [path, *(found for step in steps for found in places(value[step], (*path, step)))][0 if path else 1 :]


def spoilt(value: Any, path: tuple[Any, ...], odd: str, way: str) -> Any:
    """The value with a lone surrogate at the path: as a value, as a key, or as one more key."""
    step, *rest = path
    if isinstance(value, list):
        return [
            (spoilt(each, tuple(rest), odd, way) if rest else odd) if index == step else each
            for index, each in enumerate(value)
        ]
    if rest:
        return {key: spoilt(each, tuple(rest), odd, way) if key == step else each for key, each in value.items()}
    if way == "value":
        return {**value, step: odd}
    kept = {key: each for key, each in value.items() if key != step or way == "more"}
    return {**kept, odd: value[step]}


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.tuples(st.sampled_from(places(WHOLE)), SURROGATES, st.sampled_from(["value", "key", "more"])), min_size=1
    )
)
def test_a_lone_surrogate_is_told_wherever_it_stands(changes: list[tuple[tuple[Any, ...], str, str]]) -> None:
    """However keys and values are spoilt, the document is refused for its lone surrogates, and no other error comes."""
    document = WHOLE
    for path, odd, way in changes:
        if path in places(document):
            document = spoilt(document, path, odd, way)
    with pytest.raises(PolicyError, match="has a lone surrogate, which is no character"):
        read([Source("a.json", json.dumps(document).encode())])


def test_many_lone_surrogates_are_told_at_once() -> None:
    """A hundred thousand of them, as keys and as values, come to an end."""
    permissions = {f"{number}\ud800": "\udfff" for number in range(100_000)}
    with pytest.raises(PolicyError) as caught:
        read([Source("a.json", json.dumps({"permissions": permissions}).encode())])
    assert [problem.message for problem in caught.value.problems] == [
        "the key has a lone surrogate, which is no character"
    ]


@pytest.mark.parametrize("rest", [b'\\"', b'"\\', b"\\", b'"', b'"\\"', b"["])
def test_two_megabytes_of_quotes_and_backslashes_are_refused_at_once(rest: bytes) -> None:
    """Text that is not JSON is looked through in one pass, whatever is left open in it."""
    with pytest.raises(PolicyError, match=r"^a\.json, line 1: (not JSON|nested too deep: more than 64 levels)"):
        read([Source("a.json", b'{"a":[' + rest * (2_000_000 // len(rest)))])


def test_many_unknown_names_among_very_many_are_told_at_once() -> None:
    """Hints for unknown roles among 50,000 are looked for without comparing each with each."""
    roles: dict[str, Any] = {f"role-number-{number}": {} for number in range(50_000)}
    wrong = {f"x{number}": {"inherits": [f"role-numbr-{number}"]} for number in range(25)}
    with pytest.raises(PolicyError) as caught:
        read([Source("a.json", json.dumps({"permissions": {"a": "b"}, "roles": {**roles, **wrong}}).encode())])
    assert [(problem.message, problem.hint) for problem in caught.value.problems] == [
        (f"unknown role `role-numbr-{number}`", f"did you mean `role-number-{number}`?" if number < 20 else "")
        for number in range(25)
    ]


def test_a_kind_of_mistake_that_is_not_known_has_a_sentence() -> None:
    """What a later pydantic may find wrong is a problem like any other."""
    assert in_words("a_new_kind", {}, object()) == "has a value that cannot be used"


SECTIONS = st.sampled_from([*json_schema()["properties"], "rolls", "id", "roles", "path", "keys", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5) | st.just("a"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SECTIONS | st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(SECTIONS, VALUES) | VALUES)
def test_any_json_is_read_or_refused(value: Any) -> None:
    """Whatever JSON comes in, what comes out is a document or a `PolicyError`."""
    with suppress(PolicyError):
        read([Source("a.json", json.dumps(value).encode())])


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text('[]{}",:\\u0ad8 1eE-.', max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    """Whatever bytes come in, they are refused with a `PolicyError`."""
    with pytest.raises(PolicyError):
        read([Source("a.json", text)])
