"""Where an OpenAPI document and the marks disagree."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from flask import Flask

from policy.errors import PolicyError
from policy.flask.openapi import (
    Described,
    Key,
    Security,
    described,
    is_answered_by_flask,
    look_up,
    operations,
    version_of,
)

Kind = Literal["missing-operation", "missing-security", "wrong-security", "undeclared", "no-route"]
#: Alternatives as sets of names; `None` is the one that asks for no token.
Alternatives = frozenset[frozenset[str] | None]


class Drift(NamedTuple):
    """One operation on which document and marks disagree."""

    kind: Kind
    operation: str
    message: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.message}"


def drift(app: Flask, document: Mapping[str, Any]) -> tuple[Drift, ...]:
    """All of them: by the document's order, then routes that it does not have.

    A route that is public need not be in the document. Names are compared, not which scheme of the document has them.
    `PolicyError` where it is no OpenAPI document.
    """
    version_of(document)
    found = described(app)
    documented = dict(operations(document, found))
    differing = (
        _compared(key, look_up(found, key), operation.get("security", document.get("security")))
        for key, operation in documented.items()
        if not is_answered_by_flask(app, key) or key in found
    )
    return (*(one for one in differing if one), *_missing(found, documented))


def _missing(found: Mapping[Key, Described], documented: Iterable[Key]) -> Iterator[Drift]:
    """The routes that the document does not have."""
    known = set(documented)
    for key, one in found.items():
        if key in known:
            continue
        if one.security is None or _alternatives(one.security) != {None}:
            message = f"the document does not have it; {_marks(one)}"
            yield Drift("missing-operation", _name(key, one), message)


def _compared(key: Key, one: Described | None, written: Any) -> Drift | None:
    if one is None:
        return Drift("no-route", _name(key, None), "the document has it, and no route answers it")
    if one.security is None:
        return Drift("undeclared", _name(key, one), "the document has it, and nothing is declared for the route")
    wanted = _alternatives(one.security)
    if written is None and wanted != {None}:
        return Drift("missing-security", _name(key, one), f"the document asks for nothing; {_marks(one)}")
    says = _alternatives(_checked(key, written or []))
    if says != wanted:
        return Drift("wrong-security", _name(key, one), f"the document asks for {_words(says)}; {_marks(one)}")
    return None


def _checked(key: Key, written: Any) -> Security:
    requirements = written if isinstance(written, list) else [written]
    lists = [names for one in requirements if isinstance(one, dict) for names in one.values()]
    if not all(isinstance(one, dict) for one in requirements) or not all(isinstance(names, list) for names in lists):
        raise PolicyError(f"the document's `security` of {_name(key, None)} is no list of requirements")
    return requirements


def _name(key: Key, one: Described | None) -> str:
    return f"{key.method.upper()} {one.path if one else key.path}"


def _marks(one: Described) -> str:
    if one.security is None:
        return "nothing is declared for the route"
    return f"the marks ask for {_words(_alternatives(one.security))}"


def _alternatives(security: Security) -> Alternatives:
    """What is asked for, without alternatives that ask for more than another; an empty list asks for nothing."""
    named = [frozenset(name for names in each.values() for name in map(str, names)) for each in security if each]
    smallest: set[frozenset[str] | None] = {one for one in named if not any(other < one for other in named)}
    return frozenset(smallest | ({None} if len(named) < len(security) or not security else set()))


def _words(alternatives: Alternatives) -> str:
    words = (_names(one) for one in alternatives)
    return " or ".join(sorted(words))


def _names(names: frozenset[str] | None) -> str:
    if names is None:
        return "nothing"
    return " and ".join(f"`{name}`" for name in sorted(names)) or "any token"
