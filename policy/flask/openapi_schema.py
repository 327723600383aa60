"""The parts of an OpenAPI document that refusals need: the bearer scheme, and what a problem looks like."""

import copy
from typing import Any, Final

from policy.errors import PolicyError

Json = dict[str, Any]
PROBLEM: Final = "#/components/schemas/Problem"
_TEXT: Final = {"type": "string"}
_SCHEMES: Final[dict[str, Json]] = {
    "2": {
        "type": "apiKey", "name": "Authorization", "in": "header", "description": "The word `Bearer`, a space and a JWT"
    },
    "3": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}  # fmt: skip
_PROBLEM: Final[Json] = {
    "type": "object",
    "description": "Why a request is refused (RFC 9457)",
    "required": ["type", "title", "status", "detail", "reason"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "reason": {**_TEXT, "description": "A word for programs, such as `scope-missing`"},
        "decision": {**_TEXT, "description": "The id of the decision in the log"},
    },
}
_DESCRIPTIONS: Final = {401: "No token that is accepted, or too weak a login", 403: "The token does not allow it"}


def components(*, shaped: bool) -> Json:
    """The components of a document that has no others; `shaped`: refusals have a body of the application's own."""
    return {"securitySchemes": {"bearer": dict(_SCHEMES["3"])}, "schemas": {"Problem": _problem(shaped=shaped)}}


def add_components(document: Json, version: str, *, shaped: bool) -> str:
    """Add what is not there yet; gives the reference to the schema of refusals."""
    if version == "2":
        schemes, schemas = document.setdefault("securityDefinitions", {}), document.setdefault("definitions", {})
    else:
        own = document.setdefault("components", {})
        schemes, schemas = own.setdefault("securitySchemes", {}), own.setdefault("schemas", {})
    _expect_bearer(schemes.setdefault("bearer", dict(_SCHEMES[version])))
    problem = _problem(shaped=shaped)
    name = "Problem" if schemas.get("Problem", problem) == problem else "AuthorizationProblem"
    schemas.setdefault(name, problem)
    return ("#/definitions/" if version == "2" else "#/components/schemas/") + name


def _expect_bearer(scheme: Json) -> None:
    """A scheme of that name may be described in other words, but a token in the header it must be."""
    is_http = scheme.get("type") == "http" and str(scheme.get("scheme")).lower() == "bearer"
    is_header = (
        scheme.get("type") == "apiKey" and scheme.get("in") == "header" and scheme.get("name") == "Authorization"
    )
    if not (is_http or is_header or scheme.get("type") in ("oauth2", "openIdConnect")):
        raise PolicyError("the document's security scheme `bearer` is something else than a bearer token")


def refusal(status: int, schema: str) -> Json:
    """One response, with the body that a reference names."""
    described: Json = {"description": _DESCRIPTIONS[status]}
    content = {"schema": {"$ref": schema}}
    if schema.startswith("#/definitions/"):
        return {**described, **content}
    return {**described, "content": {"application/problem+json": content}}


def _problem(*, shaped: bool) -> Json:
    return {"type": "object", "description": _PROBLEM["description"]} if shaped else copy.deepcopy(_PROBLEM)
