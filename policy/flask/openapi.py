"""The marks of an application as OpenAPI: a fragment of its own, or merged into a document that others made."""

import copy
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from flask import Flask

from policy.demand import Authenticated, Mark, Public, Requires
from policy.errors import PolicyError, Problem
from policy.flask.enforcement import Enforcement
from policy.flask.openapi_schema import PROBLEM, add_components, components, refusal
from policy.flask.routes import ANY_METHOD, Route, is_automatic_options, routes

Json = dict[str, Any]
#: Alternatives, of which one must be met: the names that one token must have together.
Security = list[dict[str, list[str]]]
METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_ARGUMENT: Final = re.compile(r"<(?:([a-zA-Z_]\w*)(?:\((.*?)\))?:)?([a-zA-Z_]\w*)>")
_SCHEMAS: Final[Mapping[str, Json]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "uuid": {"type": "string", "format": "uuid"},
}


class Key(NamedTuple):
    """What an operation is known by: names of arguments make no difference (OpenAPI, Paths Object)."""

    path: str
    method: str


class Described(NamedTuple):
    """What the marks say of one operation; `security` is `None` where nothing is declared."""

    path: str
    route: Route
    security: Security | None
    refusals: tuple[int, ...]


def openapi_document(app: Flask, document: Mapping[str, Any] | None = None) -> Json:
    """An OpenAPI 3.1 fragment; with a document (Swagger 2.0 or OpenAPI 3), a copy of it with security merged in.

    `PolicyError` where a route is not declared, or where the document is none or calls something else `bearer`.
    """
    found = described(app)
    if document is not None and not isinstance(document, Mapping):
        raise PolicyError("an OpenAPI document is a JSON object")
    if undeclared := dict.fromkeys(_undeclared(one.route) for one in found.values() if one.security is None):
        raise PolicyError(undeclared)
    return _fragment(app, found) if document is None else _merged(app, found, document)


def _undeclared(route: Route) -> Problem:
    file, line = route.place
    message = "nothing is declared for the route, so its security can't be described"
    return Problem(file=file, line=line, path=route.name, message=message)


def described(app: Flask) -> dict[Key, Described]:
    """Every operation that OpenAPI has a word for; rules that it cannot tell apart are alternatives.

    `PolicyError` where the application has no authorizer: nothing enforces what its marks say.
    """
    found: dict[Key, Described] = {}
    for one in routes(app, _enforcement(app).declared):
        path = template(one.rule.rule)
        for method in METHODS if one.method == ANY_METHOD else (one.method.lower(),):
            if method in METHODS:
                key, new = Key(shape(path), method), Described(path, one, security_of(one.marks), _refusals(one.marks))
                found[key] = _either(found[key], new) if key in found else new
    return found


def _enforcement(app: Flask) -> Enforcement:
    found: Enforcement | None = app.extensions.get("policy")
    if found is None:
        raise PolicyError(f"the application `{app.name}` has no authorizer: call init_app(app, ...)")
    return found


def _either(one: Described, other: Described) -> Described:
    """Both, for what cannot be told apart; as undeclared as either."""
    if one.security == other.security:
        return one
    known = one.security is not None and other.security is not None
    alternatives = [*(one.security or [{}]), *(other.security or [{}])]
    security = [each for at, each in enumerate(alternatives) if each not in alternatives[:at]] if known else None
    return one._replace(security=security, refusals=tuple(sorted({*one.refusals, *other.refusals})))


def template(rule: str) -> str:
    """A rule as OpenAPI writes it: `/data/<int:id>` becomes `/data/{id}`."""
    static = _ARGUMENT.split(rule)[::4]
    names = [match[3] for match in _ARGUMENT.finditer(rule)]
    plain = [text.replace("{", "%7B").replace("}", "%7D") for text in static]
    return "".join(
        text + name for text, name in itertools.zip_longest(plain, (f"{{{n}}}" for n in names), fillvalue="")
    )


def shape(path: str) -> str:
    """A templated path without the names of its arguments."""
    return re.sub(r"\{[^{}]*\}", "{}", path)


def security_of(marks: Sequence[Mark]) -> Security | None:
    """Security requirements: all permissions of `requires` in one, alternatives for `any_of`, none for `public`.

    OpenAPI 3.1 lets any scheme name what is needed; its ancestors have lists for OAuth 2 only, and pass these over.
    """
    if not marks:
        return None
    if isinstance(marks[0], Public):
        return [{}, {"bearer": []}] if marks[0].identify else []
    options: list[list[tuple[str, ...]]] = [
        [(name,) for name in mark.permissions] if mark.any_of else [mark.permissions]
        for mark in marks
        if isinstance(mark, Requires)
    ]
    combined = (dict.fromkeys(itertools.chain(*choice)) for choice in itertools.product(*options))
    return [{"bearer": list(names)} for names in dict.fromkeys(map(tuple, combined))]


def _refusals(marks: Sequence[Mark]) -> tuple[int, ...]:
    if not marks or (isinstance(marks[0], Public) and not marks[0].identify):
        return ()
    return (
        (401,) if isinstance(marks[0], Public) or all(isinstance(one, Authenticated) for one in marks) else (401, 403)
    )


def _fragment(app: Flask, found: Mapping[Key, Described]) -> Json:
    paths: dict[str, Json] = {}
    spelt: dict[str, str] = {}
    for key, one in found.items():
        path = spelt.setdefault(key.path, one.path)
        item = paths.setdefault(path, {})
        if parameters := _parameters(one.route.rule.rule):
            item.setdefault("parameters", parameters)
        responses = {str(status): refusal(status, PROBLEM) for status in one.refusals}
        item[key.method] = {"security": one.security, **({"responses": responses} if responses else {})}
    info = {"title": app.name, "version": "0.0.0"}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": components(shaped=_is_shaped(app))}


def _parameters(rule: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": dict(_SCHEMAS.get(converter, {"type": "string"}))}
        for converter, _, name in _ARGUMENT.findall(rule)
    ]


def _is_shaped(app: Flask) -> bool:
    return _enforcement(app).shape is not None


def _merged(app: Flask, found: Mapping[Key, Described], document: Mapping[str, Any]) -> Json:
    version = version_of(document)
    merged: Json = copy.deepcopy(dict(document))
    schema = add_components(merged, version, shaped=_is_shaped(app))
    for key, operation in operations(merged, found):
        one = look_up(found, key)
        if one is not None:
            operation["security"] = copy.deepcopy(one.security)
            responses = operation.setdefault("responses", {})
            for status in one.refusals:
                if status not in responses:
                    responses.setdefault(str(status), refusal(status, schema))
    return merged


def version_of(document: Mapping[str, Any]) -> str:
    """`2` or `3`; `PolicyError` for anything else."""
    if document.get("swagger") == "2.0":
        return "2"
    if str(document.get("openapi", "")).startswith("3."):
        return "3"
    raise PolicyError('the document is neither `"swagger": "2.0"` nor `"openapi": "3..."`')


def operations(document: Mapping[str, Any], found: Mapping[Key, Described]) -> Iterator[tuple[Key, Json]]:
    """The operations of a document, each with the key that its route would have."""
    paths = {path: item for path, item in (document.get("paths") or {}).items() if isinstance(item, dict)}
    prefix = _prefix(document, paths, {key.path for key in found})
    for path, item in paths.items():
        for method in METHODS:
            if isinstance(item.get(method), dict):
                yield Key(shape(prefix + path), method), item[method]


def _prefix(document: Mapping[str, Any], paths: Iterable[str], known: set[str]) -> str:
    """What stands before all paths of the document: the prefix under which most of them are routes, or none."""
    servers = document.get("servers") or []
    urls = [server.get("url") for server in servers if isinstance(server, dict)] + [document.get("basePath")]
    prefixes = [urlsplit(url).path.rstrip("/") for url in urls if isinstance(url, str)]
    candidates = [*sorted(prefixes, key=len, reverse=True), ""]
    shapes = [shape(path) for path in paths]
    return max(candidates, key=lambda prefix: sum(prefix + path in known for path in shapes))


def look_up(found: Mapping[Key, Described], key: Key) -> Described | None:
    """What the marks say of an operation; a HEAD is a GET where it has no function of its own."""
    return found.get(key) or (found.get(key._replace(method="get")) if key.method == "head" else None)


def is_answered_by_flask(app: Flask, key: Key) -> bool:
    """Whether it is an OPTIONS that no view answers, and that nobody is asked anything for."""
    return key.method == "options" and any(
        shape(template(rule.rule)) == key.path and is_automatic_options(rule, "OPTIONS")
        for rule in app.url_map.iter_rules()
    )
