"""Answers that are streamed: decided before the first part, and with the subject known until the last."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, Response, stream_with_context

from policy.audit import records
from policy.flask import current_decision, current_subject, requires
from tests.extensions.asking import NO_ROLE, NO_TOKEN, ask, refused_to_seal, three, two, unmarked
from tests.flask.conftest import Protect
from tests.issuing import VIEWER, bearer


def test_the_subject_is_known_while_an_answer_is_streamed(app: Flask, protect: Protect, tmp_path: Path) -> None:
    """In a generator that keeps the context of the request; gates and probes work there too."""
    authz = protect(app)
    begun: list[str] = []

    @app.get("/stream")
    @requires("read:data")
    def stream() -> Response:
        def parts() -> Iterator[str]:
            begun.append(current_subject.id)
            yield f"{current_subject.id} "
            yield f"{current_decision.permission} "
            yield f"{authz.can('update:data')}"

        return Response(stream_with_context(parts()))

    authz.seal()
    assert (two(app, "/stream"), begun) == ([NO_TOKEN, NO_ROLE], [])
    assert ask(app, "/stream", bearer(**VIEWER)) == (200, "alice read:data False")
    kinds = [(record["kind"], record["reason"]) for record in records(tmp_path / "audit")]
    assert sorted(kinds) == [
        ("probe", "no-role-grants-it"),
        ("refused", "token-absent"),
        ("request", "allowed"),
        ("request", "no-role-grants-it"),
    ]


def test_without_the_context_there_is_no_subject(app: Flask, protect: Protect) -> None:
    """Not even the one of the request that has ended."""
    authz = protect(app)

    @app.get("/stream")
    @requires("read:data")
    def stream() -> Response:
        def parts() -> Iterator[str]:
            yield "begun "
            with pytest.raises(RuntimeError, match="no subject is known here"):
                yield current_subject.id
            yield "ended"

        return Response(parts())

    authz.seal()
    with app.test_client() as client, client.get("/stream", headers=bearer(**VIEWER), buffered=True) as answer:
        assert (answer.status_code, answer.get_data(as_text=True)) == (200, "begun ended")


def test_a_forgotten_stream_is_named(app: Flask, protect: Protect) -> None:
    """A generator is a view like any other."""
    authz = protect(app)

    @app.get("/stream")
    def stream() -> Iterator[str]:
        yield "the secret"

    assert refused_to_seal(authz) == [unmarked("GET /stream", stream, "stream")]
    assert ask(app, "/stream") == (503, "not-sealed")


def test_a_marked_generator_is_decided_before_it_begins(app: Flask, protect: Protect) -> None:
    """Flask streams what a view yields."""
    authz = protect(app)

    @app.get("/stream")
    @requires("read:data")
    def stream() -> Iterator[str]:
        yield "one "
        yield "two"

    authz.seal()
    assert three(app, "/stream") == [NO_TOKEN, NO_ROLE, (200, "one two")]
