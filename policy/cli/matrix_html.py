"""The matrix as one page that needs nothing else: no network, and no script but its own."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from typing import Final

from policy.analysis import Cell, Column, How, Matrix, Row
from policy.cli.matrix_words import WORDS, detail
from policy.cli.reporters import plural
from policy.document.wording import printable

#: Only this style and this script are ever applied, whatever stands in a name.
CONTENT: Final = "default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"

PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{content}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Permission matrix</title>
<style>{style}</style>
</head>
<body>
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
<script>{script}</script>
</body>
</html>
"""
STEP_UP: Final = "asks for a stronger or more recent login"
HINT: Final = "Scopes, tenants and roles that must not be held together may still refuse what is granted here."


def as_html(matrix: Matrix) -> str:
    """The page, in ASCII alone: other characters are written as references."""
    style, script = _part("matrix.css"), _part("matrix.js")
    page = PAGE.format(
        content=CONTENT.format(style=_hash(style), script=_hash(script)),
        style=style,
        script=script,
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
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _part(name: str) -> str:
    return files("policy").joinpath("cli", name).read_text("ascii")


def _hash(text: str) -> str:
    """A source expression of Content Security Policy Level 3, section 2.3.1."""
    return "sha256-" + b64encode(hashlib.sha256(text.encode("ascii")).digest()).decode("ascii")


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
