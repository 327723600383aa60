"""What the API says of itself to clients that look for its tokens (RFC 9728)."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from policy import PolicyError
from policy.flask import Authorizer, authenticated, requires
from policy.flask.listing import listing
from policy.flask.metadata import checked_resource
from policy.flask.openapi import openapi_document
from policy.tokens.dpop import PROOF_ALGORITHMS
from tests.flask.conftest import Protect
from tests.issuing import DOCUMENT, ISSUER, VIEWER, bearer, write_policy

RESOURCE = "https://api.example.com"
WELL_KNOWN = "/.well-known/oauth-protected-resource"
NAMED = f'resource_metadata="{RESOURCE}{WELL_KNOWN}"'
SCOPES = ["approve:payment", "create:payment", "data.full", "delete:data", "read:data", "update:data"]
USUAL = DOCUMENT["issuers"][ISSUER]
EVERY = {"asserts": {"roles": ["*"], "scopes": ["*"]}}

Serve = Callable[..., FlaskClient]


@pytest.fixture
def serve(app: Flask, tmp_path: Path) -> Serve:
    """The application with its metadata, over these issuers."""

    def serve(issuers: Any = None, resource: str = RESOURCE, **options: Any) -> FlaskClient:
        sections = {} if issuers is None else {"issuers": issuers}
        policy = write_policy(tmp_path / "policies", **sections)
        given = {"policy": policy, "audit": tmp_path / "audit", "resource_metadata": resource, **options}
        authz = Authorizer(app, **given)
        app.add_url_rule("/read", "read", requires("read:data")(lambda: "the data"))
        app.add_url_rule("/delete", "delete", requires("delete:data")(lambda: "deleted"))
        app.add_url_rule("/me", "me", authenticated(lambda: "you"))
        authz.seal()
        return app.test_client()

    return serve


def test_the_metadata_names_issuers_scopes_and_the_header(serve: Serve, tmp_path: Path) -> None:
    """To anybody, as plain JSON; nothing is recorded."""
    found = serve().get(WELL_KNOWN)
    assert (found.status_code, found.content_type) == (200, "application/json")
    assert json.loads(found.text) == {
        "resource": RESOURCE,
        "authorization_servers": [ISSUER],
        "scopes_supported": SCOPES,
        "bearer_methods_supported": ["header"],
    }
    assert list((tmp_path / "audit").glob("*.jsonl")) == []


PLACES = {
    "https://api.example.com": ("", "https://api.example.com"),
    "https://api.example.com/": ("", "https://api.example.com"),
    "https://api.example.com/v1": ("/v1", "https://api.example.com"),
    "https://api.example.com/v1/": ("/v1/", "https://api.example.com"),
    "https://api.example.com:8443/a/b.c~d": ("/a/b.c~d", "https://api.example.com:8443"),
    "http://127.0.0.1:5000/api": ("/api", "http://127.0.0.1:5000"),
}


@pytest.mark.parametrize(("resource", "place"), PLACES.items(), ids=PLACES.keys())
def test_the_path_of_the_resource_comes_after_the_well_known_one(
    serve: Serve, resource: str, place: tuple[str, str]
) -> None:
    """RFC 9728 section 3.1; the identifier is given back letter by letter (section 3.3)."""
    path, origin = place
    client = serve(resource=resource)
    assert client.get(WELL_KNOWN + path).json["resource"] == resource  # type: ignore[index]
    challenge = client.get("/read").headers["WWW-Authenticate"]
    assert challenge == f'Bearer realm="shop", resource_metadata="{origin}{WELL_KNOWN}{path}"'
    if path.strip("/"):
        assert client.get(WELL_KNOWN).status_code == 404


def test_nothing_is_served_unless_asked_for(app: Flask, protect: Protect) -> None:
    """Neither the route nor the parameter."""
    authz = protect(app)
    app.add_url_rule("/read", "read", requires("read:data")(lambda: "the data"))
    authz.seal()
    client = app.test_client()
    assert client.get(WELL_KNOWN).status_code == 404
    assert client.get("/read").headers["WWW-Authenticate"] == 'Bearer realm="shop"'


def test_every_challenge_says_where_the_metadata_is(serve: Serve) -> None:
    """RFC 9728 section 5.1, beside whatever else is said."""
    client, admin = serve(), {"roles": ["admin"], "scope": "delete:data"}
    asked = 'error="insufficient_user_authentication", acr_values="mfa", max_age="300"'
    for path, headers, status, said in (
        ("/read", {}, 401, ""),
        ("/me", {}, 401, ""),
        ("/read", {"Authorization": "Bearer"}, 400, 'error="invalid_request", '),
        ("/read", {"Authorization": "Bearer x"}, 401, 'error="invalid_token", '),
        ("/delete", bearer(**admin), 401, f"{asked}, "),
        ("/delete", bearer(**VIEWER), 403, ""),
        ("/read", bearer(roles=["viewer"]), 403, 'error="insufficient_scope", scope="read:data", '),
    ):
        answer = client.get(path, headers=headers)
        challenge = f'Bearer realm="shop", {said}{NAMED}'
        assert (answer.status_code, answer.headers.getlist("WWW-Authenticate")) == (status, [challenge])


def test_it_is_a_route_like_any_other(serve: Serve, app: Flask) -> None:
    """Declared public by the extension: in the list of routes, and in OpenAPI without security."""
    serve()
    (found,) = [route for route in listing(app).routes if route.rule == WELL_KNOWN]
    assert (found.method, found.access, found.problems) == ("GET", "public", ())
    assert found.demands == ('public(reason="clients learn here where to get a token")',)
    assert openapi_document(app)["paths"][WELL_KNOWN] == {"get": {"security": []}}


def test_only_reading_it_is_possible(serve: Serve) -> None:
    """GET, HEAD and the OPTIONS that Flask answers."""
    client = serve()
    answers = [client.open(WELL_KNOWN, method=method).status_code for method in ("HEAD", "OPTIONS", "POST", "DELETE")]
    assert answers == [200, 200, 405, 405]


def test_it_follows_the_policy(serve: Serve, app: Flask, tmp_path: Path) -> None:
    """A reloaded policy is told at once."""
    client = serve(reload=3600)
    write_policy(tmp_path / "policies", scopes={})
    for _ in range(2):
        app.extensions["policy"].live.look()
    assert client.get(WELL_KNOWN).json["scopes_supported"] == [  # type: ignore[index]
        scope for scope in SCOPES if scope != "data.full"
    ]


DPOP = {"dpop_signing_alg_values_supported": list(PROOF_ALGORITHMS)}
CERTIFICATES = {"tls_client_certificate_bound_access_tokens": True}
REQUIRED = {"dpop_bound_access_tokens_required": True}
PROOFS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "none": ([None], {}),
    "by key": (["dpop"], {**DPOP, **REQUIRED}),
    "by certificate": (["certificate"], CERTIFICATES),
    "by either": ([["dpop", "certificate"]], {**DPOP, **CERTIFICATES}),
    "by key, at one of two": (["dpop", None], DPOP),
    "by key at one, by certificate at the other": (["dpop", "certificate"], {**DPOP, **CERTIFICATES}),
    "by key at both": (["dpop", "dpop"], {**DPOP, **REQUIRED}),
}


@pytest.mark.parametrize(("proofs", "said"), PROOFS.values(), ids=PROOFS.keys())
def test_what_is_demanded_is_said(serve: Serve, proofs: list[Any], said: dict[str, Any]) -> None:
    """RFC 9449 section 5.1 and RFC 8705 section 3.3, as RFC 9728 section 2 names them for resources."""
    names = [ISSUER, "https://partner.example/"][: len(proofs)]
    issuers = {
        name: {**USUAL, **EVERY, "id_prefix": f"{at}|" if at else "", **({"proof": proof} if proof else {})}
        for at, (name, proof) in enumerate(zip(names, proofs, strict=True))
    }
    found = serve(issuers, certificate_hash_header="X-Hash").get(WELL_KNOWN).json
    assert found == {
        "resource": RESOURCE,
        "authorization_servers": names,
        "scopes_supported": SCOPES,
        "bearer_methods_supported": ["header"],
        **said,
    }


ISSUERS: dict[str, tuple[dict[str, Any], list[str] | None]] = {
    "scopes that it may not assert": ({"asserts": {"scopes": ["read:data", "data.*"]}}, ["data.full", "read:data"]),
    "no scope that it may assert": ({"asserts": {}}, None),
    "roles alone count": ({"authority": {"user": "roles"}}, None),
    "scopes count for machines": ({"authority": {"user": "roles", "machine": "scopes"}}, SCOPES),
}


@pytest.mark.parametrize(("changes", "scopes"), ISSUERS.values(), ids=ISSUERS.keys())
def test_scopes_are_those_that_some_token_could_use(serve: Serve, changes: Any, scopes: list[str] | None) -> None:
    """What is empty is left out (RFC 9728 section 3.2)."""
    found = serve({ISSUER: {**USUAL, **changes}}).get(WELL_KNOWN).json
    assert found is not None
    assert found.get("scopes_supported") == scopes


def test_issuers_that_are_no_addresses_are_no_authorization_servers(serve: Serve) -> None:
    """A client could not ask them for anything."""
    found = serve({"kubernetes/serviceaccount": USUAL}).get(WELL_KNOWN).json
    assert found is not None
    assert "authorization_servers" not in found


WRONG = {
    "api.example.com": "must begin with `https://` and a host",
    "http://api.example.com": "must be `https`",
    "https://": "must begin with `https://` and a host",
    "https://api.example.com/v1#a": "must have neither a user nor a fragment",
    "https://a:b@api.example.com": "must have neither a user nor a fragment",
    "https://api.example.com?a=b": "must have no query, and a path of plain letters",
    "https://api.example.com/?": "must have no query, and a path of plain letters",
    "https://api.example.com/<id>": "must have no query, and a path of plain letters",
    "https://api.example.com/%41": "must have no query, and a path of plain letters",
    "https://api.example.com/a b": "is no address: printable ASCII without spaces is expected",
}


@pytest.mark.parametrize(("resource", "fault"), WRONG.items(), ids=WRONG.keys())
def test_a_resource_that_cannot_be_one_stops_the_start(serve: Serve, resource: str, fault: str) -> None:
    """RFC 9728 section 1.2: an https address without a fragment; a query could not be a route."""
    said = f"`resource_metadata` is the API's resource identifier, and `{resource}` {fault}"
    with pytest.raises(PolicyError, match=f"^{re.escape(said)}$"):
        serve(resource=resource)


def test_no_identifier_is_none() -> None:
    """The option may be empty."""
    assert checked_resource("") is None
