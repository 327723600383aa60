"""What an endpoint asks beyond permissions: tenant, subject and resource; and gates and probes inside a view."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort

from policy import PolicyError
from policy.audit import records
from policy.errors import AuditUnavailable
from policy.flask import (
    Authorizer,
    authenticated,
    current_decision,
    current_resource,
    current_subject,
    public,
    requires,
    signals,
)
from tests.flask.conftest import Protect
from tests.issuing import DOCUMENT, ISSUER, VIEWER, bearer, write_policy

TENANTS: dict[str, Any] = {
    "issuers": {
        ISSUER: {
            **DOCUMENT["issuers"][ISSUER],
            "claims": {
                "tenant": {"path": ["org"], "format": "string"},
                "roles": [{"path": ["roles"], "format": "list"}, {"path": ["org_roles"], "format": "object-tenants"}],
            },
        }
    }
}


def reason(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["reason"] if answer.is_json and "reason" in answer.json else answer.text


def test_a_tenant_in_the_address_must_be_the_subjects(app: Flask, tmp_path: Path) -> None:
    """Its own, or one that a role of it is bound to; the roles bound to it count there and nowhere else."""
    authz = Authorizer(app, policy=write_policy(tmp_path / "p", **TENANTS), audit=tmp_path / "audit")

    @app.url_value_preprocessor
    def pop(endpoint: str | None, values: dict[str, Any] | None) -> None:
        assert values is not None
        values.pop("org")

    @app.get("/<org>/data")
    @requires("read:data", tenant="org")
    def data() -> str:
        return "the data"

    authz.seal()
    client = app.test_client()
    own, bound = {**VIEWER, "org": "acme"}, {"scope": "read:data", "org_roles": {"viewer": {"acme": "Acme Ltd"}}}
    assert reason(client.get("/acme/data", headers=bearer(**own))) == (200, "the data")
    assert reason(client.get("/other/data", headers=bearer(**own))) == (403, "tenant-mismatch")
    assert reason(client.get("/acme/data", headers=bearer(**bound))) == (200, "the data")
    assert reason(client.get("/other/data", headers=bearer(**bound))) == (403, "tenant-mismatch")
    assert reason(client.get("/acme/data", headers=bearer(**VIEWER))) == (403, "tenant-mismatch")
    assert [record["tenant"] for record in records(tmp_path / "audit")] == ["acme", "other", "acme", "other", "acme"]


def test_a_policy_may_require_that_a_tenant_is_named(app: Flask, tmp_path: Path) -> None:
    """Each mark says which argument it is, or that there is none."""
    authz = Authorizer(app, policy=write_policy(tmp_path / "p", tenancy="required"), audit=None)
    view: Any = len
    app.add_url_rule("/a", "a", requires("read:data")(view))
    app.add_url_rule("/b", "b", requires("read:data", tenant=None)(view))
    app.add_url_rule("/c", "c", authenticated(view))
    with pytest.raises(PolicyError) as caught:
        authz.seal()
    assert str(caught.value) == (
        'GET /a: view `len` asks for no tenant, and the policy has `"tenancy": "required"`; add `tenant="..."` to its '
        "mark, or `tenant=None`"
    )


def test_arguments_that_a_mark_names_must_be_the_routes(app: Flask, protect: Protect) -> None:
    """A typo is found at the seal, with the nearest name; two tenants in one route are an error."""
    authz = protect(app)
    view: Any = len
    app.add_url_rule("/<org>/a", "a", requires("read:data", tenant="ogr")(view))
    app.add_url_rule("/<org>/b", "b", requires("read:data", tenant="org")(requires("update:data", tenant=None)(view)))
    with pytest.raises(PolicyError) as caught:
        authz.seal()
    assert str(caught.value).splitlines() == [
        "GET /<org>/a: view `len` names the argument `ogr`, which the route does not have; did you mean `org`?",
        "GET /<org>/b: the marks of view `len` ask for different tenants; name one in all of them",
    ]


def test_a_subject_in_the_address_must_be_who_asks(app: Flask, protect: Protect, tmp_path: Path) -> None:
    """It only narrows: who may not anyway learns the policy's own reason."""
    authz = protect(app)

    @app.get("/users/<user_id>")
    @requires("read:data", subject="user_id")
    def user(user_id: str) -> str:
        return f"{user_id} {current_decision.reason}"

    authz.seal()
    client = app.test_client()
    assert reason(client.get("/users/alice", headers=bearer(**VIEWER))) == (200, "alice allowed")
    assert reason(client.get("/users/bob", headers=bearer(**VIEWER))) == (403, "subject-mismatch")
    assert reason(client.get("/users/bob", headers=bearer())) == (403, "no-role-grants-it")
    assert [record["reason"] for record in records(tmp_path / "audit")] == [
        "allowed",
        "subject-mismatch",
        "no-role-grants-it",
    ]


RECORDS = {1: {"owner": "alice"}}


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_resource_is_loaded_only_for_those_who_may(app: Flask, protect: Protect, asynchronous: bool) -> None:
    """Nothing found is a 404; who may not causes no query and learns nothing of what exists."""
    authz, asked = protect(app), []

    def load(number: int) -> Any:
        asked.append(number)
        if number == 3:
            abort(404)
        return RECORDS.get(number) if number != 9 else 1 / 0

    async def load_later(number: int) -> Any:
        return load(number)

    @app.get("/data/<int:number>")
    @requires("read:data", resource=load_later if asynchronous else load)
    def data(number: int) -> Any:
        return dict(current_resource)

    authz.seal()
    client, may = app.test_client(), bearer(**VIEWER)
    assert [reason(client.get(f"/data/{number}")) for number in (1, 2)] == [(401, "token-absent")] * 2
    assert [reason(client.get(f"/data/{number}", headers=bearer())) for number in (1, 2)] == [
        (403, "no-role-grants-it")
    ] * 2
    assert asked == []
    assert client.get("/data/1", headers=may).json == {"owner": "alice"}
    assert reason(client.get("/data/2", headers=may)) == (404, "resource-not-found")
    assert reason(client.get("/data/3", headers=may)) == (404, "resource-not-found")
    assert reason(client.get("/data/9", headers=may)) == (500, "resource-unavailable")
    assert asked == [1, 2, 3, 9]


def test_every_answer_about_a_resource_is_recorded(app: Flask, protect: Protect, tmp_path: Path) -> None:
    """Not found and not loadable are denials with their own reasons."""
    authz = protect(app)
    app.add_url_rule("/none", "none", requires("read:data", resource=lambda: None)(lambda: "x"))
    app.add_url_rule("/bad", "bad", requires("read:data", resource=lambda: 1 / 0)(lambda: "x"))
    authz.seal()
    for path in ("/none", "/bad"):
        app.test_client().get(path, headers=bearer(**VIEWER))
    kept = [(record["outcome"], record["reason"]) for record in records(tmp_path / "audit")]
    assert kept == [("deny", "resource-not-found"), ("deny", "resource-unavailable")]


def test_gates_and_probes_inside_a_view(app: Flask, protect: Protect, tmp_path: Path) -> None:
    """A gate answers as an endpoint would; a probe only asks; each is a record of its own kind."""
    authz = protect(app)

    @app.get("/probe")
    @authenticated
    def probe() -> Any:
        return {"one": authz.can("read:data"), "many": authz.can_many(["read:data", "update:data"])}

    @app.get("/gate")
    @authenticated
    def gate() -> str:
        authz.require("update:data")
        return "through"

    authz.seal()
    client = app.test_client()
    assert client.get("/probe", headers=bearer(**VIEWER)).json == {
        "one": True,
        "many": {"read:data": True, "update:data": False},
    }
    refused = client.get("/gate", headers=bearer(roles=["editor"]))
    assert reason(refused) == (403, "scope-missing")
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="shop", error="insufficient_scope", scope="update:data"'
    assert client.get("/gate", headers=bearer(roles=["editor"], scope="data.full")).text == "through"
    kept = [(record["kind"], record["outcome"], record["route"]) for record in records(tmp_path / "audit")]
    assert kept == [
        ("request", "allow", "/probe"),
        ("probe", "allow", "/probe"),
        ("probe", "deny", "/probe"),
        ("request", "allow", "/gate"),
        ("gate", "deny", "/gate"),
        ("request", "allow", "/gate"),
        ("gate", "allow", "/gate"),
    ]


def test_a_gate_needs_somebody_and_something_to_ask(app: Flask, protect: Protect) -> None:
    """Nobody is not somebody with no rights; no permission is a mistake; so is a resource that is `None`."""
    authz = protect(app)

    @app.get("/public")
    @public(reason="shows that nobody is nobody")
    def nobody() -> str:
        with pytest.raises(RuntimeError, match="no subject is known here"):
            authz.can("read:data")
        return "nobody"

    @app.get("/mistakes")
    @authenticated
    def mistakes() -> str:
        with pytest.raises(TypeError, match="at least one permission is asked for"):
            authz.require()
        with pytest.raises(TypeError, match="the resource is None"):
            authz.require("read:data", resource=None)
        return "mistakes"

    authz.seal()
    assert app.test_client().get("/public").text == "nobody"
    assert app.test_client().get("/mistakes", headers=bearer()).text == "mistakes"


def test_a_gate_that_cannot_be_recorded_is_a_503(app: Flask, protect: Protect) -> None:
    """Like any other decision."""

    class Filling:
        lines = 0

        def write(self, line: str, *, refused: bool = False) -> None:
            self.lines += 1
            if self.lines > 1:
                raise AuditUnavailable("full")

    authz = protect(app, audit=Filling())

    @app.get("/gate")
    @authenticated
    def gate() -> str:
        return str(authz.can("read:data"))

    authz.seal()
    assert reason(app.test_client().get("/gate", headers=bearer(**VIEWER))) == (503, "audit-unavailable")


def test_public_may_identify(app: Flask, protect: Protect) -> None:
    """A good token makes a subject, a bad one is a 401, and none is nobody."""
    authz = protect(app)

    @app.get("/")
    @public(reason="greets whoever comes", identify=True)
    def hello() -> str:
        return f"hello {current_subject.id if current_subject else 'stranger'}"

    authz.seal()
    client = app.test_client()
    assert client.get("/", headers=bearer()).text == "hello alice"
    assert client.get("/").text == "hello stranger"
    assert reason(client.get("/", headers=bearer(aud="other"))) == (401, "token-audience")


def test_the_body_of_a_refusal_may_be_the_applications_own(app: Flask, protect: Protect) -> None:
    """Never its status or its challenge; and a function that fails leaves ours."""
    authz = protect(app)
    app.add_url_rule("/x", "x", requires("read:data")(lambda: "x"))
    authz.seal()
    client = app.test_client()

    @authz.problem
    def shaped(body: dict[str, Any]) -> dict[str, Any]:
        return {"error": body["reason"], "see": "https://docs.example.com"}

    answer = client.get("/x")
    assert (answer.status_code, answer.headers["WWW-Authenticate"], answer.json) == (
        401,
        'Bearer realm="shop"',
        {"error": "token-absent", "see": "https://docs.example.com"},
    )
    authz.problem(lambda body: {"x": 1 / 0})
    assert reason(client.get("/x")) == (401, "token-absent")


def test_signals_tell_of_decisions_and_refused_tokens(app: Flask, protect: Protect) -> None:
    """A receiver that fails changes no answer."""
    authz, heard = protect(app), []

    def on_decision(sender: Flask, kind: str, admission: Any) -> None:
        heard.append((sender, kind, admission.outcome.reason))

    def on_refusal(sender: Flask, refusal: Any) -> None:
        heard.append((sender, "refused", refusal.reason))
        raise KeyError("a receiver of one's own")

    app.add_url_rule("/x", "x", requires("read:data")(lambda: str(authz.can("update:data"))))
    authz.seal()
    with signals.decision_made.connected_to(on_decision), signals.token_refused.connected_to(on_refusal):
        assert app.test_client().get("/x", headers=bearer(**VIEWER)).text == "False"
        assert app.test_client().get("/x").status_code == 401
    assert heard == [
        (app, "request", "allowed"),
        (app, "probe", "no-role-grants-it"),
        (app, "refused", "token-absent"),
    ]


def test_configuration_keys_stand_for_arguments(tmp_path: Path) -> None:
    """An argument wins; a key that is not known is an error with the nearest one."""
    folder = write_policy(tmp_path / "p")
    app = Flask("shop", static_folder=None)
    app.config.update(POLICY_PATH=str(folder), POLICY_AUDIT=str(tmp_path / "unused"), POLICY_REALM="the shop")
    authz = Authorizer(app, audit=tmp_path / "audit")
    app.add_url_rule("/x", "x", requires("read:data")(lambda: "x"))
    authz.seal()
    assert app.test_client().get("/x").headers["WWW-Authenticate"] == 'Bearer realm="the-shop"'
    assert ((tmp_path / "audit").exists(), (tmp_path / "unused").exists()) == (True, False)
    other = Flask("other")
    other.config.update(POLICY_PTH="x")
    with pytest.raises(PolicyError) as caught:
        Authorizer(other, policy=folder, audit=None)
    assert str(caught.value) == "unknown configuration key `POLICY_PTH`; did you mean `POLICY_PATH`?"


def test_a_factory_without_init_app_is_an_error() -> None:
    """It would return an application that nothing protects."""
    authz = Authorizer()

    @authz.factory
    def create_app() -> Flask:
        return Flask("forgotten")

    with pytest.raises(PolicyError, match="gave its application no authorizer: call init_app in it"):
        create_app()
    with pytest.raises(TypeError, match="takes no arguments: give them to init_app"):
        Authorizer(audit=None)
