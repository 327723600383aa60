"""The shape of a policy document and of a profile, declared once: checked by it, and described by it to editors."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, Required

from pydantic import BeforeValidator, ConfigDict, Field, WrapValidator, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict  # the standard library's does not tell pydantic enough before Python 3.12

from policy.model import Effect, Regime, Target

STRICT: Final = ConfigDict(extra="forbid", strict=True)
EXACTLY_ONE: Final = ConfigDict(extra="forbid", strict=True, json_schema_extra={"minProperties": 1, "maxProperties": 1})

Algorithm = Literal[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
WrittenFormat = Literal["space-delimited", "list", "object-keys", "string", "object-tenants"]


def _shorthand(wanted: str) -> PydanticCustomError:
    return PydanticCustomError("shorthand", "must be {wanted}", {"wanted": wanted})


def _text_is(build: Callable[[str], Any], other: str, kind: type) -> Callable[[Any], Any]:
    """Take a text as the short form of something; `other` names the long form, for the refusal of anything else."""

    def widen(value: Any) -> Any:
        if isinstance(value, str):
            return build(value)
        if isinstance(value, kind):
            return value
        raise _shorthand(f"a text or {other}")

    return widen


def _source_or_list(value: Any) -> Any:
    if isinstance(value, dict | list):
        return [value] if isinstance(value, dict) else value
    raise _shorthand("an object or a list of objects")


def _tests_or_otherwise(value: Any, check: Callable[[Any], list[Any]]) -> list[Any]:
    if value == "otherwise":
        return []
    if isinstance(value, list):
        return check(value)
    raise _shorthand("a list of tests or `otherwise`")


def _scalar(value: Any) -> Any:
    if isinstance(value, str | int):
        return value
    raise _shorthand("a text, an integer, true or false")


Text = Annotated[str, Field(min_length=1)]
_listed: Final = _text_is(lambda text: [text], "a list of texts", list)
UNIQUE: Final = Field(min_length=1, json_schema_extra={"uniqueItems": True})
Names = Annotated[list[Text], UNIQUE]
AcrValues = Annotated[list[Annotated[Text, Field(json_schema_extra={"pattern": r"^[!#-\[\]-~]+$"})]], UNIQUE]
Path = Annotated[list[str], Field(min_length=1)]
Description = Annotated[str, Field(description="What it is for, in a few words for a person.")]
TextOrNames = Annotated[Names, BeforeValidator(_listed, json_schema_input_type=Text | Names)]
PathOrText = Annotated[Path, BeforeValidator(_listed, json_schema_input_type=Text | Path)]


@with_config(STRICT)
class StepUpShape(TypedDict, total=False):
    """What a permission asks of the login itself (RFC 9470)."""

    acr: Annotated[AcrValues, Field(description="The `acr` values that will do; any one of them.")]
    max_age: Annotated[int, Field(ge=1, description="How old the login may be, in seconds.")]


@with_config(STRICT)
class PermissionShape(TypedDict, total=False):
    """A permission of the catalogue."""

    description: Description
    step_up: Annotated[StepUpShape, Field(description="A stronger or more recent login that this permission asks for.")]


@with_config(STRICT)
class RoleShape(TypedDict, total=False):
    """A named set of permissions that a person or service holds."""

    description: Description
    inherits: Annotated[Names, Field(description="Roles whose permissions this one has too.")]
    grants: Annotated[Names, Field(description="Permissions or patterns such as `read:*` or `billing:**`.")]


@with_config(STRICT)
class ScopeShape(TypedDict, total=False):
    """A scope that stands for more than the permission of the same name."""

    description: Description
    grants: Required[Annotated[Names, Field(description="Permissions or patterns that the scope lets a client use.")]]


@with_config(STRICT)
class RuleShape(TypedDict, total=False):
    """An allow or a deny for permissions, perhaps only for some roles. Deny wins over every allow."""

    id: Required[Annotated[Text, Field(description="The rule's name in decisions and records; unique in the policy.")]]
    effect: Required[Annotated[Effect, Field(description="`allow` or `deny`; a deny that applies always wins.")]]
    permissions: Required[Annotated[Names, Field(description="Permissions or patterns that the rule is about.")]]
    roles: Annotated[Names, Field(description="Only holders of one of these roles, or of one that inherits it.")]
    everyone: Annotated[bool, Field(description="Says on purpose that an allow rule without roles is for everyone.")]
    description: Description
    message: Annotated[str, Field(description="What a refused caller is told; on deny rules only.")]


@with_config(STRICT)
class AssignmentShape(TypedDict, total=False):
    """Roles given to a subject, a client or a group of one issuer; those given together must all match."""

    issuer: Required[Annotated[Text, Field(description="One of the policy's issuers.")]]
    subject: Annotated[Text, Field(description="The token's `sub`; may end in `:*` or `/*` for any remainder.")]
    client: Annotated[Text, Field(description="The client's id; alone it applies to machines only.")]
    group: Annotated[Text, Field(description="A group that the token names.")]
    tenant: Annotated[Text, Field(description="The tenant that the roles are bound to.")]
    roles: Required[Annotated[Names, Field(description="The roles that are given.")]]


@with_config(STRICT)
class ConstraintShape(TypedDict, total=False):
    """Separation of duty: more than `limit` of these roles must not be held together."""

    id: Required[Annotated[Text, Field(description="The constraint's name in decisions and records.")]]
    kind: Required[Annotated[Literal["separation-of-duty"], Field(description="The only kind there is.")]]
    roles: Required[Annotated[Names, Field(description="The roles that exclude each other.")]]
    limit: Required[Annotated[int, Field(ge=1, description="How many of them may be held together.")]]
    description: Description


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


@with_config(EXACTLY_ONE)
class KeysShape(TypedDict, total=False):
    """Where the issuer's keys are: exactly one of these."""

    jwks: Annotated[KeySetShape, Field(description="Public keys, inline.")]
    jwks_file: Annotated[Text, Field(description="A JWK Set file, relative to this document.")]
    env: Annotated[Text, Field(description="The environment variable that holds a symmetric key.")]
    file: Annotated[Text, Field(description="The file that holds a symmetric key, relative to this document.")]


Claims = Annotated[dict[Target, Sources], Field(description="Where roles, scopes and the rest stand in a token.")]
Kinds = Annotated[KindsShape, Field(description="How a user is told from a machine.")]
Algorithms = Annotated[list[Algorithm], UNIQUE]
Typ = Annotated[
    Path,
    BeforeValidator(_listed, json_schema_input_type=str | list[str]),
    Field(description="Accepted `typ` headers of a token; an empty text accepts an absent one."),
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


@with_config(STRICT)
class ProfileShape(TypedDict, total=False):
    """A provider described as data. It never supplies audience or authority."""

    description: Description
    algorithms: Algorithms
    audience_claim: AudienceClaim
    claims: Claims
    kinds: Kinds
    typ: Typ
    required: Names
    rejected: Annotated[list[ClaimTestShape], Field(min_length=1)]
    regimes: Annotated[list[Regime], Field(min_length=1)]


def _named(what: str, pattern: str) -> Any:
    return Field(description=what, json_schema_extra={"propertyNames": {"pattern": pattern, "maxLength": 128}})


# The functional form, since `$schema` is no Python name.
DocumentShape = TypedDict(
    "DocumentShape",
    {
        "$schema": Annotated[str, Field(description="Where an editor finds this schema; never fetched, never merged.")],
        "permissions": Annotated[
            dict[
                str,
                Annotated[
                    PermissionShape,
                    BeforeValidator(
                        _text_is(lambda text: {"description": text}, "an object", dict),
                        json_schema_input_type=Description | PermissionShape,
                    ),
                ],
            ],
            _named("The catalogue: every permission there is.", r"^[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)*$"),
        ],
        "roles": Annotated[dict[str, RoleShape], _named("Roles, by name.", r"^[!-)+\--~]([ -)+\--~]*[!-)+\--~])?$")],
        "scopes": Annotated[
            dict[str, ScopeShape], _named("Scopes beyond those named like a permission.", r"^[!#-\[\]-~]+$")
        ],
        "rules": Annotated[list[RuleShape], Field(description="Allow and deny rules; their order never matters.")],
        "assignments": Annotated[list[AssignmentShape], Field(description="Roles given to subjects, clients, groups.")],
        "constraints": Annotated[list[ConstraintShape], Field(description="Roles that must not be held together.")],
        "issuers": Annotated[
            dict[str, IssuerShape], Field(description="The issuers of tokens, by their exact `iss` claim.")
        ],
        "tenancy": Annotated[
            Literal["optional", "required"], Field(description="Whether every route must say which tenant it is about.")
        ],
    },
    total=False,
)
DocumentShape.__doc__ = "One document of a policy. Every section is optional and may stand in any document."
with_config(ConfigDict(extra="forbid", strict=True, title="Policy document"))(DocumentShape)
