"""What a test asks for as claims in the shape of an issuer, read back: it comes out as it went in, or is an error."""

import uuid
from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import Any, Final

from policy.claims import Claims, bound_reader, lookup, number, set_reader, text_reader
from policy.cli.arguments import CannotRun
from policy.cli.claims import Bearer, claims_for, kind_of
from policy.engine import Policy
from policy.errors import TokenRefused
from policy.model import Issuer, Kind, Target
from policy.testing.wanted import CannotSay, Wanted

#: How an issuer would say where each of these stands, for messages.
PLACES: Final = MappingProxyType(
    {
        "roles": '{"path": ["roles"], "format": "list"}',
        "bound_roles": '{"path": ["roles"], "format": "object-tenants"}',
        "scopes": '{"path": ["scope"], "format": "space-delimited"}',
        "permissions": '{"path": ["permissions"], "format": "list"}',
        "groups": '{"path": ["groups"], "format": "list"}',
        "tenant": '{"path": ["tenant"], "format": "string"}',
        "client": '{"path": ["client_id"], "format": "string"}',
        "acr": '{"path": ["acr"], "format": "string"}',
        "auth_time": '{"path": ["auth_time"]}',
    }
)
SETS: Final[tuple[Target, ...]] = ("roles", "scopes", "permissions", "groups")
TEXTS: Final[tuple[Target, ...]] = ("tenant", "client", "acr")


def claims_in_shape(rules: Policy, issuer: Issuer, wanted: Wanted) -> dict[str, Any]:
    """The claims of a token that says what is wanted; `CannotSay` where the issuer's tokens have no way to."""
    kind = kind_of(issuer, wanted.kind)
    bearer = _bearer(issuer, wanted, kind)
    _check_places(issuer, wanted, bearer)
    try:
        claims = claims_for(issuer, bearer)
    except CannotRun as error:
        raise CannotSay(str(error)) from error
    made = {"jti": uuid.uuid4().hex}
    claims.update({name: made.get(name, "testing") for name in issuer.required if name not in claims})
    if told := "; ".join(_differences(rules, issuer, wanted, bearer, claims)):
        raise CannotSay(f"{_tokens_of(issuer)} cannot say that: {told}")
    return claims


def _bearer(issuer: Issuer, wanted: Wanted, kind: Kind) -> Bearer:
    """Roles are bound to the tenant, where one is given and the issuer binds them."""
    binds = wanted.tenant is not None and _binds_roles(issuer)
    pairs = tuple((role, wanted.tenant) for role in wanted.roles if binds and wanted.tenant is not None)
    return Bearer(
        subject=_sub(issuer, wanted, kind), kind=kind, roles=() if binds else wanted.roles,
        bound_roles=(*wanted.bound_roles, *pairs), scopes=wanted.scopes, permissions=wanted.permissions,
        groups=wanted.groups, tenant=wanted.tenant, client=wanted.client, acr=wanted.acr, auth_time=wanted.auth_time,
    )  # fmt: skip


def _binds_roles(issuer: Issuer) -> bool:
    return any(source.format == "object-tenants" for source in issuer.claims.get("roles", ()))


def _sub(issuer: Issuer, wanted: Wanted, kind: Kind) -> str:
    """The `sub` that was given, else what somebody of that kind could be called at this issuer."""
    if wanted.sub is not None:
        return wanted.sub
    twins = [test for test in issuer.kinds.get(kind, ()) if test.path == ("sub",) and test.same_as is not None]
    if kind != "machine" or not twins:
        return "alice" if kind == "user" else "service"
    suffix, other = twins[0].suffix, twins[0].same_as
    if wanted.client is not None and any(source.path == other for source in issuer.claims.get("client", ())):
        return wanted.client + suffix
    return (issuer.audience[0] if other == issuer.audience_claim else "service") + suffix


def _check_places(issuer: Issuer, wanted: Wanted, bearer: Bearer) -> None:
    """Everything that is wanted has a place in the tokens of the issuer."""
    kind = kind_of(issuer, wanted.kind)
    if kind not in issuer.kinds and kind != issuer.otherwise:
        raise CannotSay(
            f'{_tokens_of(issuer)} are never of kind `{kind}`: add "kinds": {{"{kind}": [...]}} to the issuer'
        )
    if bearer.bound_roles and not _binds_roles(issuer):
        raise _no_place(issuer, "bound_roles", "bind no roles to tenants")
    if bearer.roles and _binds_roles(issuer) and len(issuer.claims["roles"]) == 1:
        pair = f'bound_roles=[("{bearer.roles[0]}", "...")]'
        raise CannotSay(f'{_tokens_of(issuer)} bind every role to a tenant: add tenant="...", or write {pair}')
    for target in (*SETS, *TEXTS, "auth_time"):
        given = getattr(bearer, target)
        bound = target == "tenant" and _binds_roles(issuer) and wanted.roles
        if given not in ((), None) and not issuer.claims.get(target) and not bound:
            raise _no_place(issuer, target, f"carry no {target}")


def _no_place(issuer: Issuer, target: str, lack: str) -> CannotSay:
    other = " and give them by an assignment of the policy" if target in ("roles", "bound_roles") else ""
    key = "roles" if target == "bound_roles" else target
    return CannotSay(
        f'{_tokens_of(issuer)} {lack}: leave `{target}` out{other}, or add "claims": {{"{key}": {PLACES[target]}}} '
        "to the issuer"
    )


def _tokens_of(issuer: Issuer) -> str:
    return f"tokens of `{issuer.name}` (profile `{issuer.profile}`)"


def _differences(rules: Policy, issuer: Issuer, wanted: Wanted, bearer: Bearer, claims: Claims) -> Iterator[str]:
    """What would come out of the token otherwise than it is wanted."""
    for name, seen, asked in _read_back(rules, issuer, bearer, claims):
        given = name not in ("sub", *TEXTS, "auth_time") or getattr(wanted, name) is not None
        if given and seen != asked and not (name == "tenant" and seen is None and bearer.bound_roles):
            yield f"`{name}` would come out as {_in_words(seen)}, not {_in_words(asked)}"
    audience = lookup(claims, issuer.audience_claim)
    if audience not in issuer.audience:
        known = " or ".join(f"`{each}`" for each in issuer.audience)
        yield f"`{' > '.join(issuer.audience_claim)}` has to be the audience, {known}, not `{audience}`"


def _read_back(rules: Policy, issuer: Issuer, bearer: Bearer, claims: Claims) -> Iterator[tuple[str, Any, Any]]:
    """Name by name, what the application would read and what it should."""
    sources = issuer.claims
    bound = bound_reader(sources.get("roles", ()))
    yield "sub", claims["sub"], bearer.subject
    yield "kind", _kind(rules, issuer, claims), bearer.kind
    for target in SETS:
        names = set_reader(sources.get(target, ()))
        yield target, names(claims) if names else frozenset(), frozenset(getattr(bearer, target))
    yield "bound_roles", bound(claims) if bound else frozenset(), frozenset(bearer.bound_roles)
    for target in TEXTS:
        text = text_reader(sources.get(target, ()))
        yield target, text(claims) if text else None, getattr(bearer, target)
    yield "auth_time", number(claims, sources.get("auth_time", ())), bearer.auth_time


def _kind(rules: Policy, issuer: Issuer, claims: Claims) -> str:
    try:
        return rules.subject(issuer.name, claims).kind
    except TokenRefused as refusal:
        raise CannotSay(f"{_tokens_of(issuer)}: {refusal.detail}") from refusal


def _in_words(value: Any) -> str:
    if isinstance(value, frozenset):
        return _listed(value)
    return "none" if value is None else f"`{value}`"


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(f"`{each}`" for each in sorted(names)) or "none"
