"""A protected view runs only if the hook enforced its mark: every way to forget that fails closed."""

import functools
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask, Response
from flask.views import MethodView, View

from policy import PolicyError
from policy.audit import records
from policy.errors import MarkNotEnforced
from policy.flask import Authorizer, authenticated, current_decision, current_subject, public, requires
from tests.flask.conftest import Protect
from tests.issuing import VIEWER, bearer, write_policy

SECRET = "the view's body"
MEND = (
    'add `@requires("...")`, `@authenticated` or `@public(reason="...")` below its route, '
    'or `authz.declare("view", requires("..."))`'
)


def assert_protected(app: Flask, path: str = "/x", method: str = "GET") -> None:
    """401 without a token, 200 with one that may."""
    client = app.test_client()
    refused = client.open(path, method=method)
    allowed = client.open(path, method=method, headers=bearer(**VIEWER))
    assert (refused.status_code, SECRET in refused.text) == (401, False)
    assert (allowed.status_code, allowed.text) == (200, SECRET if method != "HEAD" else "")


def assert_trips(app: Flask, path: str = "/x", **claims: Any) -> None:
    """500 `mark-not-enforced` without a token and with one, and never the view's body."""
    for headers in ({}, bearer(**(claims or VIEWER))):
        answer = app.test_client().get(path, headers=headers)
        assert (answer.status_code, answer.json and answer.json["reason"]) == (500, "mark-not-enforced")
        assert SECRET not in answer.text


def seal_error(authz: Authorizer) -> str:
    """What the seal says, without the files' folders and the lines' numbers."""
    with pytest.raises(PolicyError) as caught:
        authz.seal()
    return re.sub(r"line \d+", "line N", re.sub(r"\S*/(\w+\.py)", r"\1", str(caught.value)))


def test_a_mark_below_the_route_protects(app: Flask, protect: Protect) -> None:
    """The usual order."""
    authz = protect(app)

    @app.get("/x")
    @requires("read:data")
    def view() -> str:
        return SECRET

    authz.seal()
    assert_protected(app)


def test_a_mark_above_the_route_is_an_error_at_the_seal(app: Flask, protect: Protect) -> None:
    """Flask registered the function before it was marked: the seal names it, and every request is a 503."""
    authz = protect(app)

    @requires("read:data")
    @app.get("/x")
    def view() -> str:
        return SECRET

    assert seal_error(authz) == (
        'test_marks.py, GET /x, line N: the mark `requires("read:data")` stands above the route of view `view`; '
        "move it below the route"
    )
    answer = app.test_client().get("/x", headers=bearer(**VIEWER))
    assert (answer.status_code, answer.json and answer.json["reason"]) == (503, "not-sealed")


def test_a_mark_above_another_marks_route_is_an_error_too(app: Flask, protect: Protect) -> None:
    """A second mark that the registered function does not carry would be forgotten silently."""
    authz = protect(app)

    @requires("update:data")
    @app.get("/x")
    @requires("read:data")
    def view() -> str:
        return SECRET

    assert 'the mark `requires("update:data")` stands above the route' in seal_error(authz)
    assert app.test_client().get("/x", headers=bearer(**VIEWER)).status_code == 503


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


def careless(function: Callable[..., Any]) -> Callable[..., Any]:
    def view(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return view


def test_a_mark_under_a_wrapper_with_wraps_protects(app: Flask, protect: Protect) -> None:
    """`functools.wraps` carries the mark to the function that Flask runs."""
    authz = protect(app)

    @app.get("/x")
    @logged
    @requires("read:data")
    def view() -> str:
        return SECRET

    authz.seal()
    assert_protected(app)


def test_a_mark_under_a_wrapper_without_wraps_is_an_error_at_the_seal(app: Flask, protect: Protect) -> None:
    """The registered function carries no mark, so its route is not declared."""
    authz = protect(app)
    app.add_url_rule("/x", "view", careless(requires("read:data")(lambda: SECRET)))
    assert seal_error(authz) == f"test_marks.py, GET /x, line N: nothing says who may call view `view`; {MEND}"


def test_a_wrapper_without_wraps_that_is_marked_weaker_trips(app: Flask, protect: Protect) -> None:
    """The outer mark is enforced, the hidden stricter one is not: the function refuses to run."""
    authz = protect(app)
    app.add_url_rule("/x", "view", authenticated(careless(requires("read:data")(lambda: SECRET))))
    authz.seal()
    answer = app.test_client().get("/x", headers=bearer(**VIEWER))
    assert (answer.status_code, answer.json and answer.json["reason"]) == (500, "mark-not-enforced")


def test_stacked_marks_must_all_be_met(app: Flask, protect: Protect) -> None:
    """The reason is the first refused permission's, outermost mark first."""
    authz = protect(app)

    @app.get("/x")
    @requires("read:data")
    @requires("update:data")
    def view() -> str:
        return SECRET

    authz.seal()
    client = app.test_client()
    assert client.get("/x", headers=bearer(**VIEWER)).json["reason"] == "no-role-grants-it"  # type: ignore[index]
    editor = bearer(roles=["editor"], scope="read:data update:data")
    assert client.get("/x", headers=editor).text == SECRET


def test_any_of_needs_one(app: Flask, protect: Protect) -> None:
    """`any_of` is met by any of its permissions; where none is, the reason is the first one's."""
    authz = protect(app)

    @app.get("/x")
    @requires(any_of=("update:data", "read:data"))
    def view() -> str:
        return SECRET

    authz.seal()
    assert_protected(app)
    refused = app.test_client().get("/x", headers=bearer(roles=["payer"]))
    assert refused.json["reason"] == "no-role-grants-it"  # type: ignore[index]


class Records(MethodView):
    @requires("read:data")
    def get(self) -> str:
        return SECRET

    def post(self) -> str:
        return SECRET


def test_a_method_view_with_one_unmarked_method_is_an_error_at_the_seal(app: Flask, protect: Protect) -> None:
    """Each method is declared for itself."""
    authz = protect(app)
    app.add_url_rule("/x", view_func=Records.as_view("view"))
    assert seal_error(authz) == f"test_marks.py, POST /x, line N: nothing says who may call view `Records.post`; {MEND}"


def test_a_marked_class_holds_for_methods_and_subclasses_and_adds(app: Flask, protect: Protect) -> None:
    """The class's mark and the method's must both be met, in subclasses too."""

    @requires("read:data")
    class Base(MethodView):
        def get(self) -> str:
            return SECRET

    class Derived(Base):
        @requires("update:data")
        def get(self) -> str:
            return SECRET

    authz = protect(app)
    app.add_url_rule("/x", view_func=Base.as_view("base"))
    app.add_url_rule("/y", view_func=Derived.as_view("derived"))
    authz.seal()
    assert_protected(app)
    client = app.test_client()
    assert client.get("/y", headers=bearer(**VIEWER)).status_code == 403
    assert client.get("/y", headers=bearer(roles=["editor"], scope="update:data")).status_code == 403
    assert client.get("/y", headers=bearer(roles=["editor"], scope="data.full")).text == SECRET


def test_a_marked_class_without_an_authorizer_trips(app: Flask) -> None:
    """Also where a subclass replaces everything the class does."""

    @requires("read:data")
    class Base(View):
        def dispatch_request(self) -> str:
            return SECRET

    class Derived(Base):
        def dispatch_request(self) -> str:
            return SECRET

    app.add_url_rule("/x", view_func=Base.as_view("base"))
    app.add_url_rule("/y", view_func=Derived.as_view("derived"))
    assert_trips(app)
    assert_trips(app, "/y")


def test_a_stricter_super_trips(app: Flask, protect: Protect) -> None:
    """`super().get()` demands more than its caller: it refuses to run."""

    class Strict(MethodView):
        @requires("update:data")
        def get(self) -> str:
            return SECRET

    class Lax(Strict):
        @authenticated
        def get(self) -> str:
            return super().get()

    authz = protect(app)
    app.add_url_rule("/x", view_func=Lax.as_view("lax"))
    authz.seal()
    answer = app.test_client().get("/x", headers=bearer(roles=["editor"], scope="data.full"))
    assert (answer.status_code, answer.json["reason"]) == (500, "mark-not-enforced")  # type: ignore[index]


def test_an_equal_super_runs(app: Flask, protect: Protect) -> None:
    """A mark equal to an enforced one is enforced."""

    class Base(MethodView):
        @requires("read:data")
        def get(self) -> str:
            return SECRET

    class Same(Base):
        @requires("read:data")
        def get(self) -> str:
            return super().get()

    authz = protect(app)
    app.add_url_rule("/x", view_func=Same.as_view("same"))
    authz.seal()
    assert_protected(app)


def test_async_views_are_protected_and_stay_async(app: Flask, protect: Protect) -> None:
    """The wrapper of a coroutine function is one."""
    authz = protect(app)

    @app.get("/x")
    @requires("read:data")
    async def view() -> str:
        return f"{SECRET}" if current_subject.id == "alice" and current_decision.allowed else "?"

    authz.seal()
    assert_protected(app)


def test_an_async_view_without_an_authorizer_trips(app: Flask) -> None:
    """Async tripwires trip too."""

    @app.get("/x")
    @requires("read:data")
    async def view() -> str:
        return SECRET

    assert_trips(app)


def test_a_helper_called_from_another_view_trips(app: Flask, protect: Protect, tmp_path: Path) -> None:
    """A marked function called from a public view does not run; the trip is logged and recorded."""
    authz = protect(app)

    @requires("read:data")
    def helper() -> str:
        return SECRET

    @app.get("/x")
    @public(reason="shows how a helper fails closed")
    def view() -> str:
        return helper()

    authz.seal()
    assert_trips(app)
    kinds = [(record["kind"], record["reason"]) for record in records(tmp_path / "audit")]
    assert kinds == [("fault", "mark-not-enforced")] * 2


def test_a_trip_cannot_be_swallowed(app: Flask, protect: Protect) -> None:
    """An application that catches everything still answers 500."""
    authz = protect(app)

    @requires("read:data")
    def helper() -> str:
        return SECRET

    @app.get("/x")
    @public(reason="swallows exceptions")
    def view() -> str:
        try:
            return helper()
        except Exception:
            return SECRET

    @app.after_request
    def rewrite(response: Response) -> Response:
        response.set_data(SECRET)
        response.status_code = 200
        return response

    authz.seal()
    assert_trips(app)


def test_a_forgotten_init_app_trips(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """Without an authorizer a marked view answers 500, and the log says why."""

    @app.get("/x")
    @requires("read:data")
    def view() -> str:
        return SECRET

    with caplog.at_level(logging.CRITICAL, "policy"):
        assert_trips(app)
    name = "tests.flask.test_marks.test_a_forgotten_init_app_trips.<locals>.view"
    assert {record.getMessage() for record in caplog.records if record.levelno == logging.CRITICAL} == {
        f'`{name}` was called although its mark `requires("read:data")` was not enforced',
        "the application `shop` has no authorizer: call authz.init_app(app, ...)",
    }


def test_a_forgotten_init_app_is_not_hidden_by_an_error_handler(app: Flask) -> None:
    """`errorhandler(Exception)` may change the answer, but the view's body is not in it."""

    @app.get("/x")
    @requires("read:data")
    def view() -> str:
        return SECRET

    @app.errorhandler(Exception)
    def handled(error: Exception) -> tuple[str, int]:
        return "something went wrong", 200

    assert app.test_client().get("/x").text == "something went wrong"


def test_outside_a_request_a_marked_function_refuses_to_run() -> None:
    """Jobs and threads call what the mark wraps, and decide for themselves."""

    @requires("read:data")
    def job() -> str:
        return SECRET

    with pytest.raises(MarkNotEnforced) as caught:
        job()
    name = "tests.flask.test_marks.test_outside_a_request_a_marked_function_refuses_to_run.<locals>.job"
    assert str(caught.value) == (
        f'`{name}` was called although its mark `requires("read:data")` was not enforced: there is no request; a job '
        "calls `__wrapped__` and decides for itself"
    )
    assert job.__wrapped__() == SECRET  # type: ignore[attr-defined]


def test_nested_blueprints_after_init_app_are_protected(app: Flask, protect: Protect) -> None:
    """Routes registered after the authorizer count as well."""
    authz = protect(app)
    outer, inner = Blueprint("outer", __name__, url_prefix="/o"), Blueprint("inner", __name__, url_prefix="/i")

    @inner.get("/x")
    @requires("read:data")
    def view() -> str:
        return SECRET

    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    authz.seal()
    assert_protected(app, "/o/i/x")


def test_a_factory_is_sealed(tmp_path: Path) -> None:
    """`@authz.factory` seals what the factory returns, each time."""
    authz = Authorizer()

    @authz.factory
    def create_app(*, forget: bool) -> Flask:
        app = Flask("made", static_folder=None)
        authz.init_app(app, policy=write_policy(tmp_path / "policies"), audit=None)
        app.add_url_rule("/x", "view", (lambda: SECRET) if forget else requires("read:data")(lambda: SECRET))
        return app

    assert_protected(create_app(forget=False))
    with pytest.raises(PolicyError, match="nothing says who may call"):
        create_app(forget=True)


def test_two_apps_in_a_process_keep_apart(tmp_path: Path) -> None:
    """Each application has its own policy, log and seal."""
    first, second = Flask("first", static_folder=None), Flask("second", static_folder=None)
    one = Authorizer(first, policy=write_policy(tmp_path / "one"), audit=tmp_path / "first")
    sections: dict[str, Any] = {"roles": {"viewer": {"grants": ["update:data"]}}, "rules": [], "constraints": []}
    two = Authorizer(second, policy=write_policy(tmp_path / "two", **sections), audit=tmp_path / "second")
    view = requires("read:data")(lambda: SECRET)
    first.add_url_rule("/x", "view", view)
    second.add_url_rule("/x", "view", view)
    one.seal()
    two.seal()
    assert_protected(first)
    assert second.test_client().get("/x", headers=bearer(**VIEWER)).status_code == 403
    assert {record["outcome"] for record in records(tmp_path / "second")} == {"deny"}


def test_an_error_handler_cannot_change_a_refusal(app: Flask, protect: Protect) -> None:
    """The hook returns its refusal, so `errorhandler(Exception)` never sees it."""
    authz = protect(app)

    @app.errorhandler(Exception)
    def handled(error: Exception) -> tuple[str, int]:
        return "all is well", 200

    @app.get("/x")
    @requires("read:data")
    def view() -> str:
        return SECRET

    authz.seal()
    assert_protected(app)
    assert app.test_client().get("/x", headers=bearer()).status_code == 403


def test_an_earlier_before_request_runs_after_authorization(app: Flask, protect: Protect) -> None:
    """The hook puts itself before functions that were registered earlier."""
    seen: list[str] = []

    @app.before_request
    def earlier() -> None:
        seen.append(current_subject.id)

    authz = protect(app)

    @app.get("/x")
    @requires("read:data")
    def view() -> str:
        return SECRET

    authz.seal()
    assert_protected(app)
    assert seen == ["alice"]


def test_a_function_put_before_the_hook_is_an_error(app: Flask, protect: Protect) -> None:
    """At the seal, and at the next request when it came later, even where it answers itself."""
    authz = protect(app)

    @app.get("/x")
    @requires("read:data")
    def view() -> str:
        return SECRET

    authz.seal()
    assert_protected(app)

    def intruder() -> str:
        return SECRET

    app.before_request_funcs[None].insert(0, intruder)
    answer = app.test_client().get("/x", headers=bearer(**VIEWER))
    assert (answer.status_code, answer.json["reason"]) == (503, "not-sealed")  # type: ignore[index]
    name = "test_a_function_put_before_the_hook_is_an_error.<locals>.intruder"
    assert seal_error(authz) == (
        f"`before_request` function `{name}` runs before authorization; register it with `app.before_request`, which "
        "appends, instead of inserting it first"
    )


def test_head_demands_what_the_function_demands(app: Flask, protect: Protect) -> None:
    """A HEAD runs GET's function, in views and in method views."""
    authz = protect(app)

    @app.get("/x")
    @requires("read:data")
    def view() -> str:
        return SECRET

    class Page(MethodView):
        @requires("read:data")
        def get(self) -> str:
            return SECRET

    app.add_url_rule("/page", view_func=Page.as_view("page"))
    authz.seal()
    assert_protected(app, method="HEAD")
    assert_protected(app, "/page", method="HEAD")


def test_only_the_automatic_options_is_exempt(app: Flask, protect: Protect) -> None:
    """Flask's own OPTIONS answers without a token; one that the application wrote is a method like any other."""
    authz = protect(app)

    @app.get("/x")
    @requires("read:data")
    def view() -> str:
        return SECRET

    @app.route("/y", methods=["OPTIONS"])
    @requires("read:data")
    def own() -> str:
        return SECRET

    authz.seal()
    client = app.test_client()
    assert (client.options("/x").status_code, client.options("/x").text) == (200, "")
    assert (client.options("/y").status_code, client.options("/y", headers=bearer(**VIEWER)).text) == (401, SECRET)


def test_what_flask_answers_itself_stays_so(app: Flask, protect: Protect) -> None:
    """404, 405 and redirects to the slash are Flask's, with and without a token."""
    authz = protect(app)

    @app.get("/x/")
    @requires("read:data")
    def view() -> str:
        return SECRET

    authz.seal()
    client = app.test_client()
    for headers in ({}, bearer(**VIEWER)):
        assert client.get("/nowhere", headers=headers).status_code == 404
        assert client.post("/x/", headers=headers).status_code == 405
        assert client.get("/x", headers=headers).status_code == 308


def test_a_view_replaced_at_run_time_is_decided_by_its_own_mark(app: Flask, protect: Protect) -> None:
    """The hook asks the function that Flask will run, at each request."""
    authz = protect(app)

    @app.get("/x")
    @requires("read:data")
    def view() -> str:
        return SECRET

    authz.seal()
    assert_protected(app)
    app.view_functions["view"] = requires("update:data")(lambda: SECRET)
    assert app.test_client().get("/x", headers=bearer(**VIEWER)).status_code == 403
    app.view_functions["view"] = lambda: SECRET
    answer = app.test_client().get("/x", headers=bearer(**VIEWER))
    assert (answer.status_code, answer.json["reason"]) == (503, "endpoint-undeclared")  # type: ignore[index]


def test_a_mark_above_is_found_whatever_stands_between_and_however_it_ended(app: Flask, protect: Protect) -> None:
    """Also where the outer function is gone already, or another decorator stands between."""
    authz = protect(app)

    def register() -> None:
        @requires("update:data")
        @app.get("/gone")
        @authenticated
        def gone() -> str:
            return SECRET

        @requires("update:data")
        @logged
        @app.get("/between")
        @authenticated
        def between() -> str:
            return SECRET

    register()
    assert [line.partition(", line")[0] for line in seal_error(authz).splitlines()] == [
        "test_marks.py, GET /gone",
        "test_marks.py, GET /between",
    ]


def test_the_methods_of_a_marked_class_are_tripwires_themselves(app: Flask, protect: Protect) -> None:
    """Called from elsewhere, dispatched by hand, or lent to another class, they do not run."""

    @requires("update:data")
    class Strict(MethodView):
        def get(self) -> str:
            return SECRET

    class Sub(Strict):
        def get(self) -> str:
            return SECRET

    class Borrowing(MethodView):
        get = authenticated(Strict.get)

    authz = protect(app)
    app.add_url_rule("/call", "call", authenticated(lambda: str(Strict().get())))
    app.add_url_rule("/sub", "sub", authenticated(lambda: Sub().get()))
    app.add_url_rule("/dispatch", "dispatch", authenticated(lambda: Strict().dispatch_request()))
    app.add_url_rule("/borrow", view_func=Borrowing.as_view("borrow"))
    authz.seal()
    for path in ("/call", "/sub", "/dispatch", "/borrow"):
        answer = app.test_client().get(path, headers=bearer(**VIEWER))
        assert (answer.status_code, SECRET in answer.text) == (500, False), path


def test_another_applications_equal_mark_does_not_count(tmp_path: Path) -> None:
    """What one application's policy allowed says nothing of another's."""
    first, second = Flask("first", static_folder=None), Flask("second", static_folder=None)
    one = Authorizer(first, policy=write_policy(tmp_path / "p"), audit=None)
    Authorizer(second, policy=write_policy(tmp_path / "p"), audit=None)
    hidden = requires("read:data")(lambda: SECRET)

    @first.get("/x")
    @requires("read:data")
    def view() -> str:
        with second.app_context():
            return hidden()  # type: ignore[no-untyped-call]

    one.seal()
    answer = first.test_client().get("/x", headers=bearer(**VIEWER))
    assert (answer.status_code, SECRET in answer.text) == (500, False)


def test_only_flasks_own_empty_static_folder_is_exempt(protect: Protect, tmp_path: Path) -> None:
    """A view named like it, or a `send_static_file` of one's own, is a route like any other."""

    class Stored(Flask):
        def send_static_file(self, filename: str) -> Response:
            return Response(SECRET)

    for app in (Flask("a", static_folder=str(tmp_path / "none")), Stored("b", static_folder=str(tmp_path / "none"))):
        authz = Authorizer(app, policy=write_policy(tmp_path / "p"), audit=None)
        app.add_url_rule("/reports", "reports.static", lambda: SECRET)
        error = seal_error(authz)
        assert "GET /reports" in error
        assert ("GET /none/<path:filename>" in error) is isinstance(app, Stored)
