"""What a token for a test is asked to say, and the error where it cannot."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypedDict, Unpack

from policy.demand import UNSAID, Unsaid
from policy.errors import ClaimsPolicyError
from policy.model import Issuer, Kind
from policy.nearest import did_you_mean

MANY = ("roles", "bound_roles", "scopes", "permissions", "groups", "without")


class CannotSay(ClaimsPolicyError):
    """A token of this issuer cannot say what a test asks for, or it is not known which issuer is meant."""


class Asked(TypedDict, total=False):
    """What a token is to say; all of it may be left out.

    `issuer`: its name, needed where the policy has several. `sub`: `alice` unless given, or what a machine of the
    issuer is called. `kind`: `user` or `machine`. `roles`, `scopes`, `permissions`, `groups`: names. `bound_roles`:
    (role, tenant) pairs. `tenant`, `client`, `acr`: texts. `auth_time`: seconds since 1970. `expires_in`: seconds from
    now by the clock of the application, 3600 unless given; below 0 it has expired. `typ`: that of the header, `None`
    for none; one that the issuer accepts unless given. `claims`: written over all others, right or wrong. `without`:
    claims that are taken away.
    """

    issuer: str
    sub: str
    kind: Kind
    roles: Iterable[str]
    bound_roles: Iterable[tuple[str, str]]
    scopes: Iterable[str]
    permissions: Iterable[str]
    groups: Iterable[str]
    tenant: str
    client: str
    acr: str
    auth_time: float
    expires_in: float
    typ: str | None
    claims: Mapping[str, Any]
    without: Iterable[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """The same, complete."""

    issuer: str | None = None
    sub: str | None = None
    kind: Kind | None = None
    roles: tuple[str, ...] = ()
    bound_roles: tuple[tuple[str, str], ...] = ()
    scopes: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    tenant: str | None = None
    client: str | None = None
    acr: str | None = None
    auth_time: float | None = None
    expires_in: float = 3600
    typ: str | Unsaid | None = UNSAID
    claims: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()


def wanted(**asked: Unpack[Asked]) -> Wanted:
    """What was asked for, complete; `TypeError` where there is no such thing to ask for."""
    known = [each.name for each in fields(Wanted)]
    given: dict[str, Any] = dict(asked)
    for name, value in given.items():
        if name not in known:
            raise TypeError(f"a token takes no `{name}`{did_you_mean(name, known)}")
        if name in MANY and isinstance(value, str):
            raise TypeError(f'`{name}` takes several names: write {name}=["{value}"]')
    given.update({name: tuple(given[name]) for name in MANY if name in given})
    return Wanted(**given)


def issuer_of(issuers: Mapping[str, Issuer], name: str | None) -> Issuer:
    """The issuer of that name, or the only one; `CannotSay` where there is none such, or several to choose from."""
    if name is not None and name in issuers:
        return issuers[name]
    if name is not None:
        raise CannotSay(f"the policy has no issuer `{name}`{did_you_mean(name, issuers)}")
    if len(issuers) == 1:
        return next(iter(issuers.values()))
    if not issuers:
        raise CannotSay("the policy has no issuer, so nobody can sign for it")
    raise CannotSay(f'say which issuer signs: add issuer="..."; the policy has {", ".join(f"`{n}`" for n in issuers)}')
