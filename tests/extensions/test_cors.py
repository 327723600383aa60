"""Flask-CORS: preflights pass where Flask answers them, and pages of other origins can read a refusal."""

from typing import Any

import flask_cors
import pytest
from flask import Flask

from policy.flask import requires
from tests.extensions.asking import NO_TOKEN, ask, refused_to_seal, unmarked
from tests.flask.conftest import Protect
from tests.issuing import VIEWER, bearer

ORIGIN = "https://page.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": "authorization",
}


@pytest.mark.parametrize("first", ["authorizer", "package"])
def test_preflights_pass_and_refusals_can_be_read(app: Flask, protect: Protect, first: str) -> None:
    """Whichever of the two is given the application first."""
    if first == "package":
        flask_cors.CORS(app, origins=[ORIGIN], expose_headers=["WWW-Authenticate"])
    authz = protect(app)
    if first == "authorizer":
        flask_cors.CORS(app, origins=[ORIGIN], expose_headers=["WWW-Authenticate"])
    app.add_url_rule("/data", "data", requires("read:data")(lambda: "the data"))
    authz.seal()
    client, given = app.test_client(), {"Origin": ORIGIN}
    preflight = client.options("/data", headers=PREFLIGHT)
    assert (preflight.status_code, preflight.text) == (200, "")
    assert (preflight.headers["Access-Control-Allow-Origin"], preflight.headers["Access-Control-Allow-Headers"]) == (
        ORIGIN,
        "authorization",
    )
    for headers, status in (({}, 401), (bearer(), 403), (bearer(**VIEWER), 200)):
        answer = client.get("/data", headers={**given, **headers})
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, ORIGIN)
        assert answer.headers["Access-Control-Expose-Headers"] == "WWW-Authenticate"


def test_an_application_that_is_not_sealed_can_be_read_too(app: Flask, protect: Protect) -> None:
    """A 503 for every route is told to the page as well; the preflight before it is refused like all else."""
    flask_cors.CORS(app, origins=[ORIGIN])
    authz = protect(app)

    @app.get("/data")
    def forgotten() -> str:
        return "the data"

    for method in ("GET", "OPTIONS"):
        answer = app.test_client().open("/data", method=method, headers=PREFLIGHT)
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (503, ORIGIN)
    assert refused_to_seal(authz) == [unmarked("GET /data", forgotten, "forgotten")]


def test_an_options_view_of_ones_own_is_not_exempt(app: Flask, protect: Protect) -> None:
    """Only what Flask itself answers is."""
    flask_cors.CORS(app, origins=[ORIGIN])
    authz = protect(app)

    @app.route("/data", methods=["GET", "OPTIONS"])
    @requires("read:data")
    def data() -> str:
        return "the data"

    authz.seal()
    assert ask(app, "/data", PREFLIGHT, method="OPTIONS") == NO_TOKEN
    assert ask(app, "/data", PREFLIGHT | bearer(**VIEWER), method="OPTIONS") == (200, "the data")


MARK: Any = requires("read:data")


@pytest.mark.parametrize("mark_first", [True, False])
def test_a_decorator_that_answers_preflights_itself_is_an_options_view(
    app: Flask, protect: Protect, mark_first: bool
) -> None:
    """`cross_origin` takes OPTIONS over from Flask unless told otherwise, so its preflights need a token."""
    authz = protect(app)
    cross: Any = flask_cors.cross_origin(origins=[ORIGIN])
    plain: Any = flask_cors.cross_origin(origins=[ORIGIN], automatic_options=False)
    for path, decorator in (("own", cross), ("automatic", plain)):

        def view() -> str:
            return "the data"

        app.add_url_rule(f"/{path}", path, MARK(decorator(view)) if mark_first else decorator(MARK(view)))
    authz.seal()
    assert ask(app, "/own", PREFLIGHT, method="OPTIONS") == NO_TOKEN
    assert ask(app, "/automatic", PREFLIGHT, method="OPTIONS") == (200, "")
    for path in ("/own", "/automatic"):
        answer = app.test_client().get(path, headers={"Origin": ORIGIN, **bearer(**VIEWER)})
        assert (answer.status_code, answer.text) == (200, "the data")
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert ask(app, path, {"Origin": ORIGIN}) == NO_TOKEN
