"""What Flask and Werkzeug do with addresses: hosts, subdomains, arguments that are taken away, slashes, mounts."""

from pathlib import Path
from typing import Any

from flask import Flask, g, url_for
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from policy.audit import records
from policy.flask import Authorizer, current_subject, requires
from tests.extensions.asking import NO_ROLE, NO_TOKEN, Answer, ask, refused_to_seal, three, unmarked
from tests.flask.conftest import Protect
from tests.issuing import DOCUMENT, ISSUER, VIEWER, bearer, write_policy

MISMATCH = (403, "tenant-mismatch")


def told(folder: Path) -> list[tuple[str, str, str]]:
    """Route, reason and tenant of every record, sorted."""
    return sorted((record["route"], record["reason"], record.get("tenant") or "") for record in records(folder))


def tenants(protect: Protect, app: Flask, tmp_path: Path) -> tuple[Authorizer, dict[str, str]]:
    """An authorizer whose issuer names tenants, and the headers of a viewer at acme."""
    issuer: dict[str, Any] = {
        **DOCUMENT["issuers"][ISSUER],
        "claims": {"tenant": {"path": ["org"], "format": "string"}},
    }
    authz = protect(app, policy=write_policy(tmp_path / "tenants", issuers={ISSUER: issuer}))
    return authz, bearer(**VIEWER, org="acme")


def test_hosts_are_told_apart(protect: Protect) -> None:
    """One address on two hosts is two routes, each with its own mark."""
    app = Flask("shop", static_folder=None, host_matching=True)
    authz = protect(app)
    app.add_url_rule("/x", "one", requires("read:data")(lambda: "one"), host="one.example")
    app.add_url_rule("/x", "two", requires("update:data")(lambda: "two"), host="two.example")
    app.add_url_rule("/x", "any", requires("read:data")(lambda name: name), host="<name>.all.example")
    authz.seal()
    assert three(app, "/x", base_url="http://one.example") == [NO_TOKEN, NO_ROLE, (200, "one")]
    assert three(app, "/x", base_url="http://two.example") == [NO_TOKEN, NO_ROLE, NO_ROLE]
    assert three(app, "/x", base_url="http://more.all.example") == [NO_TOKEN, NO_ROLE, (200, "more")]
    assert ask(app, "/x", base_url="http://three.example")[0] == 404


def test_a_forgotten_host_is_named(protect: Protect) -> None:
    """Also beside the same address of another host that is marked."""
    app = Flask("shop", static_folder=None, host_matching=True)
    authz = protect(app)

    def two() -> str:
        return "two"

    app.add_url_rule("/x", "one", requires("read:data")(lambda: "one"), host="one.example")
    app.add_url_rule("/x", "two", two, host="two.example")
    assert refused_to_seal(authz) == [unmarked("GET /x", two, "two")]


def test_a_subdomain_may_be_the_tenant(protect: Protect, tmp_path: Path) -> None:
    """It is an argument of the address like any other."""
    app = Flask("shop", static_folder=None, subdomain_matching=True)
    app.config["SERVER_NAME"] = "shop.example"
    authz, viewer = tenants(protect, app, tmp_path)
    view = requires("read:data", tenant="org")(lambda org: org)
    app.add_url_rule("/x", "x", view, subdomain="<org>")
    authz.seal()
    assert ask(app, "/x", viewer, base_url="http://acme.shop.example") == (200, "acme")
    assert ask(app, "/x", viewer, base_url="http://other.shop.example") == MISMATCH
    assert ask(app, "/x", base_url="http://acme.shop.example") == NO_TOKEN
    assert told(tmp_path / "audit") == [
        ("/x", "allowed", "acme"),
        ("/x", "tenant-mismatch", "other"),
        ("/x", "token-absent", ""),
    ]


def test_arguments_that_a_preprocessor_pops_still_count(app: Flask, protect: Protect, tmp_path: Path) -> None:
    """They are taken before any other can pop them, and defaults for addresses work as they did."""

    @app.url_value_preprocessor
    def pop(endpoint: str | None, values: dict[str, Any] | None) -> None:
        if values is not None:
            g.org = values.pop("org", None)

    @app.url_defaults
    def add(endpoint: str, values: dict[str, Any]) -> None:
        values.setdefault("org", g.org)

    authz, viewer = tenants(protect, app, tmp_path)

    @app.get("/<org>/x")
    @requires("read:data", tenant="org")
    def x() -> str:
        return url_for("x")

    @app.get("/acme/mine", defaults={"org": "acme"})
    @requires("read:data", tenant="org")
    def mine() -> str:
        return str(g.org)

    authz.seal()
    assert ask(app, "/acme/x", viewer) == (200, "/acme/x")
    assert ask(app, "/other/x", viewer) == MISMATCH
    assert ask(app, "/acme/mine", viewer) == (200, "acme")
    assert ask(app, "/acme/mine", bearer(**VIEWER, org="other")) == MISMATCH


def mounted(front: Flask, inner: Flask, path: str, headers: dict[str, str] | None = None) -> Answer:
    """What a server answers that has one application mounted in another."""
    answer = Client(DispatcherMiddleware(front, {"/inner": inner})).get(path, headers=headers)
    problem = answer.content_type == "application/problem+json"
    return answer.status_code, answer.json["reason"] if problem and answer.json else answer.text


def test_a_mounted_application_decides_for_itself(app: Flask, tmp_path: Path) -> None:
    """By its own policy, and into its own log."""
    inner = Flask("inner", static_folder=None)
    stricter: dict[str, Any] = {"roles": {"viewer": {"grants": ["update:data"]}}, "rules": [], "constraints": []}
    for one, sections in ((app, {}), (inner, stricter)):
        authz = Authorizer(
            one, policy=write_policy(tmp_path / one.name, **sections), audit=tmp_path / f"{one.name}-audit"
        )
        one.add_url_rule("/x", "x", requires("read:data")(lambda: "x"))
        authz.seal()
    assert [mounted(app, inner, "/x", headers) for headers in (None, bearer(**VIEWER))] == [NO_TOKEN, (200, "x")]
    assert [mounted(app, inner, "/inner/x", headers) for headers in (None, bearer(**VIEWER))] == [NO_TOKEN, NO_ROLE]
    assert [one[1] for one in told(tmp_path / "shop-audit")] == ["allowed", "token-absent"]
    assert [one[1] for one in told(tmp_path / "inner-audit")] == ["no-role-grants-it", "token-absent"]


def test_a_mounted_application_without_an_authorizer_trips(app: Flask, protect: Protect) -> None:
    """What the outer one decided does not count there."""
    authz, inner = protect(app), Flask("inner", static_folder=None)
    view = requires("read:data")(lambda: "the secret")
    app.add_url_rule("/x", "x", view)
    inner.add_url_rule("/x", "x", view)
    authz.seal()
    assert mounted(app, inner, "/x", bearer(**VIEWER)) == (200, "the secret")
    assert mounted(app, inner, "/inner/x", bearer(**VIEWER)) == (500, "mark-not-enforced")


def test_an_application_called_from_a_view_decides_for_itself(app: Flask, protect: Protect, tmp_path: Path) -> None:
    """Before the view goes on as who it was."""
    inner = Flask("inner", static_folder=None)
    Authorizer(inner, policy=write_policy(tmp_path / "inner"), audit=None)
    inner.add_url_rule("/x", "x", requires("read:data")(lambda: current_subject.id))
    authz = protect(app)

    @app.get("/x")
    @requires("read:data")
    def x() -> str:
        found = [ask(inner, "/x"), ask(inner, "/x", bearer(**VIEWER, sub="bob"))]
        return f"{found} {current_subject.id}"

    authz.seal()
    assert ask(app, "/x", bearer(**VIEWER)) == (200, f"{[NO_TOKEN, (200, 'bob')]} alice")


def test_a_redirect_to_the_slash_is_not_decided(app: Flask, protect: Protect, tmp_path: Path) -> None:
    """It runs nothing and records nothing; where it leads is decided."""
    authz = protect(app)
    app.add_url_rule("/x/", "x", requires("read:data")(lambda: "x"))
    authz.seal()
    answer = app.test_client().get("/x")
    assert (answer.status_code, answer.headers["Location"]) == (308, "http://localhost/x/")
    assert not list((tmp_path / "audit").glob("*.jsonl"))
    assert three(app, "/x", follow_redirects=True) == [NO_TOKEN, NO_ROLE, (200, "x")]
    assert len(told(tmp_path / "audit")) == 3


def test_merged_slashes_are_decided_where_they_lead(app: Flask, protect: Protect) -> None:
    """An address written otherwise is no way around a mark."""
    authz = protect(app)
    app.add_url_rule("/a/x", "x", requires("read:data")(lambda: "x"))
    authz.seal()
    for path in ("/a//x", "/%61/x"):
        assert three(app, path, follow_redirects=True) == [NO_TOKEN, NO_ROLE, (200, "x")]
