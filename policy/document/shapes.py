"""The shape of a policy document, declared once: checked by it, and described by it to editors."""

from typing import Annotated, Any, Literal, Required

from pydantic import BeforeValidator, ConfigDict, Field, with_config
from typing_extensions import TypedDict  # the standard library's does not tell pydantic enough before Python 3.12

from policy.document.issuer_shapes import IssuerShape
from policy.document.shorthand import STRICT, AcrValues, Description, Names, Text, text_is
from policy.model import Effect


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
                        text_is(lambda text: {"description": text}, "an object", dict),
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
