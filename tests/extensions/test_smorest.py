"""flask-smorest: blueprints with method views, its decorators in any order with the marks, its documentation."""

import itertools
from collections.abc import Callable
from typing import Any

import flask_smorest
import marshmallow
import pytest
from flask import Flask
from flask.views import MethodView

from policy.flask import Authorizer, public, requires
from tests.extensions.asking import NO_ROLE, NO_TOKEN, ask, refused_to_seal, three, two, undeclared, unmarked
from tests.flask.conftest import Protect
from tests.issuing import VIEWER, bearer


class Wanted(marshmallow.Schema):
    name = marshmallow.fields.String(required=True)


class Shop:
    """An application with an API, whose items are added by the tests."""

    def __init__(self, app: Flask, authz: Authorizer) -> None:
        app.config.update(API_TITLE="Shop", API_VERSION="1", OPENAPI_VERSION="3.0.3", OPENAPI_URL_PREFIX="/docs")
        app.config.update(OPENAPI_REDOC_PATH="/redoc", OPENAPI_REDOC_URL="https://cdn.example/redoc.js")
        self.app, self.authz = app, authz
        self.api = flask_smorest.Api(app)
        self.items = flask_smorest.Blueprint("items", __name__, url_prefix="/items")

    def sealed(self) -> Flask:
        """The application with all that was added, the documentation declared."""
        self.api.register_blueprint(self.items)
        self.authz.declare("api-docs.*", public(reason="documentation"))
        self.authz.seal()
        return self.app


@pytest.fixture
def shop(app: Flask, protect: Protect) -> Shop:
    return Shop(app, protect(app))


ORDERS = list(itertools.permutations(("mark", "arguments", "response")))


@pytest.mark.parametrize("order", ORDERS, ids=map("-".join, ORDERS))
def test_the_order_of_marks_and_its_decorators_does_not_matter(shop: Shop, order: tuple[str, ...]) -> None:
    """On methods and on functions; who may not is refused before the body is looked at."""
    decorators: dict[str, Callable[[Any], Any]] = {
        "mark": requires("read:data"),
        "arguments": shop.items.arguments(Wanted),
        "response": shop.items.response(201),
    }

    def decorated(function: Callable[..., Any]) -> Any:
        for name in reversed(order):
            function = decorators[name](function)
        return function

    @shop.items.route("/method")
    class Items(MethodView):
        @decorated
        def post(self, wanted: dict[str, str]) -> dict[str, str]:
            return wanted

    @shop.items.route("/function", methods=["POST"])
    @decorated
    def add(wanted: dict[str, str]) -> dict[str, str]:
        return wanted

    app = shop.sealed()
    for path in ("/items/method", "/items/function"):
        good: dict[str, Any] = {"method": "POST", "json": {"name": "one"}}
        assert three(app, path, **good) == [NO_TOKEN, NO_ROLE, (201, '{"name":"one"}\n')]
        bad: dict[str, Any] = {"method": "POST", "json": {"title": "one"}}
        assert two(app, path, **bad) == [NO_TOKEN, NO_ROLE]
        assert ask(app, path, bearer(**VIEWER), **bad)[0] == 422


def test_a_mark_on_a_class_holds_above_and_below_its_route(shop: Shop) -> None:
    """A method's own mark is added to it."""

    @requires("read:data")
    @shop.items.route("/above")
    class Above(MethodView):
        @shop.items.response(200)
        def get(self) -> str:
            return "above"

        @shop.items.response(200)
        @requires("update:data")
        def put(self) -> str:
            return "above"

    @shop.items.route("/below")
    @shop.items.etag
    @requires("read:data")
    class Below(MethodView):
        @shop.items.response(200)
        def get(self) -> str:
            return "below"

    app = shop.sealed()
    assert three(app, "/items/above") == [NO_TOKEN, NO_ROLE, (200, '"above"\n')]
    assert three(app, "/items/above", method="PUT") == [NO_TOKEN, NO_ROLE, NO_ROLE]
    assert three(app, "/items/below") == [NO_TOKEN, NO_ROLE, (200, '"below"\n')]


def test_every_forgotten_route_is_named(shop: Shop) -> None:
    """Those of its documentation too."""

    @shop.items.route("/")
    class Items(MethodView):
        @shop.items.response(200)
        def get(self) -> str:
            return "all"

    shop.api.register_blueprint(shop.items)
    assert refused_to_seal(shop.authz) == [
        undeclared("GET /docs/openapi.json", "DocBlueprintMixin._openapi_json", "api-docs.openapi_json"),
        undeclared("GET /docs/redoc", "DocBlueprintMixin._openapi_redoc", "api-docs.openapi_redoc"),
        unmarked("GET /items/", Items.get.__wrapped__, "items.Items"),
    ]


def test_its_documentation_is_declared_by_blueprint(shop: Shop) -> None:
    """And protected like anything else."""
    shop.authz.declare("api-docs.*", requires("read:data"))
    shop.authz.seal()
    for path in ("/docs/openapi.json", "/docs/redoc"):
        assert two(shop.app, path) == [NO_TOKEN, NO_ROLE]
        assert ask(shop.app, path, bearer(**VIEWER))[0] == 200


def test_a_mark_above_the_route_of_a_function_is_an_error(shop: Shop) -> None:
    """Its route gives back the function it was given, so the mark would stand beside the view."""

    @requires("read:data")
    @shop.items.route("/")
    @shop.items.response(200)
    def index() -> str:
        return "all"

    shop.api.register_blueprint(shop.items)
    shop.authz.declare("api-docs.*", public(reason="documentation"))
    place = unmarked("GET /items/", index.__wrapped__.__wrapped__, "").partition(": nothing")[0]
    assert refused_to_seal(shop.authz) == [
        f'{place}: the mark `requires("read:data")` stands above the route of view `index`; move it below the route'
    ]


def test_its_error_handler_leaves_a_gate_as_it_is(shop: Shop) -> None:
    """Also where a view is refused by `authz.require`, the answer is ours."""

    @shop.items.route("/")
    @shop.items.response(200)
    @requires("read:data")
    def index() -> str:
        shop.authz.require("update:data")
        return "the secret"

    assert three(shop.sealed(), "/items/") == [NO_TOKEN, NO_ROLE, NO_ROLE]
    assert ask(shop.app, "/nowhere") == (404, '{"code":404,"status":"Not Found"}\n')
