"""Documents that flask-restx and flask-smorest make: the marks are merged into them, and agree with them afterwards."""

import json
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.views import MethodView
from openapi_spec_validator import validate

from policy.flask import public, requires
from policy.flask.openapi_drift import drift
from tests.flask.conftest import Protect

READ: Any = [{"bearer": ["read:data"]}]
EITHER: Any = [{"bearer": ["update:data"]}, {"bearer": ["delete:data"]}]


def without_marks(document: dict[str, Any], path: str) -> dict[str, Any]:
    """The document without what merging adds."""
    found: dict[str, Any] = json.loads(json.dumps(document))
    for operation in found["paths"][path].values():
        if isinstance(operation, dict):
            del operation["security"], operation["responses"]["401"], operation["responses"]["403"]
    for place in (found, found.get("components", {})):
        for section, name in (("securityDefinitions", "bearer"), ("securitySchemes", "bearer")):
            if place.get(section, {}).pop(name, None) and not place[section]:
                del place[section]
        for section in ("definitions", "schemas"):
            if place.get(section, {}).pop("Problem", None) and not place[section]:
                del place[section]
    return found


def test_restx(app: Flask, protect: Protect) -> None:
    """Swagger 2.0 of a blueprint with a prefix."""
    restx: Any = pytest.importorskip("flask_restx")
    authz = protect(app)
    blueprint = Blueprint("api", __name__, url_prefix="/api")
    api = restx.Api(blueprint, doc="/docs")

    @api.route("/data/<int:id>")
    class Item(restx.Resource):  # type: ignore[misc]
        @requires("read:data")
        def get(self, id: int) -> dict[str, int]:  # noqa: A002
            return {"id": id}

        @requires(any_of=("update:data", "delete:data"))
        def put(self, id: int) -> dict[str, int]:  # noqa: A002
            return {"id": id}

    app.register_blueprint(blueprint)
    for endpoint in ("api.doc", "api.root", "api.specs", "restx_doc.static"):
        authz.declare(endpoint, public(reason="documentation"))
    authz.seal()
    with app.test_request_context():
        document = json.loads(json.dumps(api.__schema__))
    merged = authz.openapi(document=document)
    validate(merged)
    operations = merged["paths"]["/data/{id}"]
    assert (operations["get"]["security"], operations["put"]["security"]) == (READ, EITHER)
    assert operations["get"]["responses"]["403"] == {
        "description": "The token does not allow it", "schema": {"$ref": "#/definitions/Problem"},
    }  # fmt: skip
    assert merged["securityDefinitions"]["bearer"]["name"] == "Authorization"
    assert without_marks(merged, "/data/{id}") == document
    assert [str(one) for one in drift(app, document)] == [
        "GET /api/data/{id}: the document asks for nothing; the marks ask for `read:data`",
        "PUT /api/data/{id}: the document asks for nothing; the marks ask for `delete:data` or `update:data`",
    ]
    assert drift(app, merged) == ()


@pytest.mark.parametrize("version", ["2.0", "3.0.3", "3.1.0"])
def test_smorest(app: Flask, protect: Protect, version: str) -> None:
    """All versions of OpenAPI that it writes; the order of its decorators and the marks does not matter."""
    smorest: Any = pytest.importorskip("flask_smorest")
    app.config.update(API_TITLE="Shop", API_VERSION="1", OPENAPI_VERSION=version, OPENAPI_URL_PREFIX="/docs")
    authz = protect(app)
    api = smorest.Api(app)
    items = smorest.Blueprint("items", __name__, url_prefix="/items")

    @items.route("/<int:id>")
    class Item(MethodView):
        @requires("read:data")
        @items.response(200)  # type: ignore[untyped-decorator]
        def get(self, id: int) -> dict[str, int]:  # noqa: A002
            return {"id": id}

        @items.response(200)  # type: ignore[untyped-decorator]
        @requires(any_of=("update:data", "delete:data"))
        def put(self, id: int) -> dict[str, int]:  # noqa: A002
            return {"id": id}

    api.register_blueprint(items)
    authz.declare("api-docs.*", public(reason="documentation"))
    authz.seal()
    document = json.loads(json.dumps(api.spec.to_dict()))
    merged = authz.openapi(document=document)
    validate(merged)
    operations = merged["paths"]["/items/{id}"]
    assert (operations["get"]["security"], operations["put"]["security"]) == (READ, EITHER)
    assert without_marks(merged, "/items/{id}") == document
    assert len(drift(app, document)) == 2
    assert drift(app, merged) == ()
