"""`policy routes` lists every route of an application, and compares it with an OpenAPI document."""

import json
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.cli.applications import FORGETFUL, HEAD, SOUND
from tests.cli.conftest import Program, Write

MEND = 'add `@requires("...")`, `@authenticated` or `@public(reason="...")` below its route, or `authz.declare'
NOBODY = "nothing says who may call view"


def test_a_sound_application_is_listed(program: Program, write: Write) -> None:
    """Columns, a line that sums up, and status 0."""
    assert program("routes", write(HEAD + SOUND)) == (
        0,
        "METHOD  RULE            DEMANDS                                      "
        "ROLES                  SCOPES                                         PLACE\n"
        'GET     /data           requires("read:data")                        '
        "senior editor, viewer  data.full, read:data                           shop_of_routes.py:8\n"
        'PUT     /data/<int:id>  requires("read:data", "update:data")         '
        "senior editor          data.full, read:data + data.full, update:data  shop_of_routes.py:14\n"
        'GET     /health         public(reason="asked by the load balancer")  '
        "-                      -                                              shop_of_routes.py:20\n"
        "\n"
        "shop: sound; 3 routes: 2 protected, 1 public\n",
        "",
    )


def test_what_is_wrong_is_marked_and_told_again_with_the_line_to_add(program: Program, write: Write) -> None:
    """Undeclared routes and other problems are status 1."""
    ran = program("routes", write(HEAD + FORGETFUL))
    assert (ran.status, ran.err) == (1, "")
    table, _, rest = ran.out.partition("\n\n")
    assert table.splitlines()[1:] == [
        "DELETE  /data              UNDECLARED            -      -       shop_of_routes.py:34",
        'GET     /data              requires("read:dta")  none   none    shop_of_routes.py:28',
        "GET     /docs/             UNDECLARED            -      -       shop_of_routes.py:11",
        "GET     /docs/<path:page>  UNDECLARED            -      -       shop_of_routes.py:16",
        "POST    /docs/<path:page>  UNDECLARED            -      -       shop_of_routes.py:16",
        "GET     /me                authenticated         any    any     shop_of_routes.py:22",
    ]
    assert rest == (
        f'shop_of_routes.py, DELETE /data, line 34: {NOBODY} `drop`; {MEND}("drop", requires("..."))`\n'
        "shop_of_routes.py, GET /data, line 28: view `read` demands `read:dta`, which the policy does not declare; "
        "did you mean `read:data`?\n"
        f'shop_of_routes.py, GET /docs/, line 11: {NOBODY} `index`; {MEND}("docs.index", requires("..."))`\n'
        f'shop_of_routes.py, GET /docs/<path:page>, line 16: {NOBODY} `page`; {MEND}("docs.page", requires("..."))`\n'
        f'shop_of_routes.py, POST /docs/<path:page>, line 16: {NOBODY} `page`; {MEND}("docs.page", requires("..."))`\n'
        "shop: 5 problems; 6 routes: 1 protected, 1 authenticated, 4 undeclared\n"
    )


def test_an_application_is_found_as_flask_finds_it(program: Program, write: Write) -> None:
    """By module, by name and by factory, with arguments."""
    name = write(f"{HEAD}{SOUND}\ndef make(name='x'):\n    return app\n")
    for given in (name, f"{name}:app", f"{name}:make", f"{name}:make('y')", f"{name}.py:app"):
        assert program("routes", given).status == 0
    assert program("routes", f"{name}:missing") == (
        2, "", "policy: Failed to find attribute 'missing' in 'shop_of_routes'.\n"
    )  # fmt: skip
    assert program("routes", "there.is.none") == (2, "", "policy: Could not import 'there.is.none'.\n")


def test_a_seal_that_does_not_hold_is_all_there_is_to_say(program: Program, write: Write) -> None:
    """The factory gave no application to list."""
    ran = program("routes", write(f"{HEAD}{FORGETFUL}authz.seal()\n"))
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (1, "", 5)
    assert ran.err.splitlines()[0].startswith("policy: shop_of_routes.py, ")


def test_an_application_that_raises_could_not_be_looked_at(program: Program, write: Write) -> None:
    """Its own mistake is told with its place, as status 2."""
    name = write(HEAD + "raise KeyError('DATABASE')\n")
    where = Path("shop_of_routes.py").absolute()
    assert program("routes", name) == (
        2, "", f"policy: `{name}` could not be made: {where}, line 8: KeyError: 'DATABASE'\n"
    )  # fmt: skip


def test_without_flask_it_says_what_to_install(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other commands do not need it."""
    monkeypatch.setitem(sys.modules, "policy.flask.listing", None)
    ran = program("routes", "shop_of_routes")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("policy: `policy routes` looks at a Flask application: ")


def test_json_is_one_document(program: Program, write: Write) -> None:
    """Everything that is known of each route, and the policy by its digest."""
    ran = program("routes", write(HEAD + SOUND), "--format", "json", "--output", "routes.json")
    assert ran == (0, "written: routes.json\n", "")
    found = json.loads(Path("routes.json").read_text())
    assert (found["application"], found["sound"], len(found["policy"]), len(found["routes"])) == ("shop", True, 64, 3)
    assert found["routes"][1] == {
        "method": "PUT", "rule": "/data/<int:id>", "endpoint": "update", "blueprint": "", "file": "shop_of_routes.py",
        "line": 14, "access": "protected", "demands": ['requires("read:data", "update:data")'],
        "permissions": ["read:data", "update:data"], "roles": [["senior editor"]],
        "scopes": [["data.full", "read:data"], ["data.full", "update:data"]], "problems": [],
    }  # fmt: skip


class Page(HTMLParser):
    """The cells of a page, its tags, and every address that it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.fetched += [value for name, value in attrs if name in ("src", "href", "action", "data")]

    def handle_data(self, data: str) -> None:
        self.texts += [data.strip()] if data.strip() else []


def test_the_page_fetches_nothing_and_escapes_everything(program: Program, write: Write) -> None:
    """One file, with what an application calls its routes as text."""
    hostile = '@app.get("/<id>/<path:rest>/&\\"\'", endpoint="<script>")\ndef view(id, rest):\n    return "x"\n'
    ran = program("routes", write(f"{HEAD}{SOUND}{hostile}"), "--format", "html")
    page = Page(ran.out)
    assert ran.status == 1
    assert (page.fetched, page.tags.count("script"), page.tags.count("tr")) == ([], 1, 5)
    assert "/<id>/<path:rest>/&\"'" in page.texts
    assert "4 routes: 2 protected, 1 public, 1 undeclared; policy" in page.texts
    assert ran.out.count('<tr class="wrong">') == 1
