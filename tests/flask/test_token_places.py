"""Tokens come in the Authorization header; whoever puts one elsewhere is told nothing, and the log says where."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient
from werkzeug.exceptions import RequestEntityTooLarge

from policy.audit import records
from policy.flask import public, requires
from tests.flask.conftest import Protect
from tests.issuing import VIEWER, bearer, token

TOKEN = token(**VIEWER)
SEEN = "a token was seen in the {} and not read there: only the Authorization header counts"


@pytest.fixture
def client(app: Flask, protect: Protect) -> FlaskClient:
    authz = protect(app)
    app.add_url_rule("/read", "read", requires("read:data")(lambda: "the data"), methods=["GET", "POST"])
    app.add_url_rule("/hello", "hello", public(reason="a greeting", identify=True)(lambda: "hello"), methods=["POST"])
    authz.seal()
    return app.test_client()


FORM = {"data": {"access_token": TOKEN}}
PLACES: dict[str, tuple[dict[str, Any], str]] = {
    "nowhere": ({}, ""),
    "in the query": ({"query_string": {"access_token": TOKEN}}, SEEN.format("query")),
    "in the query, among others": ({"query_string": f"a=b&access_token={TOKEN}"}, SEEN.format("query")),
    "in a form": (FORM, SEEN.format("form or body")),
    "in a form, among others": ({"data": {"a": "b", "access_token": TOKEN}}, SEEN.format("form or body")),
    "in a form with files": ({**FORM, "content_type": "multipart/form-data"}, SEEN.format("form or body")),
    "in JSON": ({"json": {"access_token": TOKEN}}, SEEN.format("form or body")),
    "in query and form": (
        {"query_string": {"access_token": TOKEN}, **FORM},
        SEEN.format("query and the form or body"),
    ),
    "beside another scheme": (
        {"query_string": {"access_token": TOKEN}, "headers": {"Authorization": "Basic YTpi"}},
        SEEN.format("query"),
    ),
    "in a body of no such kind": ({"data": f"access_token={TOKEN}", "content_type": "text/plain"}, ""),
    "in a long body": ({"data": {"access_token": TOKEN, "a": "b" * 16384}}, ""),
    "under another name": ({"query_string": {"token": TOKEN}, "data": {"my_access_token": TOKEN}}, ""),
}


@pytest.mark.parametrize(("given", "detail"), PLACES.values(), ids=PLACES.keys())
def test_a_token_elsewhere_is_no_token(client: FlaskClient, tmp_path: Path, given: Any, detail: str) -> None:
    """401 as without any, without an error in the challenge; the place is in the log, the token is not."""
    answer = client.post("/read", **given)
    (record,) = records(tmp_path / "audit")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="shop"')
    assert answer.json == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "the request carries no bearer token",
        "reason": "token-absent",
        "decision": record["id"],
    }
    assert (record["reason"], record["detail"]) == ("token-absent", detail)
    assert not [part for part in TOKEN.split(".") if part in json.dumps(record)]


def test_a_token_in_a_cookie_is_no_token(client: FlaskClient, tmp_path: Path) -> None:
    """A browser sends it to whoever asks for it."""
    client.set_cookie("access_token", TOKEN)
    assert client.get("/read").status_code == 401
    assert [record["detail"] for record in records(tmp_path / "audit")] == [SEEN.format("cookies")]


def test_a_token_in_the_header_is_read_whatever_else_there_is(client: FlaskClient, tmp_path: Path) -> None:
    """The others are not looked at, good or bad."""
    answer = client.post("/read", headers=bearer(**VIEWER), query_string={"access_token": "x"}, **FORM)
    assert (answer.status_code, answer.text) == (200, "the data")
    assert [record["reason"] for record in records(tmp_path / "audit")] == ["allowed"]


def test_a_greeting_reads_no_token_from_a_form(client: FlaskClient, tmp_path: Path) -> None:
    """Who sends no header is nobody; the body is the view's."""
    assert client.post("/hello", **FORM).text == "hello"
    assert list((tmp_path / "audit").glob("*.jsonl")) == []


def test_the_form_can_still_be_read_afterwards(client: FlaskClient, app: Flask) -> None:
    """By a function of the application that looks at refused requests."""
    found: list[str] = []

    @app.after_request
    def look(response: Response) -> Response:
        found.append(request.form["access_token"])
        return response

    assert client.post("/read", **FORM).status_code == 401
    assert found == [TOKEN]


@pytest.mark.parametrize("error", [RequestEntityTooLarge(), OSError("gone")], ids=["too large", "gone"])
def test_a_body_that_does_not_arrive_changes_nothing(
    client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The refusal stays what it is."""

    def get_data(*_: Any, **__: Any) -> bytes:
        raise error

    monkeypatch.setattr("flask.Request.get_data", get_data)
    assert client.post("/read", **FORM).status_code == 401
    assert [record["detail"] for record in records(tmp_path / "audit")] == [""]


def test_every_refused_attempt_is_in_the_log(client: FlaskClient, tmp_path: Path) -> None:
    """One record each, of kind `refused`, with method and route."""
    attempts: list[Callable[[], Any]] = [
        lambda: client.get("/read"),
        lambda: client.get("/read?access_token=x"),
        lambda: client.get("/read", headers={"Authorization": "Bearer"}),
        lambda: client.get("/read", headers={"Authorization": "Bearer x"}),
        lambda: client.get("/read", headers=bearer(roles="viewer")),
        lambda: client.post("/hello", headers={"Authorization": "Bearer x"}),
    ]
    ids = [attempt().json["decision"] for attempt in attempts]
    kept = list(records(tmp_path / "audit"))
    assert [record["id"] for record in kept] == ids
    assert [(record["kind"], record["reason"], record["method"], record["route"]) for record in kept] == [
        ("refused", "token-absent", "GET", "/read"),
        ("refused", "token-absent", "GET", "/read"),
        ("refused", "token-header", "GET", "/read"),
        ("refused", "token-parts", "GET", "/read"),
        ("refused", "token-claim-type", "GET", "/read"),
        ("refused", "token-parts", "POST", "/hello"),
    ]
