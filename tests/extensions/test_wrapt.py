"""Views that wrapt replaces after they were marked: decided by the marks they still carry, or refused."""

from collections.abc import Callable
from typing import Any, cast

import pytest
import wrapt
from flask import Flask
from flask.views import MethodView

from policy.flask import Authorizer, requires
from tests.extensions.asking import NO_ROLE, NO_TOKEN, ask, refused_to_seal, three, unmarked
from tests.flask.conftest import Protect
from tests.issuing import VIEWER, bearer

UNDECLARED = (503, "endpoint-undeclared")


def shouting(wrapped: Callable[..., str], instance: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Call what is wrapped, in capitals."""
    return wrapped(*args, **kwargs).upper()


class Page(MethodView):
    @requires("read:data")
    def get(self) -> str:
        return "the data"

    @requires("update:data")
    def put(self) -> str:
        return "the data"


def add_views(app: Flask) -> None:
    """A function and a class of views, and a function without a mark."""
    app.add_url_rule("/view", "view", requires("read:data")(lambda: "the data"))
    app.add_url_rule("/page", view_func=Page.as_view("page"))
    app.add_url_rule("/bare", "bare", lambda: "the data")


@pytest.fixture
def authz(app: Flask, protect: Protect) -> Authorizer:
    found = protect(app)
    add_views(app)
    found.declare("bare", requires("read:data"))
    return found


WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "FunctionWrapper": lambda view: wrapt.FunctionWrapper(view, shouting),
    "decorator": wrapt.decorator(shouting),
    "twice": lambda view: wrapt.FunctionWrapper(
        wrapt.decorator(lambda view, _, args, kw: view(*args, **kw))(view), shouting
    ),
}


@pytest.mark.parametrize("when", ["before the seal", "after the seal", "after a request"])
@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS.keys())
def test_a_replaced_view_is_decided_by_the_marks_it_carries(
    app: Flask, authz: Authorizer, wrap: Callable[[Any], Any], when: str
) -> None:
    """Whenever it is replaced."""
    if when != "before the seal":
        authz.seal()
    if when == "after a request":
        assert three(app, "/view") == [NO_TOKEN, NO_ROLE, (200, "the data")]
    for endpoint in ("view", "page", "bare"):
        app.view_functions[endpoint] = wrap(app.view_functions[endpoint])
    if when == "before the seal":
        authz.seal()
    for path in ("/view", "/page", "/bare"):
        assert three(app, path) == [NO_TOKEN, NO_ROLE, (200, "THE DATA")]
    assert three(app, "/page", method="PUT") == [NO_TOKEN, NO_ROLE, NO_ROLE]


def test_a_forgotten_view_is_named_by_what_is_wrapped(app: Flask, protect: Protect) -> None:
    """Not by the wrapper, which is somebody else's."""
    authz = protect(app)

    def forgotten() -> str:
        return "the data"

    app.add_url_rule("/forgotten", "forgotten", wrapt.FunctionWrapper(forgotten, shouting))
    assert refused_to_seal(authz) == [unmarked("GET /forgotten", forgotten, "forgotten")]


def test_a_replacement_is_as_strict_as_the_mark_put_around_it(app: Flask, authz: Authorizer) -> None:
    """What is wrapped must be met as well."""
    app.view_functions["view"] = requires("update:data")(wrapt.FunctionWrapper(app.view_functions["view"], shouting))
    authz.seal()
    editor = bearer(roles=["editor"], scope="read:data update:data")
    assert three(app, "/view") == [NO_TOKEN, NO_ROLE, NO_ROLE]
    assert ask(app, "/view", editor) == (200, "THE DATA")


def test_a_replacement_that_hides_the_marks_is_refused(app: Flask, authz: Authorizer) -> None:
    """Without them nobody knows who may call it."""
    authz.seal()
    marked: Any = app.view_functions["view"]
    app.view_functions["view"] = lambda: marked()
    assert three(app, "/view") == [UNDECLARED] * 3
    assert three(app, "/page") == [NO_TOKEN, NO_ROLE, (200, "the data")]


def test_a_proxy_that_runs_something_else_is_decided_by_the_marks_it_shows(app: Flask, authz: Authorizer) -> None:
    """A stricter function that it calls in place of its own trips."""
    strict: Any = requires("update:data")(lambda: "the secret")
    instead = wrapt.FunctionWrapper(app.view_functions["view"], lambda *_: strict())
    authz.seal()
    app.view_functions["view"] = instead
    assert three(app, "/view") == [NO_TOKEN, NO_ROLE, (500, "mark-not-enforced")]


def test_a_wrapped_function_that_changes_its_marks_is_decided_anew(app: Flask, authz: Authorizer) -> None:
    """A proxy is equal to what it wraps, yet what was found of one says nothing of the other."""
    authz.seal()
    assert ask(app, "/view", bearer(**VIEWER)) == (200, "the data")

    class Bare(wrapt.ObjectProxy):  # type: ignore[type-arg]
        """A proxy that shows no attributes of what it wraps."""

        __dict__ = {}

    app.view_functions["view"] = cast("Any", Bare(app.view_functions["view"]))
    assert three(app, "/view") == [UNDECLARED] * 3
