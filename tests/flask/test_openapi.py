"""The marks as OpenAPI: a document of their own, merged into those of others, and compared with them."""

import copy
import json
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView
from openapi_spec_validator import validate
from werkzeug.routing import Map, Rule

from policy import PolicyError
from policy.flask import Authorizer, authenticated, public, requires
from policy.flask.openapi import security_of, template
from policy.flask.openapi_drift import drift
from tests.flask.conftest import Protect

VIEW: Any = len
READ: Any = [{"bearer": ["read:data"]}]
UPDATE: Any = [{"bearer": ["update:data"]}]
BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
REFUSED = {
    "401": {"description": "No token that is accepted, or too weak a login"},
    "403": {"description": "The token does not allow it"},
}


def responses(*statuses: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {**REFUSED[status], "content": content} for status in statuses}


def test_the_marks_are_a_document(app: Flask, protect: Protect) -> None:
    """Views, classes, blueprints and declared endpoints, with paths, security and refusals; valid OpenAPI 3.1."""

    class Item(MethodView):
        @requires("read:data")
        def get(self, id: str) -> str:  # noqa: A002
            return id

        @requires("update:data")
        def put(self, id: str) -> str:  # noqa: A002
            return id

    authz = protect(app)
    docs = Blueprint("docs", __name__, url_prefix="/docs")
    docs.add_url_rule("/<path:page>", "page", VIEW)
    app.register_blueprint(docs)
    app.add_url_rule("/items/<int:id>", view_func=Item.as_view("item"))
    app.add_url_rule("/me", "me", authenticated(VIEW))
    authz.declare("docs.*", public(reason="docs"))
    authz.seal()
    found = authz.openapi()
    validate(found)
    problem = found["components"]["schemas"].pop("Problem")
    assert problem["required"] == ["type", "title", "status", "detail", "reason"]
    assert found == {
        "openapi": "3.1.0",
        "info": {"title": "shop", "version": "0.0.0"},
        "paths": {
            "/docs/{page}": {
                "parameters": [{"name": "page", "in": "path", "required": True, "schema": {"type": "string"}}],
                "get": {"security": []},
            },
            "/items/{id}": {
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "get": {"security": READ, "responses": responses("401", "403")},
                "put": {"security": UPDATE, "responses": responses("401", "403")},
            },
            "/me": {"get": {"security": [{"bearer": []}], "responses": responses("401")}},
        },
        "components": {"securitySchemes": {"bearer": BEARER}, "schemas": {}},
    }


@pytest.mark.parametrize(
    ("markers", "security"),
    [
        ([], None),
        ([requires("a", "b")], [{"bearer": ["a", "b"]}]),
        ([requires(any_of=("a", "b"))], [{"bearer": ["a"]}, {"bearer": ["b"]}]),
        ([requires("a"), requires(any_of=("a", "b"))], [{"bearer": ["a"]}, {"bearer": ["a", "b"]}]),
        ([requires("a", tenant="t"), authenticated], [{"bearer": ["a"]}]),
        ([authenticated], [{"bearer": []}]),
        ([public(reason="r")], []),
        ([public(reason="r", identify=True)], [{}, {"bearer": []}]),
    ],
)
def test_security_follows_from_the_marks(markers: list[Any], security: Any) -> None:
    """All of several stand in one requirement, any of several are alternatives, and stacked marks are combined."""
    assert security_of([marker.mark for marker in markers]) == security


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("/a", "/a"),
        ("/<id>", "/{id}"),
        ("/a/<int(min=1, max=9):id>/<path:rest>/", "/a/{id}/{rest}/"),
        ('/<any("x>", ")y"):kind>.json', "/{kind}.json"),
        ("/{a}/<b>", "/%7Ba%7D/{b}"),
    ],
)
def test_rules_become_paths(rule: str, path: str) -> None:
    """Converters and what they are given are left out, as Werkzeug reads them."""
    assert template(rule) == path
    (one,) = Map([Rule(rule)]).iter_rules()
    assert one.arguments == {name.split("}")[0] for name in path.split("{")[1:]}


def test_rules_that_a_document_cannot_tell_apart_are_alternatives(app: Flask, protect: Protect) -> None:
    """OpenAPI has one path for two rules that differ in a converter or in a name only."""
    authz = protect(app)
    app.add_url_rule("/x/<int:id>", "number", requires("read:data")(VIEW))
    app.add_url_rule("/x/<name>", "name", public(reason="names")(VIEW))
    for kind in ("int", "float"):
        app.add_url_rule(f"/open/<{kind}:id>", kind, public(reason="open")(VIEW))
    found = authz.openapi()
    assert list(found["paths"]) == ["/x/{id}", "/open/{id}"]
    assert found["paths"]["/open/{id}"]["get"] == {"security": []}
    assert found["paths"]["/x/{id}"]["get"]["security"] == [*READ, {}]
    validate(found)


def test_methods_that_openapi_has_no_word_for_are_left_out(app: Flask, protect: Protect) -> None:
    """And a rule for any method has all that it has words for."""
    authz = protect(app)
    app.add_url_rule("/x", "x", requires("read:data")(VIEW), methods=["PURGE"])
    app.url_map.add(Rule("/any", endpoint="x"))
    paths = authz.openapi()["paths"]
    assert {path: sorted(item) for path, item in paths.items()} == {
        "/any": ["delete", "get", "head", "options", "patch", "post", "put", "trace"]
    }


def test_what_is_not_declared_is_not_described(app: Flask, protect: Protect) -> None:
    """A document must not say of a route what nobody declared."""
    authz = protect(app)
    app.add_url_rule("/x", "x", VIEW)
    with pytest.raises(PolicyError) as caught:
        authz.openapi()
    assert str(caught.value) == "GET /x: nothing is declared for the route, so its security can't be described"


def test_an_authorizer_without_an_application_has_no_document() -> None:
    """Unless it is given one."""
    with pytest.raises(PolicyError, match="call init_app"):
        Authorizer().openapi()


def test_an_application_without_an_authorizer_has_no_document(app: Flask) -> None:
    """Nothing would enforce what its marks say."""
    app.add_url_rule("/x", "x", requires("read:data")(VIEW))
    with pytest.raises(PolicyError, match="the application `shop` has no authorizer"):
        Authorizer().openapi(app)


def test_a_body_of_ones_own_is_not_described_as_ours(app: Flask, protect: Protect) -> None:
    """What `authz.problem` makes is not known, but that it is an object."""
    authz = protect(app)
    authz.problem(lambda body: {"error": body["reason"]})
    assert authz.openapi(app)["components"]["schemas"] == {
        "Problem": {"type": "object", "description": "Why a request is refused (RFC 9457)"}
    }


def merged_into(app: Flask, protect: Protect, document: dict[str, Any]) -> dict[str, Any]:
    authz = protect(app)
    app.add_url_rule("/x", "x", requires("read:data")(VIEW))
    app.add_url_rule("/hidden", "hidden", requires("read:data")(VIEW))
    before = copy.deepcopy(document)
    found = authz.openapi(document=document)
    assert document == before
    return found


def test_only_security_and_missing_refusals_are_merged(app: Flask, protect: Protect) -> None:
    """What is described stays, what no route answers stays, and what is not described is not published."""
    gone: Any = {"get": {"security": [{"key": []}]}}
    operation = {"summary": "X", "security": [{"key": []}], "responses": {"401": {"description": "mine"}}}
    schemes = {"bearer": {"type": "http", "scheme": "Bearer", "description": "mine"}, "key": {"type": "x"}}
    document = {
        "openapi": "3.0.3",
        "paths": {
            "/x": {"summary": "P", "get": operation, "head": {"responses": {403: {}}}},
            "/gone": gone,
            "/shared": {"$ref": "#/x"},
        },
        "components": {"securitySchemes": schemes, "schemas": {"Problem": {"type": "string"}}},
    }
    found = merged_into(app, protect, document)
    problem = found["components"]["schemas"].pop("AuthorizationProblem")
    refused = json.loads(json.dumps(responses("401", "403")).replace("/Problem", "/AuthorizationProblem"))
    assert problem["type"] == "object"
    assert found == {
        "openapi": "3.0.3",
        "paths": {
            "/x": {
                "summary": "P",
                "get": {
                    "summary": "X",
                    "security": READ,
                    "responses": {"401": {"description": "mine"}, "403": refused["403"]},
                },
                "head": {"security": READ, "responses": {403: {}, "401": refused["401"]}},
            },
            "/gone": gone,
            "/shared": {"$ref": "#/x"},
        },
        "components": {"securitySchemes": schemes, "schemas": {"Problem": {"type": "string"}}},
    }


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({}, 'the document is neither `"swagger": "2.0"` nor `"openapi": "3..."`'),
        ({"openapi": "3.1.0", "components": {"securitySchemes": {"bearer": {"type": "apiKey", "in": "query"}}}},
         "the document's security scheme `bearer` is something else than a bearer token"),
    ],
)  # fmt: skip
def test_documents_that_cannot_be_merged_are_refused(
    app: Flask, protect: Protect, document: dict[str, Any], fault: str
) -> None:
    """Marks are not written into what is no document, nor under a name that means something else."""
    with pytest.raises(PolicyError) as caught:
        merged_into(app, protect, document)
    assert str(caught.value) == fault


@pytest.mark.parametrize(
    "place",
    [
        {"swagger": "2.0", "basePath": "/api"},
        {"openapi": "3.0.3", "servers": [{"url": "https://x.example"}, {"url": "https://x.example/api/"}]},
    ],
)
def test_paths_below_a_prefix_are_found(app: Flask, protect: Protect, place: dict[str, Any]) -> None:
    """A document may leave out what all its paths begin with; a route of the bare path is another one."""
    authz = protect(app)
    app.add_url_rule("/api/x", "x", requires("read:data")(VIEW))
    app.add_url_rule("/x", "other", requires("update:data")(VIEW))
    found = authz.openapi(document={**place, "paths": {"/x": {"get": {}}}})
    assert found["paths"]["/x"]["get"]["security"] == READ


def test_an_application_behind_a_prefix_is_found(app: Flask, protect: Protect) -> None:
    """A server's prefix may be one that the application never sees."""
    authz = protect(app)
    app.add_url_rule("/x", "x", requires("read:data")(VIEW))
    document = {"openapi": "3.1.0", "servers": [{"url": "/v1"}], "paths": {"/x": {"get": {}}}}
    assert authz.openapi(document=document)["paths"]["/x"]["get"]["security"] == READ


def test_drift_is_told_by_kind(app: Flask, protect: Protect) -> None:
    """Each operation on which document and marks disagree, in the document's order, and then what it does not have."""
    protect(app)
    for name in ("right", "missing", "wrong", "lost"):
        app.add_url_rule(f"/{name}/<id>", name, requires("read:data")(VIEW))
    app.add_url_rule("/health", "health", public(reason="health")(VIEW))
    app.add_url_rule("/open", "open", public(reason="open")(VIEW))
    app.add_url_rule("/forgotten", "forgotten", VIEW)
    app.add_url_rule("/unknown", "unknown", VIEW)
    paths = {
        "/right/{key}": {"get": {"security": [{"jwt": ["read:data"]}]}, "options": {}, "head": {"security": READ}},
        "/missing/{id}": {"get": {}},
        "/wrong/{id}": {"get": {"security": [{"bearer": ["update:data", "read:data"]}, {"bearer": []}]}},
        "/open": {"get": {"security": READ}},
        "/forgotten": {"get": {}},
        "/gone": {"post": {"security": READ}},
    }
    found = drift(app, {"openapi": "3.1.0", "paths": paths})
    assert [(one.kind, str(one)) for one in found] == [
        ("missing-security", "GET /missing/{id}: the document asks for nothing; the marks ask for `read:data`"),
        ("wrong-security", "GET /wrong/{id}: the document asks for any token; the marks ask for `read:data`"),
        ("wrong-security", "GET /open: the document asks for `read:data`; the marks ask for nothing"),
        ("undeclared", "GET /forgotten: the document has it, and nothing is declared for the route"),
        ("no-route", "POST /gone: the document has it, and no route answers it"),
        ("missing-operation", "GET /lost/{id}: the document does not have it; the marks ask for `read:data`"),
        ("missing-operation", "GET /unknown: the document does not have it; nothing is declared for the route"),
    ]


def test_security_of_the_whole_document_counts(app: Flask, protect: Protect) -> None:
    """It holds for each operation that says nothing else."""
    protect(app)
    app.add_url_rule("/x", "x", requires("read:data")(VIEW))
    app.add_url_rule("/open", "open", public(reason="open")(VIEW))
    document = {"openapi": "3.1.0", "security": READ, "paths": {"/x": {"get": {}}, "/open": {"get": {"security": []}}}}
    assert drift(app, document) == ()
    document["paths"] = {"/x": {"get": {"security": "none"}}}
    with pytest.raises(PolicyError, match="the document's `security` of GET /x is no list of requirements"):
        drift(app, document)
