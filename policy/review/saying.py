"""What a token says of its bearer, and a subject read from it as a policy does, wherever it stands in the token."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from policy.assignments import Assigned
from policy.compile import Compiled
from policy.model import ClaimSource, ClaimTest, Format, Issuer, Kind, Target
from policy.reader import ClaimReader
from policy.subject import NONE, BoundRole, Subject

Names = frozenset[str]
KINDS: Final[tuple[Kind, ...]] = ("user", "machine", "unknown")


def _source(name: str, how: Format) -> ClaimSource:
    return ClaimSource(path=(name,), format=how)


_PLAINLY: Final[Mapping[Target, tuple[ClaimSource, ...]]] = {
    "roles": (_source("roles", "list"), _source("bound", "object-tenants")),
    "scopes": (_source("scopes", "list"),),
    "permissions": (_source("permissions", "list"),),
    "tenant": (_source("tenant", "string"),),
    "client": (_source("client", "string"),),
    "acr": (_source("acr", "string"),),
    "auth_time": (_source("auth_time", "number"),),
}


class Said(NamedTuple):
    """Roles, bound roles, scopes, permissions and the tenant."""

    roles: Names = NONE
    bound: frozenset[BoundRole] = NONE
    scopes: Names = NONE
    permissions: Names = NONE
    tenant: str | None = None

    def with_all(self, more: "Said") -> "Said":
        """What either says; the other's tenant where this has none."""
        return Said(
            self.roles | more.roles, self.bound | more.bound, self.scopes | more.scopes,
            self.permissions | more.permissions, more.tenant if self.tenant is None else self.tenant,
        )  # fmt: skip

    def without(self, less: "Said") -> "Said":
        """What this says and the other does not."""
        return Said(
            self.roles - less.roles, self.bound - less.bound, self.scopes - less.scopes,
            self.permissions - less.permissions, None if self.tenant == less.tenant else self.tenant,
        )  # fmt: skip


def said_by(subject: Subject) -> Said:
    """What the token said, as far as its issuer may."""
    return Said(subject.roles, subject.bound_roles, subject.scopes, subject.permissions, subject.tenant)


def all_of(rules: Compiled, tenant: str | None) -> Said:
    """All that means anything to a policy where this tenant is asked for."""
    bound = frozenset((role, tenant) for role in rules.closures) if tenant is not None else NONE
    return Said(frozenset(rules.closures), bound, rules.scope_names, frozenset(rules.entries), tenant)


class Listener:
    """Takes what a token of one issuer says as a policy would: only what the issuer may say."""

    def __init__(self, rules: Compiled, issuer: Issuer) -> None:
        kinds: dict[Kind, tuple[ClaimTest, ...]] = {
            kind: (ClaimTest(path=("kind",), equals=kind),) for kind in ("user", "machine")
        }
        plain = replace(
            issuer, claims=_PLAINLY, kinds=kinds, otherwise=None, id_prefix="",
            overage=(ClaimTest(path=("overage",), exists=True),),
        )  # fmt: skip
        self._read: Final = ClaimReader(plain, Assigned(()), rules.catalogue, step_up=True).read

    def __call__(self, said: Said, *, kind: Kind = "user", without_groups: bool = False, **others: Any) -> Subject:
        """The subject, without assigned roles and without an id; `others` are `client`, `acr` and `auth_time`."""
        bound: dict[str, dict[str, str]] = {}
        for role, tenant in said.bound:
            bound.setdefault(role, {})[tenant] = ""
        claims = {
            "sub": "", "kind": kind, "roles": list(said.roles), "bound": bound, "scopes": list(said.scopes),
            "permissions": list(said.permissions), "tenant": said.tenant, "overage": without_groups or None, **others,
        }  # fmt: skip
        return self._read({name: value for name, value in claims.items() if value is not None}, "")
