"""JSON values against the declared shapes; and the JSON Schema that comes from the same shapes."""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from policy.document.issuer_shapes import (
    AssertsShape,
    AuthorityShape,
    ClaimSourceShape,
    ClaimTestShape,
    IssuerShape,
    KeysShape,
    KindsShape,
    ProfileShape,
)
from policy.document.shapes import (
    AssignmentShape,
    ConstraintShape,
    DocumentShape,
    PermissionShape,
    RoleShape,
    RuleShape,
    ScopeShape,
    StepUpShape,
)
from policy.document.wording import JsonPath

T = TypeVar("T")


_DOCUMENT: Final[TypeAdapter[DocumentShape]] = TypeAdapter(DocumentShape)
_ASSIGNMENTS: Final[TypeAdapter[list[AssignmentShape]]] = TypeAdapter(list[AssignmentShape])
_PROFILE: Final[TypeAdapter[ProfileShape]] = TypeAdapter(ProfileShape)


class Misshapen(NamedTuple):
    """Something in a document that has not its shape; `kind` and `context` are pydantic's."""

    path: JsonPath
    kind: str
    context: Mapping[str, Any]
    value: Any


def document(value: Mapping[str, Any]) -> DocumentShape | list[Misshapen]:
    """The document in its long form, or everything in it that is out of shape."""
    return checked(_DOCUMENT, value)


def assignments(value: Any) -> list[Misshapen]:
    """Everything that is out of shape in a list of assignments."""
    found = checked(_ASSIGNMENTS, value)
    return [each for each in found if isinstance(each, Misshapen)]


def profile(value: Any) -> ProfileShape:
    """A shipped profile in its long form."""
    return _PROFILE.validate_python(value)


def checked(adapter: TypeAdapter[T], value: Any) -> T | list[Misshapen]:
    """The value in its long form, or everything in it that is out of shape."""
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        return [_misshapen(each, value) for each in error.errors(include_url=False)]


def _misshapen(error: ErrorDetails, value: Any) -> Misshapen:
    return Misshapen(_as_written(error["loc"], value), error["type"], error.get("ctx", {}), error["input"])


def _as_written(path: JsonPath, value: Any) -> JsonPath:
    """The path without what only pydantic sees: the item of a short form, and the mark of a refused key."""
    steps: list[str | int] = []
    for step in path:
        if isinstance(step, int) and not isinstance(value, list):
            continue
        if step == "[key]" and (not isinstance(value, dict) or step not in value):
            continue
        steps.append(step)
        value = _below(value, step)
    return tuple(steps)


def _below(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    return value[step] if isinstance(value, list) and isinstance(step, int) else None


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one document, for editors; made from the types that check documents."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_DOCUMENT.json_schema()}


#: The shapes of objects, by where they stand; `*` is a name or an index.
SHAPES: Final[Mapping[JsonPath, Any]] = {
    (): DocumentShape,
    ("permissions", "*"): PermissionShape,
    ("permissions", "*", "step_up"): StepUpShape,
    ("roles", "*"): RoleShape,
    ("scopes", "*"): ScopeShape,
    ("rules", "*"): RuleShape,
    ("assignments", "*"): AssignmentShape,
    ("constraints", "*"): ConstraintShape,
    ("issuers", "*"): IssuerShape,
    ("issuers", "*", "keys"): KeysShape,
    ("issuers", "*", "authority"): AuthorityShape,
    ("issuers", "*", "asserts"): AssertsShape,
    ("issuers", "*", "kinds"): KindsShape,
    ("issuers", "*", "kinds", "*", "*"): ClaimTestShape,
    ("issuers", "*", "claims", "*"): ClaimSourceShape,
    ("issuers", "*", "claims", "*", "*"): ClaimSourceShape,
}


def keys_at(path: JsonPath, shapes: Mapping[JsonPath, Any] = SHAPES) -> Collection[str]:
    """The keys that the object at this path of a document may have."""
    for pattern, shape in shapes.items():
        if len(pattern) == len(path) and all(p in ("*", step) for p, step in zip(pattern, path, strict=True)):
            return tuple(shape.__annotations__)
    return ()
