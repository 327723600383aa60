"""The shape of an issuer and of a profile: who signs tokens, and how their claims are read."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, Required

from pydantic import BeforeValidator, ConfigDict, Field, WrapValidator, with_config
from typing_extensions import TypedDict  # the standard library's does not tell pydantic enough before Python 3.12

from policy.document.shorthand import (
    STRICT,
    UNIQUE,
    Description,
    Names,
    Path,
    PathOrText,
    Text,
    TextOrNames,
    listed,
    shorthand,
)
from policy.model import ProofKind, Regime, Target

#: Where keys can be: exactly one of these; the rest of `keys` goes with the last two.
KEY_SOURCES: Final = ("jwks", "jwks_file", "env", "file", "jwks_uri", "discovery")
ONE_SOURCE: Final = ConfigDict(
    extra="forbid", strict=True, json_schema_extra={"oneOf": [{"required": [source]} for source in KEY_SOURCES]}
)
LONGEST_STALE: Final = 604800

Algorithm = Literal[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
WrittenFormat = Literal["space-delimited", "list", "object-keys", "string", "object-tenants"]


def _source_or_list(value: Any) -> Any:
    if isinstance(value, dict | list):
        return [value] if isinstance(value, dict) else value
    raise shorthand("an object or a list of objects")


def _tests_or_otherwise(value: Any, check: Callable[[Any], list[Any]]) -> list[Any]:
    if value == "otherwise":
        return []
    if isinstance(value, list):
        return check(value)
    raise shorthand("a list of tests or `otherwise`")


def _scalar(value: Any) -> Any:
    if isinstance(value, str | int):
        return value
    raise shorthand("a text, an integer, true or false")


@with_config(STRICT)
class ClaimSourceShape(TypedDict, total=False):
    """Where in a token's payload a value stands, and how it is written there."""

    path: Required[Annotated[Path, Field(description="The steps to the claim; never split on dots.")]]
    format: Annotated[WrittenFormat, Field(description="How the claim is written; `auth_time` takes none.")]


@with_config(STRICT)
class ClaimTestShape(TypedDict, total=False):
    """One test on a claim: exactly one of `equals`, `exists` and `same_as`."""

    path: Required[Annotated[Path, Field(description="The steps to the claim.")]]
    equals: Annotated[
        str | int | bool,
        BeforeValidator(_scalar, json_schema_input_type=str | int | bool),
        Field(description="The value that the claim must have."),
    ]
    exists: Annotated[bool, Field(description="Whether the claim must be there.")]
    same_as: Annotated[Path, Field(description="The steps to another claim that must have the same value.")]
    suffix: Annotated[str, Field(description="What is added to the other claim before comparing; with `same_as`.")]


Sources = Annotated[
    Annotated[list[ClaimSourceShape], Field(min_length=1)],
    BeforeValidator(_source_or_list, json_schema_input_type=ClaimSourceShape | list[ClaimSourceShape]),
]
#: An empty list, which cannot be written, stands for `otherwise`.
Tests = Annotated[
    Annotated[list[ClaimTestShape], Field(min_length=1)],
    WrapValidator(_tests_or_otherwise, json_schema_input_type=list[ClaimTestShape] | Literal["otherwise"]),
]


@with_config(STRICT)
class KindsShape(TypedDict, total=False):
    """How a user is told from a machine: tests that must all hold, or `otherwise` for whoever is not the other."""

    user: Annotated[Tests, Field(description="The tests that a user's token passes, or `otherwise`.")]
    machine: Annotated[Tests, Field(description="The tests that a machine's token passes, or `otherwise`.")]


@with_config(ConfigDict(extra="forbid", strict=True, json_schema_extra={"minProperties": 1}))
class AuthorityShape(TypedDict, total=False):
    """Which of roles and scopes must cover a permission, for each kind of subject; a kind left out is denied."""

    user: Annotated[Regime, Field(description="What must cover a permission that a user asks for.")]
    machine: Annotated[Regime, Field(description="What must cover a permission that a machine asks for.")]


@with_config(STRICT)
class AssertsShape(TypedDict, total=False):
    """What an issuer may say; a kind left out asserts nothing."""

    roles: Annotated[Names, Field(description="Role names, or prefixes ending in `*`.")]
    scopes: Annotated[Names, Field(description="Scope names, or prefixes ending in `*`.")]
    permissions: Annotated[Names, Field(description="Permissions or patterns.")]
    tenants: Annotated[Names, Field(description="Tenants, or prefixes ending in `*`.")]


@with_config(ConfigDict(strict=True))
class KeySetShape(TypedDict):
    """A JWK Set of public keys (RFC 7517 section 5)."""

    keys: Annotated[list[dict[str, Any]], Field(min_length=1, description="Public keys only.")]


@with_config(ONE_SOURCE)
class KeysShape(TypedDict, total=False):
    """Where the issuer's keys are: exactly one source, and for keys that are fetched how that is done."""

    jwks: Annotated[KeySetShape, Field(description="Public keys, inline.")]
    jwks_file: Annotated[Text, Field(description="A JWK Set file, relative to this document.")]
    env: Annotated[Text, Field(description="The environment variable that holds a symmetric key.")]
    file: Annotated[Text, Field(description="The file that holds a symmetric key, relative to this document.")]
    jwks_uri: Annotated[Text, Field(description="The `https` address of a JWK Set, which is fetched and kept fresh.")]
    discovery: Annotated[Literal[True], Field(description="The address is found by the issuer's own metadata.")]
    ca_file: Annotated[Text, Field(description="Certificates to trust instead of the system's; for fetched keys.")]
    max_stale: Annotated[
        int,
        Field(ge=0, le=LONGEST_STALE, description="For how many seconds old keys do while no new ones can be had."),
    ]
    loopback_http: Annotated[Literal[True], Field(description="Allows `http` to this very machine.")]


Claims = Annotated[dict[Target, Sources], Field(description="Where roles, scopes and the rest stand in a token.")]
Kinds = Annotated[KindsShape, Field(description="How a user is told from a machine.")]
Algorithms = Annotated[list[Algorithm], UNIQUE]
Typ = Annotated[
    Path,
    BeforeValidator(listed, json_schema_input_type=str | list[str]),
    Field(description="Accepted `typ` headers of a token; an empty text accepts an absent one."),
]
ProofKinds = Annotated[list[ProofKind], UNIQUE]
Proof = Annotated[
    ProofKinds,
    BeforeValidator(listed, json_schema_input_type=ProofKind | ProofKinds),
    Field(description="How a caller proves that a token is theirs, any one of these; a token alone is refused."),
]
AudienceClaim = Annotated[PathOrText, Field(description="The claim that names the audience; `aud` unless given.")]


@with_config(STRICT)
class IssuerShape(TypedDict, total=False):
    """Who signs tokens, what it may assert, and how its claims are read."""

    profile: Annotated[Text, Field(description="A shipped description of a provider, which fills in what is left out.")]
    audience: Annotated[TextOrNames, Field(description="Who a token must be meant for: your API's identifier.")]
    audience_claim: AudienceClaim
    algorithms: Annotated[Algorithms, Field(description="The signature algorithms that are accepted.")]
    keys: Annotated[KeysShape, Field(description="Where the issuer's keys are.")]
    authority: Annotated[AuthorityShape, Field(description="Which of roles and scopes must cover a permission.")]
    claims: Claims
    kinds: Kinds
    typ: Typ
    asserts: Annotated[AssertsShape, Field(description="What this issuer may say; required with several issuers.")]
    id_prefix: Annotated[str, Field(description="What is put before `sub`, so that no two issuers' ids are the same.")]
    leeway: Annotated[int, Field(ge=0, le=300, description="How far clocks may differ, in seconds; 30 unless given.")]
    proof: Proof


@with_config(STRICT)
class ProfileTestShape(ClaimTestShape, total=False):
    """A test of a profile, which may be more than one on a single claim.

    It holds too where one of the `alternatives` does, and with `"holds": false` exactly where otherwise it would not.
    """

    alternatives: Annotated[list[ClaimTestShape], Field(min_length=1)]
    holds: Literal[False]


ProfileTests = Annotated[list[ProfileTestShape], Field(min_length=1)]


@with_config(STRICT)
class ProfileKindsShape(TypedDict, total=False):
    """How a profile tells a user from a machine: as an issuer does, but with a profile's tests."""

    user: Annotated[ProfileTests, WrapValidator(_tests_or_otherwise)]
    machine: Annotated[ProfileTests, WrapValidator(_tests_or_otherwise)]


@with_config(STRICT)
class ProfileShape(TypedDict, total=False):
    """A provider described as data. It never supplies audience or authority.

    `issuer` is how the names of its issuers read: one of these, in which `{claim}` stands for what that claim of every
    token has to say. `required` are claims that its tokens have; one of them that passes any test in `rejected` is no
    access token. A token that passes any in `overage` leaves its groups out. `regimes` are those that it can work with
    as long as the issuer does not say itself where scopes stand.
    """

    description: Description
    issuer: TextOrNames
    algorithms: Algorithms
    audience_claim: AudienceClaim
    keys: KeysShape
    claims: Claims
    kinds: ProfileKindsShape
    typ: Typ
    required: Names
    rejected: ProfileTests
    overage: ProfileTests
    regimes: Annotated[list[Regime], Field(min_length=1)]
