"""Verified claims to a subject: what an issuer's document says as data becomes one reading function, made once."""

from collections.abc import Callable
from typing import Final, NamedTuple

from policy.assignments import FOUND_NOTHING, Assigned
from policy.claims import Claims, Names, SetReader, bound_reader, holds, number, set_reader, text_reader
from policy.model import ClaimSource, Issuer, Kind, Target
from policy.permissions import Catalogue
from policy.subject import NONE, BoundRole, Subject, standing

_new: Final = tuple.__new__
_NO_LOGIN: Final = (None, None)
_KINDS: Final[tuple[Kind, ...]] = ("user", "machine", "unknown")


class ClaimReader:
    """Reads the verified claims of one issuer: `read(claims, token_id)` gives the subject.

    `claims` is the payload that the issuer signed, so `sub` is a non-empty string. `TokenRefused` with
    `token-claim-type` where a claim has the wrong type.
    """

    __slots__ = ("_asserts_roles", "read")

    read: Callable[[Claims, str], Subject]

    def __init__(self, issuer: Issuer, assigned: Assigned, catalogue: Catalogue, *, step_up: bool) -> None:
        allowed = _allowed_names(issuer.asserts.roles)
        self._asserts_roles = (lambda _: False) if not issuer.claims.get("roles") else allowed or (lambda _: True)
        read = _subject_reader(issuer, assigned, catalogue, step_up=step_up)
        self.read = _overage_reader(issuer, read) if issuer.overage else read

    def may_assert_role(self, role: str) -> bool:
        """Whether the issuer's own roles claim, if it has one, could name this role."""
        return self._asserts_roles(role)


def _subject_reader(
    issuer: Issuer, assigned: Assigned, catalogue: Catalogue, *, step_up: bool
) -> Callable[[Claims, str], Subject]:
    """One closure over everything that is known beforehand: it runs for every request, so it looks nothing up twice."""
    name, prefix = issuer.name, issuer.id_prefix
    standings = {kind: standing(name, kind) for kind in _KINDS}
    kind_of, (twin, suffix, twins, otherwise) = _kind_reader(issuer), _twin(issuer)
    roles_of, bound_of, scopes_of, permissions_of, groups_of, tenant_of, client_of = _readers(issuer)
    login_of = _login_reader(issuer) if step_up else None
    filters = _Filters(issuer, catalogue) if _limited(issuer) else None
    find, only_exact = assigned.find, assigned.only_exact

    def read(claims: Claims, token_id: str = "") -> Subject:
        sub = claims["sub"]
        other = claims.get(twin)  # the usual test of kinds, without a call: it is on the way of every request
        kind = twins if type(other) is str and sub == other + suffix else otherwise if twin else kind_of(claims)
        roles = roles_of(claims) if roles_of else NONE
        bound = bound_of(claims) if bound_of else NONE
        scopes = scopes_of(claims) if scopes_of else NONE
        permissions = permissions_of(claims) if permissions_of else NONE
        groups = groups_of(claims) if groups_of else NONE
        tenant = tenant_of(claims) if tenant_of else None
        client = client_of(claims) if client_of else None
        acr, auth_time = login_of(claims) if login_of else _NO_LOGIN
        unasserted: tuple[tuple[str, str], ...] = ()
        if filters:
            roles, bound, scopes, permissions, tenant, unasserted = filters.apply(
                roles, bound, scopes, permissions, tenant
            )
        given, held, given_bound = only_exact(sub, FOUND_NOTHING) if only_exact else find(sub, kind, client, groups)
        return _new(
            Subject,
            (prefix + sub if prefix else sub, name, kind, tenant, client, roles, bound, scopes, permissions,
             groups & assigned.groups if groups else NONE, given, acr, auth_time, None, token_id, unasserted,
             (roles | held if held else roles) if roles else held, bound | given_bound if given_bound else bound,
             standings[kind]),
        )  # fmt: skip

    return read


def _overage_reader(issuer: Issuer, plainly: Callable[[Claims, str], Subject]) -> Callable[[Claims, str], Subject]:
    """A reader around the usual one, for issuers whose tokens may leave their groups out."""
    standings = {kind: standing(issuer.name, kind, without_groups=True) for kind in _KINDS}

    def read(claims: Claims, token_id: str = "") -> Subject:
        subject = plainly(claims, token_id)
        if any(holds(claims, test) for test in issuer.overage):
            return subject._replace(standing=standings[subject.kind])
        return subject

    return read


class _Readers(NamedTuple):
    roles: SetReader | None
    bound: Callable[[Claims], frozenset[BoundRole]] | None
    scopes: SetReader | None
    permissions: SetReader | None
    groups: SetReader | None
    tenant: Callable[[Claims], str | None] | None
    client: Callable[[Claims], str | None] | None


def _readers(issuer: Issuer) -> _Readers:
    def sources(target: Target) -> tuple[ClaimSource, ...]:
        return issuer.claims.get(target, ())

    return _Readers(
        roles=set_reader(sources("roles")),
        bound=bound_reader(sources("roles")),
        scopes=set_reader(sources("scopes")),
        permissions=set_reader(sources("permissions")),
        groups=set_reader(sources("groups")),
        tenant=text_reader(sources("tenant")),
        client=text_reader(sources("client")),
    )


def _login_reader(issuer: Issuer) -> Callable[[Claims], tuple[str | None, float | None]]:
    acr_of, auth_time = text_reader(issuer.claims.get("acr", ())), issuer.claims.get("auth_time", ())
    return lambda claims: (acr_of(claims) if acr_of else None, number(claims, auth_time))


def _kind_reader(issuer: Issuer) -> Callable[[Claims], Kind]:
    tests = {kind: given for kind, given in issuer.kinds.items() if kind != issuer.otherwise}

    def read(claims: Claims) -> Kind:
        fitting: list[Kind] = [kind for kind, given in tests.items() if all(holds(claims, test) for test in given)]
        if not fitting and issuer.otherwise:
            return issuer.otherwise
        return fitting[0] if len(fitting) == 1 else "unknown"

    return read


class _Twin(NamedTuple):
    """The usual way of telling kinds apart: `sub` is the same as one claim at the top, or it is not."""

    claim: str = ""
    suffix: str = ""
    kind: Kind = "unknown"
    otherwise: Kind = "unknown"


def _twin(issuer: Issuer) -> _Twin:
    """The twin of `sub` where kinds are told apart by nothing else; one without a claim elsewhere."""
    tests = [(kind, test) for kind, given in issuer.kinds.items() if kind != issuer.otherwise for test in given]
    if len(tests) != 1 or len(issuer.kinds) - (issuer.otherwise in issuer.kinds) != 1 or issuer.otherwise is None:
        return _Twin()
    ((kind, test),) = tests
    if test.same_as is None or len(test.same_as) != 1 or test.path != ("sub",) or test.alternatives or test.negated:
        return _Twin()
    return _Twin(test.same_as[0], test.suffix, kind, issuer.otherwise)


def _allowed_names(patterns: tuple[str, ...] | None) -> Callable[[str], bool] | None:
    """A test for what an issuer may assert by exact name or literal prefix; `None` where it may assert all."""
    if patterns is None or "*" in patterns:
        return None
    exact = frozenset(pattern for pattern in patterns if not pattern.endswith("*"))
    prefixes = tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*"))
    return lambda name: name in exact or name.startswith(prefixes)


def _allowed_permissions(patterns: tuple[str, ...] | None, catalogue: Catalogue) -> Callable[[str], bool] | None:
    if patterns is None:
        return None
    return frozenset[str]().union(*(catalogue.expand(pattern) for pattern in patterns)).__contains__


def _limited(issuer: Issuer) -> bool:
    asserts = issuer.asserts
    return any(kind is not None for kind in (asserts.roles, asserts.scopes, asserts.permissions, asserts.tenants))


class _Filters:
    """What an issuer may assert, applied: the rest grants nothing and is only noted."""

    def __init__(self, issuer: Issuer, catalogue: Catalogue) -> None:
        asserts = issuer.asserts
        self._roles, self._scopes = _allowed_names(asserts.roles), _allowed_names(asserts.scopes)
        self._tenants = _allowed_names(asserts.tenants)
        self._permissions = _allowed_permissions(asserts.permissions, catalogue)

    def apply(
        self, roles: Names, bound: frozenset[BoundRole], scopes: Names, permissions: Names, tenant: str | None
    ) -> tuple[Names, frozenset[BoundRole], Names, Names, str | None, tuple[tuple[str, str], ...]]:
        noted: list[tuple[str, str]] = []
        roles = _kept("role", roles, self._roles, noted)
        scopes = _kept("scope", scopes, self._scopes, noted)
        permissions = _kept("permission", permissions, self._permissions, noted)
        tenants = _kept("tenant", frozenset((tenant,)) if tenant is not None else NONE, self._tenants, noted)
        bound_roles = _kept("role", frozenset(role for role, _ in bound), self._roles, noted)
        bound_tenants = _kept("tenant", frozenset(where for _, where in bound), self._tenants, noted)
        bound = frozenset((role, where) for role, where in bound if role in bound_roles and where in bound_tenants)
        return roles, bound, scopes, permissions, tenant if tenants else None, tuple(sorted(set(noted)))


def _kept(kind: str, names: Names, allowed: Callable[[str], bool] | None, noted: list[tuple[str, str]]) -> Names:
    if allowed is None:
        return names
    kept = frozenset(filter(allowed, names))
    noted.extend((kind, name) for name in names - kept)
    return kept
