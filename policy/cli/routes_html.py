"""Routes as one page that needs nothing else: no network, and no script but its own."""

from html import escape
from typing import TYPE_CHECKING, Final

from policy.cli.page import page
from policy.cli.routes_text import HEADINGS, counts, demands, reach
from policy.cli.style import clean

if TYPE_CHECKING:
    from policy.flask.listing import Listed, Listing

STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; color: #1b1b1b; background: #fff; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem; border-bottom: 1px solid #ddd; }
td { font-family: ui-monospace, monospace; font-size: 13px; overflow-wrap: anywhere; }
td:nth-child(2), td:last-child { white-space: nowrap; }
tr.wrong td { background: #fdecea; }
.problems { color: #8f1d14; }
input { font: inherit; padding: .3rem .6rem; width: 20rem; max-width: 100%; }
@media (prefers-color-scheme: dark) {
  body { color: #e6e6e6; background: #161616; }
  th, td { border-color: #3a3a3a; }
  tr.wrong td { background: #45201d; }
  .problems { color: #ff9d94; }
}
"""
SCRIPT: Final = """
const find = document.getElementById("find");
const rows = [...document.querySelectorAll("tbody tr")];
const shown = document.getElementById("shown");
find.addEventListener("input", () => {
  const words = find.value.toLowerCase().split(/\\s+/);
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
  }
  shown.textContent = rows.filter((row) => !row.hidden).length + " shown";
});
document.getElementById("search").hidden = false;
"""
BODY: Final = """\
<h1>Routes of {application}</h1>
<p>{counts}{digest}</p>
{problems}<p id="search" hidden><label>Search <input type="search" id="find" autocomplete="off"></label> \
<output id="shown"></output></p>
<table>
<thead>
<tr>{headings}</tr>
</thead>
<tbody>
{rows}
</tbody>
</table>
"""


def as_html(listing: "Listing") -> str:
    """The page, in ASCII alone: other characters are written as references."""
    body = BODY.format(
        application=_text(listing.application),
        counts=counts(listing),
        digest=f"; policy <code>{_text(listing.digest[:12])}</code>" if listing.digest else "",
        problems=_problems(listing),
        headings="".join(f'<th scope="col">{heading.capitalize()}</th>' for heading in HEADINGS),
        rows="\n".join(map(_row, listing.routes)),
    )
    return page(f"Routes of {_text(listing.application)}", body, style=STYLE, script=SCRIPT)


def _text(text: str) -> str:
    return escape(clean(text), quote=True)


def _problems(listing: "Listing") -> str:
    items = "\n".join(f"<li>{_text(str(problem))}</li>" for problem in listing.everything_wrong)
    return f'<ul class="problems">\n{items}\n</ul>\n' if items else ""


def _row(one: "Listed") -> str:
    cells = (one.method, one.rule, demands(one), reach(one.roles), reach(one.scopes), one.place)
    wrong = ' class="wrong"' if one.problems else ""
    return f"<tr{wrong}>{''.join(f'<td>{_text(cell)}</td>' for cell in cells)}</tr>"
