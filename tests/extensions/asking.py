"""What an application answers, as values that are compared whole."""

import os
from typing import Any, Final

import pytest
from flask import Flask

from policy import PolicyError
from policy.flask import Authorizer
from tests.issuing import VIEWER, bearer

Answer = tuple[int, str]
NO_TOKEN: Final[Answer] = (401, "token-absent")
NO_ROLE: Final[Answer] = (403, "no-role-grants-it")


def ask(app: Flask, path: str, headers: dict[str, str] | None = None, **request: Any) -> Answer:
    """The status, and the reason of a refusal of ours or else the body."""
    with app.test_client().open(path, headers=headers, **request) as answer:
        if answer.content_type != "application/problem+json":
            return answer.status_code, answer.get_data(as_text=True)
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.status_code, answer.get_json()["reason"]


def two(app: Flask, path: str, **request: Any) -> list[Answer]:
    """What nobody gets, then somebody who may nothing."""
    return [ask(app, path, headers, **request) for headers in (None, bearer())]


def three(app: Flask, path: str, **request: Any) -> list[Answer]:
    """The same, and then what a viewer gets."""
    return [*two(app, path, **request), ask(app, path, bearer(**VIEWER), **request)]


def refused_to_seal(authz: Authorizer) -> list[str]:
    """The lines of the error that the seal raises."""
    with pytest.raises(PolicyError) as caught:
        authz.seal()
    return str(caught.value).splitlines()


def undeclared(route: str, view: str, endpoint: str) -> str:
    """What the seal says of a forgotten view of a package, which nobody can put a mark on."""
    return f'{route}: nothing says who may call view `{view}`; add `authz.declare("{endpoint}", requires("..."))`'


def unmarked(route: str, function: Any, endpoint: str) -> str:
    """What the seal says of a forgotten view of one's own: its file, its line, and what to put there."""
    code = function.__code__
    view = function.__qualname__.rpartition("<locals>.")[2]
    return (
        f"{os.path.relpath(code.co_filename)}, {route}, line {code.co_firstlineno}: "
        f"nothing says who may call view `{view}`; "
        'add `@requires("...")`, `@authenticated` or `@public(reason="...")` below its route, '
        f'or `authz.declare("{endpoint}", requires("..."))`'
    )
