"""Real servers with several processes, and with processes that start again when a file changes."""

import contextlib
from pathlib import Path

import pytest

from policy.audit import records
from tests.extensions.asking import NO_ROLE, NO_TOKEN
from tests.extensions.serving import Program, answer
from tests.issuing import VIEWER, bearer, write_policy

APPLICATION = """
import os

from flask import Flask

from policy.flask import Authorizer, requires

app = Flask("shop", static_folder=None)
authz = Authorizer(app, policy="policies", audit="audit")


@app.get("/data")
@requires("read:data")
def data():
    return str(os.getpid())


authz.seal()
"""

FORGOTTEN = (
    "policy.errors.PolicyError: shop.py, GET /data, line 12: nothing says who may call view `data`; "
    'add `@requires("...")`, `@authenticated` or `@public(reason="...")` below its route, '
    'or `authz.declare("data", requires("..."))`\n'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy and an application that decides by it."""
    write_policy(tmp_path / "policies")
    (tmp_path / "shop.py").write_text(APPLICATION, encoding="utf-8")
    return tmp_path


def writers(folder: Path) -> set[str]:
    """The processes that have written decisions, by the names of their files."""
    return {path.stem.split("-")[-1] for path in (folder / "audit").glob("decisions-*.jsonl")}


def reasons(folder: Path) -> list[str]:
    """The reasons of all that was recorded, sorted."""
    return sorted(record["reason"] for record in records(folder / "audit"))


def test_workers_forked_from_a_sealed_application_decide_and_record(folder: Path) -> None:
    """Each by itself and into a file of its own; a worker that is kept busy makes sure that the other one answers."""
    workers = ("--workers", "2", "--bind", "127.0.0.1:0", "--preload", "--no-control-socket")
    with Program(folder, "gunicorn", *workers, "shop:app") as program, contextlib.closing(program.connect()) as busy:
        assert [program.ask("/data"), program.ask("/data", bearer())] == [NO_TOKEN, NO_ROLE]
        answers = [program.ask("/data", bearer(**VIEWER)), answer(busy, "/data", bearer(**VIEWER))]
        pids = {body for _, body in answers}
        assert ([status for status, _ in answers], len(pids)) == ([200, 200], 2)
        assert (writers(folder), str(program.process.pid) in pids) == (pids, False)
    assert reasons(folder) == ["allowed", "allowed", "no-role-grants-it", "token-absent"]


@pytest.mark.parametrize("option", ["--reload", "--debug"])
def test_an_application_that_is_edited_while_it_runs_is_decided_anew(folder: Path, option: str) -> None:
    """By its new marks; while one is missing nobody is answered, and the server says what to add."""
    with Program(folder, "flask", "--app", "shop", "run", "--port", "0", option) as program:
        assert [program.ask("/data"), program.ask("/data", bearer())] == [NO_TOKEN, NO_ROLE]
        first = program.ask("/data", bearer(**VIEWER))
        assert (first[0], {first[1]}) == (200, writers(folder))
        (folder / "shop.py").write_text(APPLICATION.replace('@requires("read:data")\n', ""), encoding="utf-8")
        program.ask_until(lambda answer: answer[0] == 500, "/data", bearer(**VIEWER))
        assert FORGOTTEN in program.said
        (folder / "shop.py").write_text(APPLICATION.replace("read:data", "update:data"), encoding="utf-8")
        program.ask_until(lambda answer: answer == NO_ROLE, "/data", bearer(**VIEWER))
