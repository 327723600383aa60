"""Who asks: made from verified claims, or by hand in a job or a test."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple, Self, get_args

from policy.model import Kind, Regime

NONE: Final[frozenset[Any]] = frozenset()
BoundRole = tuple[str, str]


class _Subject(NamedTuple):
    id: str
    issuer: str
    kind: Kind
    tenant: str | None
    client: str | None
    roles: frozenset[str]
    bound_roles: frozenset[BoundRole]
    scopes: frozenset[str]
    permissions: frozenset[str]
    groups: frozenset[str]
    assigned: frozenset[tuple[str, str | None]]
    acr: str | None
    auth_time: float | None
    authority: Regime | None
    token_id: str
    unasserted: tuple[tuple[str, str], ...]
    held: frozenset[str]
    bound: frozenset[BoundRole]
    standing: str


def standing(issuer: str, kind: Kind, *, without_groups: bool = False) -> str:
    """The key by which a policy finds the authority of this kind of subject of this issuer; never a regime's name.

    One whose token leaves its groups out stands apart: it has no authority where the policy gives roles to groups.
    """
    return f"?{kind} {issuer}" if without_groups else f"{kind} {issuer}"


class Subject(_Subject):
    """A user or a machine, with what its token says of it. Immutable.

    `roles`, `scopes` and `permissions` are names as the issuer asserted them, known to the policy or not;
    `bound_roles` are (role, tenant) pairs; `groups` are those that an assignment of the policy names. `assigned` are
    the (role, tenant or None) pairs that assignments gave; `held` and `bound` unite asserted and assigned roles.
    `unasserted` are (kind, name) pairs the issuer said but may not say; they grant nothing. `authority` is given only
    by a subject without an issuer: otherwise the policy says which of roles and scopes count, and `standing` is the
    key under which it does. `auth_time` is in seconds since 1970 (OpenID Connect Core 1.0 section 2).
    """

    __slots__ = ()

    def __new__(
        cls,
        *,
        id: str,  # noqa: A002 - the word of the policy language
        issuer: str = "",
        kind: Kind = "user",
        tenant: str | None = None,
        client: str | None = None,
        roles: Iterable[str] = (),
        bound_roles: Iterable[BoundRole] = (),
        scopes: Iterable[str] = (),
        permissions: Iterable[str] = (),
        authority: Regime | None = None,
        acr: str | None = None,
        auth_time: float | None = None,
    ) -> Self:
        """Build a subject by hand; `ValueError` where it does not say whose authority counts."""
        if bool(issuer) == (authority is not None):
            raise ValueError("a subject has either an issuer, whose authority the policy declares, or an authority")
        if authority is not None and authority not in get_args(Regime):
            raise ValueError(f"an authority is one of {', '.join(get_args(Regime))}, not {authority!r}")
        names = {"roles": roles, "scopes": scopes, "permissions": permissions, "bound_roles": bound_roles}
        for word, given in names.items():
            if isinstance(given, str):
                raise ValueError(f"{word} takes several names, not the one text {given!r}")
        held, pairs = frozenset(roles), frozenset(bound_roles)
        return tuple.__new__(
            cls,
            (id, issuer, kind, tenant, client, held, pairs, frozenset(scopes), frozenset(permissions), NONE, NONE,
             acr, auth_time, authority, "", (), held, pairs, authority or standing(issuer, kind)),
        )  # fmt: skip

    @property
    def without_groups(self) -> bool:
        """Whether the token leaves its groups out, so that nothing is known of them."""
        return self.standing.startswith("?")

    def held_in(self, tenant: str | None) -> frozenset[str]:
        """The roles in force: unbound ones, and those bound to the tenant asked for; not closed over inheritance."""
        if tenant is None or not self.bound:
            return self.held
        return self.held.union(role for role, where in self.bound if where == tenant)
