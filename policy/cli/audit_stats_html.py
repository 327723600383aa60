"""Statistics of a log as one page that needs nothing else: no network, no script; charts with their numbers beside."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Final

from policy.cli.audit_charts import ranking, stacked, text
from policy.cli.page import page
from policy.review.periods import Periods, in_words
from policy.review.statistics import OUTCOMES, Row, Statistics

#: What the legend says of each outcome.
MEANINGS: Final = {
    "allowed": "the policy allows it",
    "denied": "the policy denies it",
    "refused": "the token is missing or not accepted",
    "surplus": "refused too, and only counted",
    "fault": "the application is not in order",
}
_AGAINST: Final = OUTCOMES[1:]
#: The shades of the heat table.
_SHADES: Final = 6
_REASONS_AT_MOST: Final = 8
BODY: Final = """\
<header>
<h1>Decisions in the log</h1>
<p>{about}</p>
</header>
<main>
<section aria-labelledby="totals"><h2 id="totals">In all</h2>
<dl class="totals">{totals}</dl>{notes}
</section>
<section aria-labelledby="time"><h2 id="time">Over time</h2>
<ul class="legend">{legend}</ul>
<h3>All answers</h3>
<div class="wide">{all_time}</div>
<h3>Not allowed</h3>
<div class="wide">{against_time}</div>
<details><summary>The same as numbers</summary>{time_table}</details>
</section>
<section aria-labelledby="reasons"><h2 id="reasons">Why not</h2>
<div class="pair">{reasons}</div>
</section>
<section aria-labelledby="heat"><h2 id="heat">Where, and why</h2>
{heat}
</section>
<section aria-labelledby="permissions"><h2 id="permissions">Which permissions</h2>
<div class="pair">{permissions}</div>
</section>
<section aria-labelledby="subjects"><h2 id="subjects">Who was denied most often</h2>
{subjects}
</section>
<section aria-labelledby="clients"><h2 id="clients">Through which clients</h2>
{clients}
</section>
</main>
"""


def as_html(found: Statistics, log: str, time: Periods, most: int) -> str:
    """The page, in ASCII alone: other characters are written as references."""
    against = [row for row in found.rows["permission"] if row.against]
    body = BODY.format(
        about=_about(found, log),
        totals="".join(_total(each, found.totals[each]) for each in OUTCOMES),
        notes=_notes(found),
        legend="".join(_legend(each) for each in OUTCOMES if found.totals[each]),
        all_time=stacked(time, OUTCOMES, name="all", title="All answers over time", height=220),
        against_time=stacked(time, _AGAINST, name="against", title="What was not allowed over time", height=180),
        time_table=_time_table(time),
        reasons=_ranked("reason", "Reasons", found.rows["reason"]),
        heat=_heat(found, most),
        permissions=_ranked("permission", "Permissions", against),
        subjects=_worst("Subject", found.rows.get("subject", ())),
        clients=_worst("Client", found.rows.get("client", ())),
    )
    style = files("policy").joinpath("cli", "audit_stats.css").read_text("ascii")
    return page("Decisions in the log", body, style=style, script="")


def _about(found: Statistics, log: str) -> str:
    if not found.last:
        return f"<code>{text(log)}</code>: there is no record in this time."
    return f"<code>{text(log)}</code>, from {_minute(found.first)} to {_minute(found.last)}"


def _minute(time: str) -> str:
    return f'<time datetime="{text(time)}">{text(time[:16].replace("T", " "))} UTC</time>'


def _total(name: str, count: int) -> str:
    return f'<div class="{name}"><dt>{name}</dt><dd>{count:,}</dd></div>'


def _notes(found: Statistics) -> str:
    notes = []
    if found.probes:
        notes.append(f"Probes (authz.can), which ask and refuse nobody, are not counted: {found.probes:,}.")
    if found.lost:
        notes.append(f"Decisions that have no record, as the log itself tells: {found.lost:,}.")
    if found.unread:
        notes.append(f"Lines that are no records of version 2 are not counted: {found.unread:,}.")
    return "".join(f'<p class="note">{note}</p>' for note in notes)


def _legend(name: str) -> str:
    return f'<li><span class="key {name}" aria-hidden="true"></span>{name}: {MEANINGS[name]}</li>'


def _time_table(time: Periods) -> str:
    head = "".join(f'<th scope="col" class="number">{each}</th>' for each in OUTCOMES)
    rows = "".join(f'<tr><th scope="row">{part.time}</th>{_numbers(part.counts, OUTCOMES)}</tr>' for part in time.parts)
    caption = f"Answers in each {in_words(time.seconds)}"
    return _table(caption, f'<th scope="col">From</th>{head}', rows)


def _numbers(counts: Mapping[str, int], outcomes: Sequence[str]) -> str:
    return "".join(f'<td class="number">{counts.get(each, 0):,}</td>' for each in outcomes)


def _table(caption: str, head: str, rows: str) -> str:
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _ranked(name: str, title: str, rows: Sequence[Row]) -> str:
    """A chart of what was not allowed, and its table."""
    if not rows:
        return "<p>Nothing was refused.</p>"
    bars = [(row.name, [(each, row.counts.get(each, 0)) for each in _AGAINST]) for row in rows]
    outcomes = [each for each in OUTCOMES if any(row.counts.get(each) for row in rows)]
    head = "".join(f'<th scope="col" class="number">{each}</th>' for each in outcomes)
    lines = "".join(f'<tr><th scope="row">{text(row.name)}</th>{_numbers(row.counts, outcomes)}</tr>' for row in rows)
    chart = ranking(bars, name=name, title=f"{title} by how often something was not allowed")
    table = _table(f"{title}, and how often each", f'<th scope="col">{title[:-1]}</th>{head}', lines)
    return f'<div class="chart">{chart}</div>{table}'


def _heat(found: Statistics, most: int) -> str:
    """Routes by reasons; the darker, the more, on a scale of powers."""
    routes = [row.name for row in found.rows["route"] if row.against][:most]
    reasons = [row.name for row in found.rows["reason"] if any((route, row.name) in found.cells for route in routes)]
    reasons = reasons[:_REASONS_AT_MOST]
    if not routes:
        return "<p>Nothing was refused.</p>"
    top = max((found.cells.get((route, reason), 0) for route in routes for reason in reasons), default=1)
    head = '<th scope="col">Route</th>' + "".join(
        f'<th scope="col" class="number">{text(each)}</th>' for each in reasons
    )
    rows = "".join(
        f'<tr><th scope="row">{text(route)}</th>'
        + "".join(_cell(found.cells.get((route, reason), 0), top) for reason in reasons)
        + "</tr>"
        for route in routes
    )
    return _table("What was not allowed, by route and reason", head, rows).replace("<table>", '<table class="heat">', 1)


def _cell(count: int, top: int) -> str:
    if not count:
        return '<td class="number none">0</td>'
    share = (count.bit_length() - 1) / max(1, top.bit_length() - 1)
    return f'<td class="number shade{1 + min(_SHADES - 1, int(share * _SHADES))}">{count:,}</td>'


def _worst(what: str, rows: Sequence[Row]) -> str:
    if not rows:
        return "<p>Nobody was denied anything.</p>"
    most = max(row.against for row in rows)
    lines = "".join(
        f'<tr><th scope="row">{text(row.name)}</th><td class="number">{row.against:,}</td>'
        f'<td class="meter">{_meter(row.against, most)}</td><td class="number">{row.counts.get("allowed", 0):,}</td>'
        f"<td>{_mostly(row)}</td></tr>"
        for row in rows
    )
    head = (
        f'<th scope="col">{what}</th><th scope="col" class="number">denied</th><td class="meter"></td>'
        '<th scope="col" class="number">allowed</th><th scope="col">mostly</th>'
    )
    return _table(f"{what}s that were denied most often", head, lines)


def _meter(value: int, most: int) -> str:
    return (
        '<svg viewBox="0 0 100 10" aria-hidden="true" preserveAspectRatio="none">'
        f'<rect class="denied" x="0" y="0" width="{value / most * 100:.1f}" height="10"/></svg>'
    )


def _mostly(row: Row) -> str:
    return "; ".join(f"{text(cause)} &#215;{count:,}" for cause, count in row.causes[:2])
