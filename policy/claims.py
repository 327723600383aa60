"""Reading single claims: by array path and format, each kind of value by a function that is made once."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from policy.errors import TokenRefused
from policy.model import ClaimPath, ClaimSource, ClaimTest, Format
from policy.reasons import Reason
from policy.subject import NONE, BoundRole

Claims = Mapping[str, Any]
Names = frozenset[str]
SetReader = Callable[[Claims], Names]

ABSENT: Final = object()
LATEST: Final = 253402300799
"""The last second of the year 9999; a NumericDate (RFC 7519 section 2) past it is taken for a mistake."""


def lookup(claims: Claims, path: ClaimPath) -> Any:
    """The value at an array path, or `ABSENT`; `token-claim-type` where a step on the way is not an object."""
    value: Any = claims
    for done, step in enumerate(path):
        if type(value) is not dict and done:
            raise _wrong_type(path[:done], "an object", value)
        value = value.get(step, ABSENT)
        if value is ABSENT:
            return ABSENT
    return value


def _wrong_type(path: ClaimPath, wanted: str, seen: Any) -> TokenRefused:
    return TokenRefused(Reason.TOKEN_CLAIM_TYPE, f"claim {shown(path)} must be {wanted}, not {_type_name(seen)}")


def shown(path: ClaimPath) -> str:
    """A claim's path as it stands in messages."""
    return "`" + " > ".join(path) + "`"


def _type_name(value: Any) -> str:
    names = {str: "a string", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "null")


def _split(value: Any, path: ClaimPath) -> Names:
    if type(value) is not str:
        raise _wrong_type(path, "a space-delimited string", value)
    found = frozenset(value.split(" "))
    return found - {""} if "" in found else found


def _items(value: Any, path: ClaimPath) -> Names:
    if type(value) is not list:
        raise _wrong_type(path, "a list of strings", value)
    try:
        "".join(value)  # the quickest way to see that all are strings
    except TypeError:
        raise _wrong_type(path, "a list of strings", next(item for item in value if type(item) is not str)) from None
    return frozenset(value)


def _keys(value: Any, path: ClaimPath) -> Names:
    if type(value) is not dict:
        raise _wrong_type(path, "an object", value)
    return frozenset(value)


def _one(value: Any, path: ClaimPath) -> Names:
    if type(value) is not str:
        raise _wrong_type(path, "a string", value)
    return frozenset((value,))


_PARSERS: Final[Mapping[Format, Callable[[Any, ClaimPath], Names]]] = {
    "space-delimited": _split,
    "list": _items,
    "object-keys": _keys,
    "string": _one,
}


def _pairs(value: Any, path: ClaimPath) -> Iterable[BoundRole]:
    for role in _keys(value, path):
        for tenant in _keys(value[role], (*path, role)):
            yield role, tenant


def set_reader(sources: Iterable[ClaimSource]) -> SetReader | None:
    """A function that reads the union of all sources but the tenant-bound ones; `None` where there is no source."""
    plain = [(source.path, _PARSERS[source.format]) for source in sources if source.format in _PARSERS]
    if not plain:
        return None
    if len(plain) == 1 and len(plain[0][0]) == 1:
        return _top_level_reader(*plain[0])

    def read(claims: Claims) -> Names:
        values = [(lookup(claims, path), path, parse) for path, parse in plain]
        return NONE.union(*(parse(value, path) for value, path, parse in values if value is not ABSENT))

    return read


def _top_level_reader(path: ClaimPath, parse: Callable[[Any, ClaimPath], Names]) -> SetReader:
    """The usual case, a single claim at the top, without a loop: it is on the way of every request."""
    (key,) = path

    def read(claims: Claims) -> Names:
        value = claims.get(key, ABSENT)
        return NONE if value is ABSENT else parse(value, path)

    return read


def bound_reader(sources: Iterable[ClaimSource]) -> Callable[[Claims], frozenset[BoundRole]] | None:
    """A function that reads (role, tenant) pairs; `None` where no source has them."""
    paths = [source.path for source in sources if source.format == "object-tenants"]
    if not paths:
        return None

    def read(claims: Claims) -> frozenset[BoundRole]:
        values = [(lookup(claims, path), path) for path in paths]
        return frozenset(pair for value, path in values if value is not ABSENT for pair in _pairs(value, path))

    return read


def text_reader(sources: Iterable[ClaimSource]) -> Callable[[Claims], str | None] | None:
    """The first source that is there; every source that is there must be a string."""
    paths = [source.path for source in sources]
    if not paths:
        return None

    def read(claims: Claims) -> str | None:
        present = [(value, path) for path in paths if (value := lookup(claims, path)) is not ABSENT]
        for value, path in present:
            if type(value) is not str:
                raise _wrong_type(path, "a string", value)
        return present[0][0] if present else None

    return read


def number(claims: Claims, sources: Iterable[ClaimSource]) -> float | None:
    """The first source that is there, a time in seconds since 1970."""
    for source in sources:
        value = lookup(claims, source.path)
        if value is not ABSENT:
            if type(value) not in (int, float):
                raise _wrong_type(source.path, "a number", value)
            if not 0 <= value <= LATEST:
                raise TokenRefused(Reason.TOKEN_CLAIM_TYPE, f"claim {shown(source.path)} is not a time in seconds")
            return value  # type: ignore[no-any-return]  # its type was just looked at
    return None


def holds(claims: Claims, test: ClaimTest) -> bool:
    """Whether a test on a claim holds. A claim that is absent equals nothing, and is the same as nothing."""
    found = _holds_itself(claims, test)
    if not found and test.alternatives:
        found = any(_holds_itself(claims, other) for other in test.alternatives)
    return found is not test.negated


def _holds_itself(claims: Claims, test: ClaimTest) -> bool:
    value = lookup(claims, test.path)
    if test.exists is not None:
        return (value is not ABSENT) is test.exists
    if test.same_as is None:
        return type(value) is type(test.equals) and value == test.equals
    other = lookup(claims, test.same_as)
    return type(value) is str and type(other) is str and value == other + test.suffix
