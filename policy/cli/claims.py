"""Claims as an issuer's document says they are written: the way back from roles and scopes to a token's payload."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from policy.claims import ABSENT, holds, lookup
from policy.cli.arguments import CannotRun
from policy.model import ClaimPath, ClaimSource, ClaimTest, Issuer, Kind, Target
from policy.nearest import did_you_mean

Claims = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bearer:
    """What a token is to say of whom it is given to; a kind that is `None` is the issuer's usual one."""

    subject: str
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


def issuer_named(issuers: Mapping[str, Issuer], name: str | None) -> Issuer:
    """The issuer of that name, or the only one; `CannotRun` where there is none such, or several to choose from."""
    if name is not None and name in issuers:
        return issuers[name]
    if name is not None:
        raise CannotRun(f"the policy has no issuer `{name}`{did_you_mean(name, issuers)}")
    if len(issuers) != 1:
        known = ", ".join(f"`{each}`" for each in issuers) or "none"
        raise CannotRun(f"say which issuer with --issuer; the policy has {known}")
    return next(iter(issuers.values()))


def kind_of(issuer: Issuer, wanted: Kind | None) -> Kind:
    """The kind that was asked for, else user unless the issuer gives only machines an authority."""
    return wanted or ("user" if "user" in issuer.authority else "machine")


def claims_for(issuer: Issuer, bearer: Bearer) -> Claims:
    """The claims of a token of this issuer; `CannotRun` where its tokens have no place for something."""
    claims: Claims = {"iss": issuer.name, "sub": bearer.subject}
    _put(claims, issuer.audience_claim, issuer.audience[0])
    _put_names(claims, issuer, "roles", bearer.roles, bearer.tenant)
    _put_bound(claims, issuer, bearer.bound_roles)
    _put_names(claims, issuer, "scopes", bearer.scopes, bearer.tenant)
    _put_names(claims, issuer, "permissions", bearer.permissions, bearer.tenant)
    _put_names(claims, issuer, "groups", bearer.groups, None)
    if bearer.tenant is not None and "tenant" in issuer.claims:
        _put_names(claims, issuer, "tenant", (bearer.tenant,), None)
    _put_names(claims, issuer, "client", _one(bearer.client), None)
    _put_names(claims, issuer, "acr", _one(bearer.acr), None)
    if bearer.auth_time is not None:
        _put(claims, _source(issuer, "auth_time", None).path, bearer.auth_time)
    claims.update(issuer.in_name)
    for test in (*issuer.kinds.get(kind_of(issuer, bearer.kind), ()), *_demanded(issuer)):
        _fit(claims, test, issuer)
    return claims


def type_for(issuer: Issuer) -> str | None:
    """The `typ` header that the issuer's tokens have, an access token's where there is a choice."""
    if issuer.types is None or "at+jwt" in issuer.types:
        return "at+jwt"
    if "jwt" in issuer.types:
        return "JWT"
    return min(issuer.types) or None


def _one(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)


def _demanded(issuer: Issuer) -> Iterable[ClaimTest]:
    """What every access token of the issuer passes."""
    return (replace(test, negated=False) for test in issuer.rejected if test.negated)


def _put_names(claims: Claims, issuer: Issuer, target: Target, names: tuple[str, ...], tenant: str | None) -> None:
    if not names:
        return
    source = _source(issuer, target, tenant)
    _put(claims, source.path, _written(issuer, source, target, names, tenant))


def _put_bound(claims: Claims, issuer: Issuer, pairs: Iterable[tuple[str, str]]) -> None:
    found: dict[str, dict[str, Any]] = {}
    for role, tenant in pairs:
        found.setdefault(role, {})[tenant] = {}
    if found:
        _put(claims, _source(issuer, "roles", next(iter(found))).path, found)


def _source(issuer: Issuer, target: Target, tenant: str | None) -> ClaimSource:
    """The source that can carry the names: one that binds to tenants only where a tenant is given."""
    sources = issuer.claims.get(target, ())
    bound = [source for source in sources if source.format == "object-tenants"]
    plain = [source for source in sources if source.format != "object-tenants"]
    fitting = (bound if tenant is not None else []) + plain
    if fitting:
        return fitting[0]
    if bound:
        raise CannotRun(f"`{issuer.name}` binds {target} to tenants; say which with --tenant")
    hint = "; an assignment of the policy can give them" if target == "roles" else ""
    raise CannotRun(f"the policy reads no {target} from the tokens of `{issuer.name}`{hint}")


def _written(issuer: Issuer, source: ClaimSource, target: Target, names: tuple[str, ...], tenant: str | None) -> Any:
    if source.format == "list":
        return list(names)
    if source.format == "object-keys":
        return {name: {} for name in names}
    if source.format == "object-tenants":
        return {name: {tenant: {}} for name in names}
    if source.format == "string" and len(names) > 1:
        raise CannotRun(f"a token of `{issuer.name}` has a single text for {target}, so it cannot name {len(names)}")
    if source.format == "space-delimited" and any(" " in name for name in names):
        raise CannotRun(f"a token of `{issuer.name}` separates {target} by spaces, so none of them can have one")
    return " ".join(names)


def _put(claims: Claims, path: ClaimPath, value: Any) -> None:
    at = claims
    for step in path[:-1]:
        at = at.setdefault(step, {})
        if not isinstance(at, dict):
            raise CannotRun(f"the claim `{' > '.join(path)}` has no place beside `{step}`")
    before = at.get(path[-1])
    both = isinstance(before, list) and isinstance(value, list)
    at[path[-1]] = [*before, *value] if both and before is not None else value


def _fit(claims: Claims, test: ClaimTest, issuer: Issuer) -> None:
    """Make a test hold, itself and not by an alternative; what was given already stays as it is."""
    if test.negated or holds(claims, test):
        return  # what must not be so is so only by what was given
    if test.exists is False:
        _drop(claims, test.path)
    elif test.exists:
        _put(claims, test.path, _anything(issuer, test.path))
    elif test.equals is not None:
        _put(claims, test.path, test.equals)
    elif test.same_as is not None:
        _fit_both(claims, test.path, test.same_as, test.suffix)


def _fit_both(claims: Claims, path: ClaimPath, other: ClaimPath, suffix: str) -> None:
    """Make one claim the same as another and a suffix, where at least one of them is not there yet."""
    value, base = lookup(claims, path), lookup(claims, other)
    if base is ABSENT:
        base = str(claims["sub"] if value is ABSENT else value).removesuffix(suffix)
        _put(claims, other, base)
    elif value is not ABSENT:
        return
    _put(claims, path, f"{base}{suffix}")


def _anything(issuer: Issuer, path: ClaimPath) -> Any:
    """Some value for a claim that has to be there: an empty one where names are read from it."""
    formats = {source.format for sources in issuer.claims.values() for source in sources if source.path == path}
    if "list" in formats:
        return []
    if "space-delimited" in formats and path[0] not in issuer.required:
        return ""
    return {} if formats & {"object-keys", "object-tenants"} else "dev"


def _drop(claims: Claims, path: Iterable[str]) -> None:
    *steps, last = path
    at: Any = claims
    for step in steps:
        at = at.get(step, {}) if isinstance(at, dict) else {}
    if isinstance(at, dict):
        at.pop(last, None)
