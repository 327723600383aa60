"""The values everything else is about. All of them are frozen; none of them does anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

Regime = Literal["roles-and-scopes", "roles", "scopes"]
Kind = Literal["user", "machine", "unknown"]
Effect = Literal["allow", "deny"]
Target = Literal["roles", "scopes", "permissions", "groups", "tenant", "client", "acr", "auth_time"]
Format = Literal["space-delimited", "list", "object-keys", "string", "object-tenants", "number"]
ProofKind = Literal["dpop", "certificate"]
ClaimPath = tuple[str, ...]

STALE_UNLESS_SAID: Final = 86400
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class StepUp:
    """What a permission asks of the login itself (RFC 9470): any of these `acr`, no older than `max_age` seconds."""

    acr: tuple[str, ...] = ()
    max_age: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Permission:
    """A declared permission."""

    name: str
    description: str = ""
    resource: str | None = None
    step_up: StepUp | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """A named set of permissions a person or service holds. `grants` are patterns as written."""

    name: str
    description: str = ""
    inherits: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """A scope name that stands for more than the permission of the same name. `grants` are patterns as written."""

    name: str
    description: str = ""
    grants: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """An allow or a deny. `permissions` are patterns as written; no `roles` means every subject."""

    id: str
    effect: Effect
    permissions: tuple[str, ...]
    roles: tuple[str, ...] = ()
    everyone: bool = False
    description: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Constraint:
    """Separation of duty: more than `limit` of these roles must not be held together."""

    id: str
    roles: tuple[str, ...]
    limit: int
    description: str = ""


class Assignment(NamedTuple):
    """Roles given to a subject, a client or a group of one issuer. A named tuple: there may be 100,000 of them."""

    issuer: str
    subject: str | None
    client: str | None
    group: str | None
    tenant: str | None
    roles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimSource:
    """Where in a token's payload a value stands, as an array path, and how it is written there."""

    path: ClaimPath
    format: Format


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimTest:
    """One test on a claim: it equals a value, it exists or not, or it is the same as another claim (plus a suffix).

    Exactly one of `equals`, `exists` and `same_as` is given. The test holds too where one of `alternatives`, which
    have none themselves, does; and `negated` turns the whole around.
    """

    path: ClaimPath
    equals: str | int | bool | None = None
    exists: bool | None = None
    same_as: ClaimPath | None = None
    suffix: str = ""
    alternatives: tuple["ClaimTest", ...] = ()
    negated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySource:
    """Where an issuer's keys are: public keys inline, in a file or fetched, or a secret named by variable or file.

    `jwks` is the JSON text of a JWK Set (RFC 7517 section 5); `jwks_file` and `file` are absolute paths; `env` is a
    variable's name; `jwks_uri` is an address, and `discovery` says that the issuer's metadata names it. Exactly one is
    given. The rest is about fetching: `ca_file` is the absolute path of certificates to trust, `max_stale` in seconds.
    """

    jwks: str | None = None
    jwks_file: str | None = None
    env: str | None = None
    file: str | None = None
    jwks_uri: str | None = None
    discovery: bool = False
    ca_file: str | None = None
    max_stale: int = STALE_UNLESS_SAID
    loopback_http: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Asserts:
    """What an issuer may say. `None` is everything; otherwise names, prefixes ending in `*`, or permission patterns."""

    roles: tuple[str, ...] | None = None
    scopes: tuple[str, ...] | None = None
    permissions: tuple[str, ...] | None = None
    tenants: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Issuer:
    """Who signs tokens, what it may assert, and how its claims are read; its profile is already applied.

    `types` are the accepted values of the `typ` header in lower case without `application/`, the empty text standing
    for an absent one; `None` accepts anything. `required` are claims demanded beyond `iss`, `sub`, the audience, `exp`
    and `iat`. `rejected` are tests that an access token of this issuer never passes. `in_name` are claims that must
    equal what stands in the issuer's name in their place. Where one of the tests in `overage` holds, the token leaves
    its groups out. A kind in `kinds` holds when all its tests do; the kind named by `otherwise` holds when the other
    does not. `leeway` is in seconds. `proof` is how whoever presents its tokens has to prove that they are theirs, by
    any one of these; empty where they are for whoever bears them.
    """

    name: str
    profile: str
    audience: tuple[str, ...]
    audience_claim: ClaimPath
    algorithms: tuple[str, ...]
    keys: KeySource
    authority: Mapping[Kind, Regime]
    claims: Mapping[Target, tuple[ClaimSource, ...]]
    kinds: Mapping[Kind, tuple[ClaimTest, ...]]
    otherwise: Kind | None = None
    types: frozenset[str] | None = None
    required: tuple[str, ...] = ()
    rejected: tuple[ClaimTest, ...] = ()
    in_name: tuple[tuple[str, str], ...] = ()
    overage: tuple[ClaimTest, ...] = ()
    asserts: Asserts = field(default_factory=Asserts)
    id_prefix: str = ""
    leeway: int = 30
    proof: tuple[ProofKind, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """All documents of a policy merged: checked, but not yet compiled. The mappings are by name, in document order.

    `digest` is the SHA-256, in hexadecimal, of the merged JSON in its canonical form. `names` tells files for messages.
    """

    permissions: Mapping[str, Permission]
    roles: Mapping[str, Role]
    scopes: Mapping[str, Scope]
    rules: tuple[Rule, ...]
    assignments: tuple[Assignment, ...]
    constraints: tuple[Constraint, ...]
    issuers: Mapping[str, Issuer]
    tenancy: Literal["optional", "required"]
    digest: str
    warnings: tuple[str, ...] = ()
