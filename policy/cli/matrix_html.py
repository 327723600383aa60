"""The matrix as one page that needs nothing else: no network, and no script but its own."""

from collections.abc import Iterator
from html import escape
from importlib.resources import files
from typing import Final

from policy.analysis import Cell, Column, How, Matrix, Row
from policy.cli.matrix_words import WORDS, detail
from policy.cli.page import page
from policy.cli.reporters import plural
from policy.document.wording import printable

BODY: Final = """\
<header>
<h1>Permission matrix</h1>
<p class="about">{counts} <span class="digest">policy <code title="{digest}">{short}</code></span></p>
<div class="tools" id="tools" hidden>
<label>Roles <input type="search" id="find-role" placeholder="all" autocomplete="off"></label>
<label>Permissions <input type="search" id="find-permission" placeholder="all" autocomplete="off"></label>
<label class="check"><input type="checkbox" id="compact"> Hide empty rows and columns</label>
<button type="button" id="reset">Reset</button>
<output id="shown"></output>
</div>
<ul class="legend" aria-label="Legend">
{legend}
</ul>
</header>
<main id="frame" tabindex="0" role="region" aria-labelledby="caption">
<table id="matrix">
<caption id="caption">What each role alone gives, and how</caption>
<thead>
<tr><th scope="col" class="corner">{role}</th><th scope="col" class="count">{granted}</th>{columns}</tr>
</thead>
<tbody>
{rows}
</tbody>
</table>
</main>
<footer><p id="detail">{hint}</p></footer>
"""
STEP_UP: Final = "asks for a stronger or more recent login"
HINT: Final = "Scopes, tenants and roles that must not be held together may still refuse what is granted here."


def as_html(matrix: Matrix) -> str:
    """The page, in ASCII alone: other characters are written as references."""
    body = BODY.format(
        counts=f"{plural(len(matrix.roles), 'role')}, {plural(len(matrix.permissions), 'permission')}",
        digest=matrix.digest,
        short=matrix.digest[:12],
        legend="\n".join(_legend(matrix)),
        role=_button("Role"),
        granted=_button("Granted"),
        columns="".join(map(_column, matrix.permissions)),
        rows="\n".join(_row(matrix, role) for role in matrix.roles),
        hint=HINT,
    )
    return page("Permission matrix", body, style=_part("matrix.css"), script=_part("matrix.js"))


def _part(name: str) -> str:
    return files("policy").joinpath("cli", name).read_text("ascii")


def _text(text: str) -> str:
    return escape(printable(text), quote=True)


def _legend(matrix: Matrix) -> Iterator[str]:
    for how, words in WORDS.items():
        yield f'<li><span class="cell {how}" aria-hidden="true"></span>{words}</li>'
    if any(permission.step_up for permission in matrix.permissions):
        yield f'<li><span class="cell step-up" aria-hidden="true"></span>{STEP_UP}</li>'


def _button(text: str) -> str:
    return f'<button type="button"><span>{_text(text)}</span></button>'


def _column(permission: Column) -> str:
    marks = ' class="step-up"' if permission.step_up else ""
    about = [permission.name, permission.description, STEP_UP if permission.step_up else ""]
    return f'<th scope="col"{marks} title="{_text(_joined(about))}">{_button(permission.name)}</th>'


def _joined(parts: list[str]) -> str:
    return "; ".join(part for part in parts if part)


def _row(matrix: Matrix, role: Row) -> str:
    cells = matrix.row(role.name)
    inherits = "inherits " + ", ".join(role.inherits) if role.inherits else ""
    about = _text(_joined([role.name, role.description, inherits]))
    granted = sum(cell.granted for cell in cells)
    head = f'<th scope="row" title="{about}">{_button(role.name)}</th><td class="count">{granted}</td>'
    return f"<tr>{head}{''.join(map(_cell, cells))}</tr>"


def _cell(cell: Cell) -> str:
    if cell.how is How.NONE:
        return "<td></td>"
    return f'<td class="{cell.how}" title="{_text(detail(cell))}">{cell.how}</td>'
