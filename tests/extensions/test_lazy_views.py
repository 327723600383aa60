"""Lazily loaded views, as Flask's documentation has them, and rules that are added while the application runs."""

from typing import Any, cast

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.utils import cached_property, import_string

from policy.flask import Authorizer, public, requires
from tests.extensions.asking import NO_ROLE, NO_TOKEN, ask, refused_to_seal, three, two, undeclared
from tests.flask.conftest import Protect
from tests.issuing import VIEWER, bearer

UNDECLARED = (503, "endpoint-undeclared")


class LazyView:
    """Taken from "Lazily Loading Views" in Flask's documentation."""

    def __init__(self, import_name: str) -> None:
        self.__module__, self.__name__ = import_name.rsplit(".", 1)
        self.import_name = import_name

    @cached_property
    def view(self) -> Any:
        return import_string(self.import_name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.view(*args, **kwargs)


@pytest.fixture
def authz(app: Flask, protect: Protect) -> Authorizer:
    """Of an application with one lazy view."""
    app.add_url_rule("/lazy", view_func=LazyView("tests.extensions.lazy_views.index"))
    return protect(app)


def test_a_lazy_view_is_declared_by_its_endpoint(app: Flask, authz: Authorizer) -> None:
    """It is loaded for those who may only."""
    view = app.view_functions["index"]
    authz.declare("index", requires("read:data"))
    authz.seal()
    assert two(app, "/lazy") == [NO_TOKEN, NO_ROLE]
    assert "view" not in vars(view)
    assert ask(app, "/lazy", bearer(**VIEWER)) == (200, "loaded")
    assert "view" in vars(view)


def test_a_forgotten_lazy_view_is_called_by_its_name(authz: Authorizer) -> None:
    """It has no line that could be shown."""
    assert refused_to_seal(authz) == [undeclared("GET /lazy", "index", "index")]


def test_a_lazy_view_trips_where_another_view_calls_it(
    app: Flask, authz: Authorizer, caplog: pytest.LogCaptureFixture
) -> None:
    """It is a tripwire like a function, and no handler of exceptions hides that."""
    app.register_error_handler(Exception, lambda error: ("all is well", 200))
    calling: Any = public(reason="calls it")(lambda: app.view_functions["index"]())
    app.add_url_rule("/other", "other", calling)
    authz.declare("index", requires("read:data"))
    authz.seal()
    assert ask(app, "/other", bearer(**VIEWER)) == (500, "mark-not-enforced")
    assert caplog.messages == [
        '`tests.extensions.lazy_views.index` was called although its mark `requires("read:data")` was not enforced'
    ]


def test_a_lazy_view_that_loads_a_stricter_one_trips(app: Flask, protect: Protect) -> None:
    """The mark of what it loads is unknown until then."""
    authz, lazy = protect(app), LazyView("tests.extensions.lazy_views.index")
    vars(lazy)["view"] = requires("update:data")(lambda: "the secret")
    app.add_url_rule("/lazy", view_func=lazy)
    authz.declare("index", requires("read:data"))
    authz.seal()
    assert three(app, "/lazy") == [NO_TOKEN, NO_ROLE, (500, "mark-not-enforced")]


def test_a_callable_without_a_name_is_called_like_its_class(app: Flask, protect: Protect) -> None:
    """Messages hold no address in memory."""

    class Nameless:
        def __call__(self) -> str:
            return "called"

    authz, view = protect(app), cast("Any", Nameless())
    app.add_url_rule("/x", "x", view)
    assert refused_to_seal(authz) == [undeclared("GET /x", "Nameless", "x")]


def test_a_rule_added_while_running_is_decided_at_the_next_request(app: Flask, protect: Protect) -> None:
    """One that nobody declared is refused alone."""
    authz = protect(app)
    app.add_url_rule("/x", "x", requires("read:data")(lambda: "x"))
    authz.declare("x", requires("read:data"))
    authz.seal()
    assert three(app, "/x") == [NO_TOKEN, NO_ROLE, (200, "x")]
    app.url_map.add(Rule("/again", endpoint="x"))
    app.url_map.add(Rule("/good", endpoint="good"))
    app.url_map.add(Rule("/bad", endpoint="bad"))
    app.url_map.add(Rule("/nothing", endpoint="nothing"))
    app.view_functions["good"] = requires("read:data")(lambda: "good")
    app.view_functions["bad"] = lambda: "bad"
    for path, body in (("/again", "x"), ("/good", "good"), ("/x", "x")):
        assert three(app, path) == [NO_TOKEN, NO_ROLE, (200, body)]
    for path in ("/bad", "/nothing"):
        assert three(app, path) == [UNDECLARED] * 3
    assert ask(app, "/bad", method="OPTIONS") == UNDECLARED


def test_a_rule_that_only_redirects_needs_no_declaration(app: Flask, protect: Protect) -> None:
    """It never meets a view, and where it leads is decided."""
    authz = protect(app)
    app.url_map.add(Rule("/old", redirect_to="new"))
    app.url_map.add(Rule("/older", endpoint="older", redirect_to="new"))
    app.add_url_rule("/new", "new", requires("read:data")(lambda: "new"))
    authz.seal()
    for path in ("/old", "/older"):
        assert ask(app, path)[0] == 308
        assert three(app, path, follow_redirects=True) == [NO_TOKEN, NO_ROLE, (200, "new")]
