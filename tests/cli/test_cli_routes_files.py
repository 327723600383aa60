"""`policy routes` writes a file of declarations to fill in, and compares with OpenAPI documents."""

import json
from pathlib import Path

from tests.cli.applications import FORGETFUL, HEAD, SOUND
from tests.cli.conftest import Program, Write

TODO = "shop_of_routes_todo.py"
USE = "from shop_of_routes_todo import declare_routes\ndeclare_routes(authz)\nauthz.seal()\n"
READ = [{"bearer": ["read:data"]}]


def test_a_todo_declares_nothing_until_a_comment_is_taken_away(program: Program, write: Write) -> None:
    """Endpoints of a blueprint stand together, with their methods, rules and places."""
    ran = program("routes", write(HEAD + FORGETFUL), "--write-todo", TODO)
    text = Path(TODO).read_text()
    assert (ran.status, ran.err) == (1, f"policy: written: {TODO}: 3 endpoints to declare\n")
    assert text.partition('public(reason="...")`."""\n')[2] == (
        "\n"
        "    # The application's own\n"
        "\n"
        "    # TODO DELETE /data  (shop_of_routes.py:34)\n"
        '    # authz.declare("drop", requires("..."))\n'
        "\n"
        "    # Blueprint docs\n"
        "\n"
        "    # TODO GET /docs/  (shop_of_routes.py:11)\n"
        '    # authz.declare("docs.index", requires("..."))\n'
        "\n"
        "    # TODO GET /docs/<path:page>  (shop_of_routes.py:16)\n"
        "    # TODO POST /docs/<path:page>  (shop_of_routes.py:16)\n"
        '    # authz.declare("docs.page", requires("..."))\n'
    )


def test_a_todo_that_is_filled_in_declares(program: Program, write: Write) -> None:
    """As it is written the seal holds as little as without it; filled in, only what else is wrong remains."""
    program("routes", write(HEAD + FORGETFUL), "--write-todo", TODO)
    as_written = program("routes", write(HEAD + FORGETFUL + USE))
    assert (as_written.status, len(as_written.err.splitlines())) == (1, 5)
    text = Path(TODO).read_text()
    Path(TODO).write_text(text.replace("# authz.declare", "authz.declare"))
    uncommented = program("routes", write(HEAD + FORGETFUL + USE))
    assert (uncommented.status, len(uncommented.err.splitlines())) == (1, 5)
    Path(TODO).write_text(text.replace("# authz.declare", "authz.declare").replace('("...")', '("read:data")'))
    filled_in = program("routes", write(HEAD + FORGETFUL + USE))
    assert (filled_in.status, len(filled_in.err.splitlines())) == (1, 1)
    assert "demands `read:dta`" in filled_in.err


def test_a_todo_is_never_written_over(program: Program, write: Write) -> None:
    """It may have been filled in."""
    Path(TODO).write_text("mine")
    ran = program("routes", write(HEAD + FORGETFUL), "--write-todo", TODO)
    assert (ran, Path(TODO).read_text()) == ((2, "", f"policy: `{TODO}`: file exists\n"), "mine")


def test_nothing_is_written_where_nothing_is_to_be_done(program: Program, write: Write) -> None:
    """An empty list of declarations helps nobody."""
    ran = program("routes", write(HEAD + SOUND), "--write-todo", TODO)
    assert (ran.status, ran.err) == (0, "policy: every route is declared: there is nothing to write\n")
    assert not Path(TODO).exists()


def test_a_todo_for_an_application_without_an_authorizer(program: Program, write: Write) -> None:
    """Eighty routes can be taken up before there is anything else."""
    text = """
from flask import Flask

app = Flask("shop", static_folder=None)
for number in range(80):
    app.add_url_rule(f"/{number}", f"view{number}", lambda: "x")
"""
    ran = program("routes", write(text), "--write-todo", TODO)
    assert (ran.status, ran.err) == (1, f"policy: written: {TODO}: 80 endpoints to declare\n")
    assert ran.out.splitlines()[-1] == "shop: 81 problems; 80 routes: 80 undeclared"
    assert Path(TODO).read_text().count("# authz.declare") == 80


def test_a_method_that_is_declared_already_is_told_beside_those_that_are_not(program: Program, write: Write) -> None:
    """A declaration by endpoint adds to what the others demand."""
    text = """
from flask.views import MethodView


class Item(MethodView):
    @requires("read:data")
    def get(self):
        return "x"

    def post(self):
        return "x"


app.add_url_rule("/items", view_func=Item.as_view("item"))
"""
    program("routes", write(HEAD + text), "--write-todo", TODO)
    assert Path(TODO).read_text().splitlines()[-3:] == [
        "    # TODO POST /items  (shop_of_routes.py:17)",
        '    #      GET /items demands requires("read:data"), and would demand this as well',
        '    # authz.declare("item", requires("..."))',
    ]


def test_a_hostile_endpoint_stays_within_its_comment(program: Program, write: Write) -> None:
    """A line break in a name must not become a line of the program."""
    hostile = "\\nraise SystemExit\\n\\u2028\\x0c"
    text = f'app.add_url_rule("/x{hostile}", endpoint="x{hostile}", view_func=lambda: "x")\n'
    program("routes", write(HEAD + text), "--write-todo", TODO)
    lines = Path(TODO).read_text().partition('public(reason="...")`."""\n')[2].splitlines()
    assert all(not line or line.startswith("    # ") for line in lines)
    assert lines[-1] == '    # authz.declare("x\\nraise SystemExit\\n\\u2028\\f", requires("..."))'


def document(**paths: object) -> str:
    Path("api.json").write_text(json.dumps({"openapi": "3.1.0", "paths": {f"/{path}": paths[path] for path in paths}}))
    return "api.json"


def test_a_document_that_agrees_is_status_0(program: Program, write: Write) -> None:
    """What `--openapi` prints without `--check` agrees with the marks."""
    given = document(data={"get": {"summary": "Read"}})
    merged = program("routes", write(HEAD + SOUND), "--openapi", given, "--output", "merged.json")
    assert merged == (0, "written: merged.json\n", "")
    found = json.loads(Path("merged.json").read_text())
    assert found["paths"]["/data"]["get"]["security"] == READ
    found["paths"]["/data/{id}"] = {"put": {"security": [{"bearer": ["update:data", "read:data"]}]}}
    Path("merged.json").write_text(json.dumps(found))
    ran = program("routes", "shop_of_routes", "--openapi", "merged.json", "--check")
    assert ran == (0, "document and marks agree\n", "")


def test_drift_is_status_1(program: Program, write: Write) -> None:
    """Each difference is a line, and the last says how many there are."""
    given = document(data={"get": {}, "post": {}})
    assert program("routes", write(HEAD + SOUND), "--openapi", given, "--check") == (
        1,
        "GET /data: the document asks for nothing; the marks ask for `read:data`\n"
        "POST /data: the document has it, and no route answers it\n"
        "PUT /data/{id}: the document does not have it; the marks ask for `read:data` and `update:data`\n"
        "3 differences\n",
        "",
    )


def test_what_cannot_be_compared_is_status_2(program: Program, write: Write) -> None:
    """No document, none that is JSON, and none of OpenAPI."""
    name = write(HEAD + SOUND)
    assert program("routes", name, "--check") == (
        2, "", "policy: --check compares with a document: give it with --openapi FILE\n"
    )  # fmt: skip
    for text, fault in (
        ("{", "`bad.json` is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("[]", "`bad.json` is no OpenAPI document: it is not an object"),
        ("{}", 'the document is neither `"swagger": "2.0"` nor `"openapi": "3..."`'),
    ):
        Path("bad.json").write_text(text)
        assert program("routes", name, "--openapi", "bad.json", "--check") == (2, "", f"policy: {fault}\n")
