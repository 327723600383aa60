"""The seal, declarations, and what an authorizer refuses to start with."""

import json
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from policy import Policy, PolicyError
from policy.flask import Authorizer, authenticated, current_decision, current_subject, public, requires
from tests.flask.conftest import Protect
from tests.issuing import VIEWER, bearer, write_policy

VIEW: Any = len  # a view of no file, so that messages name none


def seal_error(authz: Authorizer) -> str:
    with pytest.raises(PolicyError) as caught:
        authz.seal()
    return str(caught.value)


def test_an_unknown_permission_is_named_with_the_nearest(app: Flask, protect: Protect) -> None:
    """A typo in a mark is found before the first request."""
    authz = protect(app)
    app.add_url_rule("/x", "view", requires("read:dta")(VIEW))
    assert seal_error(authz) == (
        "GET /x: view `len` demands `read:dta`, which the policy does not declare; did you mean `read:data`?"
    )


def test_public_with_another_mark_is_an_error(app: Flask, protect: Protect) -> None:
    """Nobody can be asked and not asked."""
    authz = protect(app)
    app.add_url_rule("/x", "view", public(reason="docs")(requires("read:data")(VIEW)))
    assert seal_error(authz).splitlines()[0] == (
        'GET /x: view `len` is public and also demands `requires("read:data")`; remove one of them'
    )


def test_failure_is_sticky_for_every_route(app: Flask, protect: Protect) -> None:
    """One forgotten route stops the whole application, the public routes included; what matches no rule stays 404."""
    protect(app)
    app.add_url_rule("/forgotten", "forgotten", lambda: "x")
    app.add_url_rule("/health", "health", public(reason="health")(lambda: "well"))
    client = app.test_client()
    for _ in range(2):
        answer = client.get("/health")
        assert (answer.status_code, answer.json["reason"], "WWW-Authenticate" in answer.headers) == (  # type: ignore[index]
            503,
            "not-sealed",
            False,
        )
    assert client.get("/nowhere").status_code == 404


def test_a_route_added_after_the_seal_is_refused_alone_if_it_is_bad(app: Flask, protect: Protect) -> None:
    """The rest goes on; a good one joins."""
    authz = protect(app)
    app.add_url_rule("/x", "view", requires("read:data")(lambda: "x"))
    authz.seal()
    app.add_url_rule("/bad", "bad", lambda: "bad")
    app.add_url_rule("/good", "good", requires("read:data")(lambda: "good"))
    client, headers = app.test_client(), bearer(**VIEWER)
    answers = {path: client.get(path, headers=headers) for path in ("/x", "/bad", "/good")}
    assert {path: answer.status_code for path, answer in answers.items()} == {"/x": 200, "/bad": 503, "/good": 200}
    assert answers["/bad"].json["reason"] == "endpoint-undeclared"  # type: ignore[index]


def test_routes_of_others_are_declared_by_endpoint_or_blueprint(app: Flask, protect: Protect) -> None:
    """A declaration is enforced like a mark."""
    authz = protect(app)
    docs = Blueprint("docs", __name__, url_prefix="/docs")
    docs.add_url_rule("/a", "a", lambda: "a")
    docs.add_url_rule("/b", "b", lambda: "b")
    app.register_blueprint(docs)
    app.add_url_rule("/own", "own", lambda: "own")
    authz.declare("docs.*", requires("read:data"))
    authz.declare("own", authenticated)
    authz.seal()
    client = app.test_client()
    assert [client.get(path).status_code for path in ("/docs/a", "/docs/b", "/own")] == [401] * 3
    assert [client.get(path, headers=bearer()).status_code for path in ("/docs/a", "/docs/b", "/own")] == [
        403,
        403,
        200,
    ]


def test_a_declaration_that_matches_nothing_is_an_error(app: Flask, protect: Protect) -> None:
    """With the nearest endpoint."""
    authz = protect(app)
    app.add_url_rule("/x", "view", requires("read:data")(VIEW))
    authz.declare("vew", authenticated)
    assert seal_error(authz) == "`authz.declare` names `vew`, which matches no endpoint; did you mean `view`?"


@pytest.mark.parametrize("pattern", ["*", "", "a*", "*.a", ".*"])
def test_only_endpoints_and_blueprints_can_be_declared(pattern: str) -> None:
    """A bare `*` would declare what nobody has thought of."""
    with pytest.raises(ValueError, match="is neither an endpoint nor a blueprint"):
        Authorizer().declare(pattern, authenticated)


def _status(client: FlaskClient, path: str) -> int:
    """The status alone; a file that is sent stays open until its answer is closed."""
    with client.get(path) as answer:
        return answer.status_code


def test_static_counts_only_if_its_folder_exists(tmp_path: Path) -> None:
    """Flask's automatic static route needs no declaration as long as it can serve nothing."""
    answers = []
    for declared in (False, True):
        app = Flask("shop", static_folder=str(tmp_path / "assets"))
        authz = Authorizer(app, policy=write_policy(tmp_path / "policies"), audit=None)
        if declared:
            authz.declare("static", public(reason="assets"))
        authz.seal()
        client = app.test_client()
        answers.append(_status(client, "/assets/x.css"))
        (tmp_path / "assets").mkdir(exist_ok=True)
        (tmp_path / "assets" / "x.css").write_text("the style", encoding="utf-8")
        answers.append(_status(client, "/assets/x.css"))
    assert answers == [404, 503, 200, 200]


def test_a_view_of_a_package_is_mended_by_a_declaration(protect: Protect, tmp_path: Path) -> None:
    """Nobody can put a decorator into somebody else's code."""
    (tmp_path / "assets").mkdir()
    app = Flask("shop", static_folder=str(tmp_path / "assets"))
    assert seal_error(protect(app)) == (
        'GET /assets/<path:filename>: nothing says who may call the static folder; add `authz.declare("static", '
        'public(reason="..."))`'
    )


REFUSED_STARTS: dict[str, tuple[dict[str, Any], str]] = {
    "no audit": (
        {"policy": "p"},
        'nothing says where decisions are kept; add audit="var/audit/", or audit=None to keep nothing',
    ),
    "no policy": ({"audit": None}, 'no policy is given; add policy="policies/"'),
}


@pytest.mark.parametrize(("options", "message"), REFUSED_STARTS.values(), ids=REFUSED_STARTS.keys())
def test_a_start_without_policy_or_audit_is_refused(
    app: Flask, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    """With the line to add."""
    if "policy" in options:
        options = {"policy": write_policy(tmp_path / "p")}
    with pytest.raises(PolicyError) as caught:
        Authorizer(app, **options)
    assert str(caught.value) == message


def test_an_application_has_one_authorizer(app: Flask, protect: Protect) -> None:
    """A second one would decide twice and record twice."""
    protect(app)
    with pytest.raises(PolicyError, match="the application `shop` has an authorizer already"):
        protect(app)


def test_a_seal_needs_an_application() -> None:
    """Called before `init_app`, it says so."""
    expected = "the authorizer has no application: call init_app(app, policy=..., audit=...) first"
    assert seal_error(Authorizer()) == expected


def test_a_loaded_policy_is_taken_as_it_is(app: Flask, tmp_path: Path) -> None:
    """`policy=` takes a `Policy` too."""
    rules = Policy.load(write_policy(tmp_path / "p"))
    Authorizer(app, policy=rules, audit=None)
    assert app.extensions["policy"].guard.rules is rules


def test_marks_refuse_mistakes_where_they_are_written() -> None:
    """At import, in the line with the mistake."""
    for arguments, error in (
        (((), {}), TypeError),
        ((("read:*",), {}), ValueError),
        ((("read data",), {}), ValueError),
        (((5,), {}), TypeError),
        ((("a",), {"any_of": ("b",)}), TypeError),
        (((), {"any_of": "abc"}), TypeError),
    ):
        with pytest.raises(error):
            requires(*arguments[0], **arguments[1])
    for mistake in (lambda: public(reason=" "), lambda: public(len)):
        with pytest.raises(TypeError, match="public needs the reason why nobody is asked"):
            mistake()  # type: ignore[no-untyped-call]
    with pytest.raises(TypeError, match="goes above a view as it is, without calling it"):
        cast("Any", authenticated)()
    with pytest.raises(TypeError, match="requires needs to know which permission"):
        requires(len)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="patterns count in policies only"):
        requires("read:*")
    with pytest.raises(TypeError, match="declare takes an endpoint and a mark"):
        Authorizer().declare("x", "read:data")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="marks functions and view classes"):
        requires("read:data")(type("Callable", (), {"__call__": len})())
    with pytest.raises(TypeError, match=r"subclasses of flask\.views\.View"):
        requires("read:data")(dict)


def test_nobody_is_the_subject_where_nobody_was_asked(app: Flask, protect: Protect) -> None:
    """`current_subject` outside a request or on a public route is an error, not an anonymous person."""
    authz = protect(app)
    seen: list[str] = []

    @app.get("/health")
    @public(reason="health")
    def health() -> str:
        with pytest.raises(RuntimeError, match="no subject is known here"):
            seen.append(current_subject.id)
        return "well"

    @app.get("/me")
    @authenticated
    def me() -> str:
        with pytest.raises(RuntimeError, match="there is no decision"):
            seen.append(current_decision.reason)
        return current_subject.id

    authz.seal()
    assert app.test_client().get("/health").text == "well"
    assert app.test_client().get("/me", headers=bearer()).text == "alice"
    with pytest.raises(RuntimeError, match="no subject is known here"):
        seen.append(current_subject.id)
    assert seen == []


def test_a_declared_view_cannot_be_called_by_another(app: Flask, protect: Protect) -> None:
    """It is a tripwire like a marked one."""
    authz = protect(app)
    app.add_url_rule("/own", "own", lambda: "the body")
    other: Any = public(reason="calls it")(lambda: app.view_functions["own"]())
    app.add_url_rule("/other", "other", other)
    authz.declare("own", requires("read:data"))
    authz.seal()
    client = app.test_client()
    assert client.get("/own", headers=bearer(**VIEWER)).text == "the body"
    answer = client.get("/other", headers=bearer(**VIEWER))
    assert (answer.status_code, "the body" in answer.text) == (500, False)


def test_a_sink_is_named_and_makes_no_folder(
    app: Flask, protect: Protect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """`"logging"` goes to the logger `policy.audit`; a name that is nearly one is refused at the start."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PolicyError, match='did you mean "stdout"'):
        protect(Flask("other"), audit="STDOUT")
    authz = protect(app, audit="logging")
    app.add_url_rule("/x", "view", requires("read:data")(lambda: "x"))
    authz.seal()
    with caplog.at_level("INFO", "policy.audit"):
        assert app.test_client().get("/x", headers=bearer(**VIEWER)).text == "x"
    kept = [json.loads(record.getMessage())["reason"] for record in caplog.records if record.name == "policy.audit"]
    assert (kept, sorted(path.name for path in tmp_path.iterdir())) == (["allowed"], ["policies"])


def test_standard_output_takes_a_line_for_each_decision(
    app: Flask, protect: Protect, capfd: pytest.CaptureFixture[str]
) -> None:
    """And nothing else."""
    authz = protect(app, audit="stdout")
    app.add_url_rule("/x", "view", requires("read:data")(lambda: "x"))
    authz.seal()
    app.test_client().get("/x", headers=bearer(**VIEWER))
    app.test_client().get("/x")
    assert [json.loads(line)["reason"] for line in capfd.readouterr().out.splitlines()] == ["allowed", "token-absent"]


def test_a_seal_that_failed_says_so_again(app: Flask, protect: Protect) -> None:
    """Mending the application while it runs does not open it; whoever seals it again is told."""
    authz = protect(app)
    app.add_url_rule("/x", "view", VIEW)
    first = seal_error(authz)
    authz.declare("view", public(reason="too late"))
    assert seal_error(authz) == first
    assert app.test_client().get("/x").status_code == 503


def test_a_preprocessor_put_before_the_arguments_are_taken_is_an_error(app: Flask, protect: Protect) -> None:
    """It could take away or replace the tenant that is decided on: 503, and at the seal with its name."""
    authz = protect(app)
    app.add_url_rule("/<org>/x", "view", requires("read:data", tenant="org")(lambda org: org))
    authz.seal()

    def pop(endpoint: str | None, values: dict[str, Any] | None) -> None:
        assert values is not None
        values.pop("org")

    app.url_value_preprocessors[None].insert(0, pop)
    answer = app.test_client().get("/acme/x", headers=bearer(**VIEWER))
    assert (answer.status_code, answer.json["reason"]) == (503, "not-sealed")  # type: ignore[index]
    assert "`url_value_preprocessor` function" in seal_error(authz)


def test_methods_that_a_caller_makes_up_are_not_kept(app: Flask, protect: Protect) -> None:
    """A rule that takes any method is looked at once."""
    authz = protect(app)
    app.url_map.add(Rule("/any", endpoint="any"))
    app.view_functions["any"] = requires("read:data")(lambda: "x")
    authz.seal()
    for number in range(20):
        assert app.test_client().open("/any", method=f"M{number}").status_code == 401
    assert len(app.extensions["policy"]._known) == 1
