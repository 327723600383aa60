"""Flask-RESTX: namespaces and resources with marks, its own routes, and its handlers of errors."""

import flask_restx
import pytest
from flask import Blueprint, Flask

from policy.flask import Authorizer, authenticated, public, requires
from tests.extensions.asking import NO_ROLE, NO_TOKEN, ask, refused_to_seal, three, two, undeclared, unmarked
from tests.flask.conftest import Protect
from tests.issuing import VIEWER, bearer

OWN = ("api.specs", "api.doc", "api.root", "restx_doc.static")


class Shop:
    """An application with an API under `/api`, whose resources are added by the tests."""

    def __init__(self, app: Flask, authz: Authorizer) -> None:
        self.app, self.authz = app, authz
        self.blueprint = Blueprint("api", __name__, url_prefix="/api")
        self.api = flask_restx.Api(self.blueprint, doc="/docs")
        self.data = flask_restx.Namespace("data")

    def registered(self) -> Flask:
        """The application with all that was added, not sealed."""
        self.api.add_namespace(self.data)
        self.app.register_blueprint(self.blueprint)
        return self.app

    def sealed(self) -> Flask:
        """The same, with the routes of the package declared."""
        self.registered()
        for endpoint in OWN:
            self.authz.declare(endpoint, public(reason="documentation"))
        self.authz.seal()
        return self.app


@pytest.fixture
def shop(app: Flask, protect: Protect) -> Shop:
    return Shop(app, protect(app))


def test_marks_on_methods_and_on_classes_are_enforced(shop: Shop) -> None:
    """Between decorators of the package, above and below the route of a class, and both together."""

    @shop.data.route("/<int:number>")
    class Item(flask_restx.Resource):
        @requires("read:data")
        @shop.data.doc("read one")
        def get(self, number: int) -> dict[str, int]:
            return {"number": number}

        @shop.data.response(200, "changed")
        @requires("update:data")
        def put(self, number: int) -> dict[str, int]:
            return {"number": number}

    @requires("read:data")
    @shop.data.route("/above")
    class Above(flask_restx.Resource):
        def get(self) -> str:
            return "all"

    @shop.data.route("/below")
    @authenticated
    class Below(flask_restx.Resource):
        @requires("read:data")
        def get(self) -> str:
            return "all"

    app = shop.sealed()
    assert three(app, "/api/data/7") == [NO_TOKEN, NO_ROLE, (200, '{"number": 7}\n')]
    assert three(app, "/api/data/7", method="PUT") == [NO_TOKEN, NO_ROLE, NO_ROLE]
    assert three(app, "/api/data/above") == [NO_TOKEN, NO_ROLE, (200, '"all"\n')]
    assert three(app, "/api/data/below") == [NO_TOKEN, NO_ROLE, (200, '"all"\n')]


def test_every_forgotten_route_is_named(shop: Shop) -> None:
    """Those of the package too: its description, its page, its root and the files of the page."""

    @shop.data.route("/<int:number>")
    class Item(flask_restx.Resource):
        @requires("read:data")
        def get(self, number: int) -> int:
            return number

        def put(self, number: int) -> int:
            return number

    shop.registered()
    assert refused_to_seal(shop.authz) == [
        undeclared("GET /api/swagger.json", "SwaggerView.get", "api.specs"),
        undeclared("GET /api/docs", "Api.render_doc", "api.doc"),
        undeclared("GET /api/", "Api.render_root", "api.root"),
        "GET /swaggerui/<path:filename>: nothing says who may call the static folder; "
        'add `authz.declare("restx_doc.static", public(reason="..."))`',
        unmarked("PUT /api/data/<int:number>", Item.put, "api.data_item"),
    ]


def test_the_routes_of_the_package_are_declared_by_endpoint_or_blueprint(shop: Shop) -> None:
    """Its page and its files for everybody, its description for those who may read."""

    @shop.data.route("/")
    class Items(flask_restx.Resource):
        @requires("read:data")
        def get(self) -> list[str]:
            return []

    app = shop.registered()
    shop.authz.declare("api.specs", requires("read:data"))
    for endpoint in ("api.doc", "api.root", "restx_doc.*"):
        shop.authz.declare(endpoint, public(reason="documentation"))
    shop.authz.seal()
    assert two(app, "/api/swagger.json") == [NO_TOKEN, NO_ROLE]
    status, described = ask(app, "/api/swagger.json", bearer(**VIEWER))
    assert (status, '"/data/"' in described) == (200, True)
    assert [ask(app, path)[0] for path in ("/api/docs", "/swaggerui/swagger-ui.css", "/api/")] == [200, 200, 404]
    assert ask(app, "/api/", method="POST")[0] == 405


def test_its_error_handlers_never_see_a_refusal(shop: Shop) -> None:
    """A handler of every exception, and one for all the others, change nothing."""

    @shop.api.errorhandler(Exception)
    @shop.api.errorhandler
    def handled(error: Exception) -> tuple[dict[str, str], int]:
        return {"message": "all is well"}, 200

    @shop.data.route("/")
    class Items(flask_restx.Resource):
        @requires("read:data")
        def get(self) -> str:
            raise LookupError

    app = shop.sealed()
    assert three(app, "/api/data/") == [NO_TOKEN, NO_ROLE, (200, '{"message": "all is well"}\n')]


def test_its_error_handlers_cannot_hide_a_tripwire(shop: Shop) -> None:
    """A stricter method that a resource calls does not run, whatever the handlers make of that."""

    @shop.api.errorhandler(Exception)
    def handled(error: Exception) -> tuple[dict[str, str], int]:
        return {"message": "all is well"}, 200

    class Strict(flask_restx.Resource):
        @requires("update:data")
        def get(self) -> str:
            return "the secret"

    @shop.data.route("/")
    class Loose(Strict):
        @requires("read:data")
        def get(self) -> str:
            return super().get()

    app = shop.sealed()
    assert three(app, "/api/data/") == [NO_TOKEN, NO_ROLE, (500, "mark-not-enforced")]


def test_a_gate_in_a_resource_keeps_status_and_challenge(shop: Shop) -> None:
    """The package makes a body of its own of every error that a resource raises."""

    @shop.data.route("/")
    class Items(flask_restx.Resource):
        @requires("read:data")
        def get(self) -> str:
            shop.authz.require("update:data")
            return "the secret"

    app = shop.sealed()
    answer = app.test_client().get("/api/data/", headers=bearer(**VIEWER))
    assert (answer.status_code, answer.headers["WWW-Authenticate"], answer.get_json()) == (
        403,
        'Bearer realm="shop"',
        {"message": "Forbidden"},
    )


def test_marks_among_its_method_decorators_do_not_count(shop: Shop) -> None:
    """The package puts them on only while a request runs, so the seal misses them."""

    class Base(flask_restx.Resource):
        method_decorators = (requires("update:data"),)

    @shop.data.route("/forgotten")
    class Forgotten(Base):
        def get(self) -> str:
            return "the secret"

    shop.registered()
    for endpoint in OWN:
        shop.authz.declare(endpoint, public(reason="documentation"))
    assert refused_to_seal(shop.authz) == [unmarked("GET /api/data/forgotten", Forgotten.get, "api.data_forgotten")]


def test_a_mark_among_its_method_decorators_beside_another_trips(shop: Shop) -> None:
    """It is stricter than what was enforced."""

    @shop.data.route("/")
    class Items(flask_restx.Resource):
        method_decorators = (requires("update:data"),)

        @requires("read:data")
        def get(self) -> str:
            return "the secret"

    assert three(shop.sealed(), "/api/data/") == [NO_TOKEN, NO_ROLE, (500, "mark-not-enforced")]
