"""`policy matrix` in all its formats."""

import csv
import hashlib
import io
import json
import re
import string
import sys
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.analysis import Cell, Column, How, Matrix, Row
from policy.cli.matrix import as_csv, as_json
from policy.cli.matrix_html import as_html
from policy.cli.matrix_text import as_text, plain
from tests.cli.conftest import Program

DOCUMENT: dict[str, Any] = {
    "permissions": {
        "read:data": "Read records",
        "update:data": "Change a record",
        "delete:data": {"description": "Remove a record", "step_up": {"acr": ["mfa"]}},
        "read:news": "",
    },
    "roles": {
        "viewer": {"grants": ["read:data"]},
        "senior editor": {"description": "Signs off", "inherits": ["viewer"], "grants": ["*:data"]},
        "head of <R&D>": {"inherits": ["senior editor"]},
        "trainee": {},
    },
    "rules": [
        {"id": "news", "effect": "allow", "permissions": ["read:news"], "roles": ["viewer"]},
        {"id": "hands-off", "effect": "deny", "permissions": ["delete:*"], "roles": ["trainee", "head of <R&D>"]},
    ],
}
TEXT = """\
4 roles, 4 permissions
+ granted by name   * granted by a pattern   ^ inherited   r by an allow rule   x denied by a rule   . nothing
! asks for a stronger or more recent login

               read:data
               | update:data
               | | delete:data !
               | | | read:news
viewer         + . . r
senior editor  * * * r
head of <R&D>  ^ ^ x r
trainee        . . x .
"""
CSV = """\
role,read:data,update:data,delete:data,read:news
viewer,direct,,,rule
senior editor,pattern,pattern,pattern,rule
head of <R&D>,inherited,inherited,denied,rule
trainee,,,denied,
"""
TABLE = """\
<table id="matrix">
<caption id="caption">What each role alone gives, and how</caption>
<thead>
<tr><th scope="col" class="corner">[Role]</th><th scope="col" class="count">[Granted]</th>\
<th scope="col" title="read:data; Read records">[read:data]</th>\
<th scope="col" title="update:data; Change a record">[update:data]</th>\
<th scope="col" class="step-up" title="delete:data; Remove a record; asks for a stronger or more recent login">\
[delete:data]</th>\
<th scope="col" title="read:news">[read:news]</th></tr>
</thead>
<tbody>
<tr><th scope="row" title="viewer">[viewer]</th><td class="count">2</td>\
<td class="direct" title="granted by `read:data`">direct</td><td></td><td></td>\
<td class="rule" title="allowed by rule `news`">rule</td></tr>
<tr><th scope="row" title="senior editor; Signs off; inherits viewer">[senior editor]</th><td class="count">4</td>\
<td class="pattern" title="granted by pattern `*:data`">pattern</td>\
<td class="pattern" title="granted by pattern `*:data`">pattern</td>\
<td class="pattern" title="granted by pattern `*:data`">pattern</td>\
<td class="rule" title="allowed by rule `news`">rule</td></tr>
<tr><th scope="row" title="head of &lt;R&amp;D&gt;; inherits senior editor">[head of &lt;R&amp;D&gt;]</th>\
<td class="count">3</td>\
<td class="inherited" title="inherited from `senior editor`, which grants `*:data`">inherited</td>\
<td class="inherited" title="inherited from `senior editor`, which grants `*:data`">inherited</td>\
<td class="denied" title="denied by rule `hands-off`; otherwise inherited from `senior editor`, which grants `*:data`">\
denied</td>\
<td class="rule" title="allowed by rule `news`">rule</td></tr>
<tr><th scope="row" title="trainee">[trainee]</th><td class="count">0</td>\
<td></td><td></td><td class="denied" title="denied by rule `hands-off`">denied</td><td></td></tr>
</tbody>
</table>"""
BUTTON: Final = re.compile(r'<button type="button"><span>(.*?)</span></button>')


@pytest.fixture(autouse=True)
def _policies(here: Path) -> None:
    Path("policies").mkdir()
    Path("policies/policy.json").write_text(json.dumps(DOCUMENT))


def test_text_is_the_default_and_every_way_has_its_own_character(program: Program) -> None:
    """Names stand above their columns; nothing depends on colour."""
    assert program("matrix") == (0, TEXT, "")
    assert program("matrix", "policies/policy.json", "--format", "text") == (0, TEXT, "")


def test_colour_is_for_terminals(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Colour changes nothing but the colour, and a file never has any."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    shown = program("matrix").out
    assert "trainee        \x1b[2m.\x1b[0m \x1b[2m.\x1b[0m \x1b[31mx\x1b[0m \x1b[2m.\x1b[0m\n" in shown
    assert re.sub(r"\x1b\[\d*m", "", shown) == TEXT
    assert program("matrix", "--output", "matrix.txt") == (0, "written: matrix.txt\n", "")
    assert Path("matrix.txt").read_text() == TEXT


def test_csv_has_a_word_in_each_cell(program: Program) -> None:
    """Roles are lines, permissions are columns, and nothing is empty text."""
    assert program("matrix", "--format", "csv") == (0, CSV, "")


def test_json_has_what_there_is_to_say(program: Program) -> None:
    """Cells are found by role and permission; those without anything are left out."""
    ran = program("matrix", "--format", "json")
    found = json.loads(ran.out)
    assert (ran.status, ran.err, len(found["policy"]), list(found)) == (
        0, "", 64, ["policy", "roles", "permissions", "cells"],
    )  # fmt: skip
    assert found["roles"][1] == {"name": "senior editor", "description": "Signs off", "inherits": ["viewer"]}
    assert found["permissions"][2] == {"name": "delete:data", "description": "Remove a record", "step_up": True}
    assert found["cells"]["trainee"] == {
        "delete:data": {
            "how": "denied", "granted": False, "source": "none", "via": "", "by": "", "denied_by": ["hands-off"],
        },
    }  # fmt: skip
    assert found["cells"]["head of <R&D>"]["update:data"] == {
        "how": "inherited", "granted": True, "source": "inherited", "via": "senior editor", "by": "*:data",
        "denied_by": [],
    }  # fmt: skip


def test_the_page_has_one_table_that_reads_without_script(program: Program) -> None:
    """Each cell says its word, and how it came about; names are escaped wherever they stand."""
    page = program("matrix", "--format", "html").out
    table = page[page.index("<table") : page.index("</table>") + len("</table>")]
    assert BUTTON.sub(r"[\1]", table) == TABLE


def test_the_page_needs_nothing_else_and_lets_nothing_else_in(program: Program) -> None:
    """Only its own style and script apply, by their digests, and nothing is fetched from anywhere."""
    program("matrix", "--format", "html", "--output", "matrix.html")
    page = Path("matrix.html").read_text("ascii")
    parts = {tag: re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL) for tag in ("style", "script")}
    assert {tag: len(found) for tag, found in parts.items()} == {"style": 1, "script": 1}
    hashes = {tag: b64encode(hashlib.sha256(found[0].encode()).digest()).decode() for tag, found in parts.items()}
    assert f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}';" in page
    assert not re.search(r"https?:|//[a-z]|url\(|@import|\bsrc=|<link|<img|\son[a-z]+=|\sstyle=|fetch|XMLHttp", page)


def test_the_legend_names_every_way_and_the_policy(program: Program) -> None:
    """A reader of the page alone knows what the signs mean and which policy they are of."""
    page = program("matrix", "--format", "html").out
    legend = re.findall(r'<li><span class="cell ([\w-]+)" aria-hidden="true"></span>(.*?)</li>', page)
    assert legend == [
        ("direct", "granted by name"), ("pattern", "granted by a pattern"), ("inherited", "inherited"),
        ("rule", "by an allow rule"), ("denied", "denied by a rule"), ("none", "nothing"),
        ("step-up", "asks for a stronger or more recent login"),
    ]  # fmt: skip
    assert '<p class="about">4 roles, 4 permissions <span class="digest">policy <code title="' in page


def test_what_does_not_load_or_cannot_be_written_is_status_2(program: Program) -> None:
    """The reason is one line, and nothing is written."""
    assert program("matrix", "nowhere") == (2, "", "policy: nowhere: there is no such file or folder\n")
    ran = program("matrix", "--output", "no/such/folder.txt")
    assert (ran.status, ran.out, ran.err) == (2, "", "policy: `no/such/folder.txt`: no such file or directory\n")


def test_the_help_says_what_happens_to_formulas(program: Program) -> None:
    """Who compares names in a spreadsheet must know of the apostrophe."""
    words = " ".join(program("matrix", "--help").out.split())
    assert "in CSV a name that begins with one of = + - @ gets a ' before it" in words


def matrix(roles: list[str], permissions: list[str], step_up: bool = False, description: str = "") -> Matrix:
    """Every role has every permission by the same name."""
    cells = {role: {name: Cell(How.DIRECT, role, name) for name in permissions} for role in roles}
    return Matrix(
        digest="0" * 64,
        roles=tuple(Row(role, description, ()) for role in roles),
        permissions=tuple(Column(name, description, step_up) for name in permissions),
        cells=cells,
    )


@pytest.mark.parametrize("name", ["=SUM(A1)", "+1", "-x", "@cmd"])
def test_no_cell_of_the_csv_is_a_formula(name: str) -> None:
    """In a role's place or in a permission's."""
    rows = list(csv.reader(io.StringIO(as_csv(matrix([name, 'a "b"'], [name])))))
    assert rows == [["role", f"'{name}"], [f"'{name}", "direct"], ['a "b"', "direct"]]


def test_many_columns_come_in_blocks_that_repeat_the_roles() -> None:
    """Thirty stand beside each other, the rest below them."""
    lines = as_text(matrix(["r"], [f"p{place}" for place in range(31)]), plain).splitlines()
    assert lines[3] == "   p0"
    assert lines[32:] == [f"   {'| ' * 29}p29", f"r  {'+ ' * 29}+", "", "   p30", "r  +"]


def test_a_policy_without_roles_is_columns_alone() -> None:
    """No format stumbles over an empty matrix."""
    empty = matrix([], ["read:data"])
    assert as_text(empty, plain).splitlines()[0] == "0 roles, 1 permission"
    assert as_csv(empty) == "role,read:data\n"
    assert json.loads(as_json(empty))["cells"] == {}
    assert "<tbody>\n\n</tbody>" in as_html(empty)


class Names(HTMLParser):
    """What a browser would show as names, and all tags it would see."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.titles: list[str] = []
        self.names: list[str] = []
        self._in_name = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._in_name = tag == "span" and self.get_starttag_text() == "<span>"
        self.names += [""] if self._in_name else []
        self.titles += [value or "" for name, value in attrs if name == "title" and tag == "th"]

    def handle_data(self, data: str) -> None:
        if self._in_name:
            self.names[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._in_name = False


PRINTABLE = "".join(each for each in string.printable if each.isprintable() and each != ",")
TAGS = Names(as_html(matrix(["r"], ["p"], step_up=True))).tags


@given(
    roles=st.lists(st.text(PRINTABLE, min_size=1, max_size=20), min_size=1, max_size=3, unique=True),
    description=st.text(max_size=20),
)
@settings(max_examples=150, deadline=None)
def test_no_name_or_description_becomes_markup(roles: list[str], description: str) -> None:
    """Whatever they are made of, a browser reads back the names, and sees no tag that the page does not have."""
    page = as_html(matrix(roles, ["p"], description=description))
    found = Names(page)
    assert found.names == ["Role", "Granted", "p", *roles]
    assert found.tags == TAGS
    assert page.isascii()


@pytest.mark.parametrize(
    "name", ["</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a & b &amp; c", "' onclick='x"]
)
def test_a_hostile_name_is_shown_as_it_is(name: str) -> None:
    """In the title as well as in the cell."""
    found = Names(as_html(matrix([name], ["p"], description=name)))
    assert (found.names[-1], found.titles[-1], found.tags) == (name, f"{name}; {name}", TAGS)
