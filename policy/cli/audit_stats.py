"""`policy audit stats`: who was refused what, by reason and over time."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from policy.cli.arguments import Commands, command, takes_json
from policy.cli.audit_reading import Reading, progress_over, reading_of, takes_reading
from policy.cli.audit_stats_html import as_html
from policy.cli.plots import Terminal, bar, heights, terminal
from policy.cli.style import complain, paint, say, say_columns, say_json
from policy.review.dimensions import DIMENSIONS
from policy.review.periods import Periods, in_words, periods
from policy.review.statistics import AT_ONCE, OUTCOMES, Row, Statistics, by_minute, measured, ranked

#: What is told where nobody says by what.
UNSAID: Final = ("reason", "route", "subject")
#: What the page has beside.
ON_THE_PAGE: Final = (*UNSAID, "permission", "client")
COLOURS: Final = {"allowed": "green", "denied": "red", "refused": "yellow", "surplus": "yellow", "fault": "red"}
SURPLUS: Final = "refused too, and only counted"
_FEW_HOURS: Final = 48
_COLUMNS_OF_THE_PAGE: Final = 96
_BAR: Final = 24
_NARROW: Final = 12


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "stats", run,
        summary="count what was allowed, denied and refused: by reason, over time, for whom",
        example="policy audit stats --since 7d --by route\npolicy audit stats --html page.html",
    )  # fmt: skip
    takes_reading(made)
    made.add_argument(
        "--by", choices=(*AT_ONCE, *DIMENSIONS), action="append", metavar="WHAT",
        help=f"only these rows; may be given again: {', '.join((*AT_ONCE, *DIMENSIONS))}",
    )  # fmt: skip
    made.add_argument("--most", type=_most, default=10, metavar="COUNT", help="how many rows of a kind (10)")
    made.add_argument("--html", type=Path, metavar="FILE", help="write a page with charts, which needs nothing else")
    takes_json(made)


def _most(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and int(text) > 0):
        raise argparse.ArgumentTypeError(f"`{text}` is not a number of rows between 1 and 9999")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Count and print; what was counted is no finding."""
    log = reading_of(args)
    asked = tuple(dict.fromkeys(args.by or (ON_THE_PAGE if args.html else UNSAID)))
    found = _measured(log, asked, args.most)
    if args.json:
        say_json({"log": args.log, "since": log.since or None, "until": log.until or None, **as_dict(found, asked)})
    elif args.html is None:
        _print(found, asked, args.most, terminal())
    if args.html is not None:
        args.html.write_text(as_html(found, args.log, _over_time(found, _COLUMNS_OF_THE_PAGE), args.most), "ascii")
        complain(f"wrote {args.html}")
    if found.unread:
        lines = "1 line is" if found.unread == 1 else f"{found.unread:,} lines are"
        complain(f"{args.log}: {lines} no record of version 2 and not counted")
    return 0


def _measured(log: Reading, asked: Iterable[str], most: int) -> Statistics:
    """As many questions as are needed: one for most of it, two more for each kind of which there may be very many."""
    window = {"since": log.since, "until": log.until}
    with progress_over(log, "counting") as progress:
        found = measured(log.engine, log.files, **window, progress=progress)
    rows = dict(found.rows)
    for by in (each for each in asked if each in DIMENSIONS):
        with progress_over(log, f"counting by {by}") as progress:
            rows[by] = ranked(log.engine, log.files, by, most=most, **window, progress=progress)
    short = len(periods(found.by_time, 10**9).parts) <= _FEW_HOURS
    by_time = by_minute(log.engine, log.files, **window) if short else found.by_time
    return replace(found, rows={by: each[:most] for by, each in rows.items()}, by_time=by_time)


def _over_time(found: Statistics, columns: int) -> Periods:
    return periods(found.by_time, columns)


def as_dict(found: Statistics, asked: Sequence[str]) -> dict[str, Any]:
    """What was counted as JSON values."""
    time = periods(found.by_time, _COLUMNS_OF_THE_PAGE)
    return {
        "first": found.first or None,
        "last": found.last or None,
        "totals": dict(found.totals),
        "probes": found.probes,
        "lost": found.lost,
        "unread": found.unread,
        "seconds_a_part": time.seconds,
        "over_time": [{"time": part.time, **_whole(part.counts)} for part in time.parts],
        "by": {by: [row.as_dict() for row in found.rows[by]] for by in asked},
    }


def _whole(counts: Mapping[str, int]) -> dict[str, int]:
    return {outcome: counts.get(outcome, 0) for outcome in OUTCOMES}


def _print(found: Statistics, asked: Iterable[str], most: int, screen: Terminal) -> None:
    if not found.last:
        say("There is no record in this time.")
        return
    say(f"{sum(found.totals.values()):,} answers, from {_minute(found.first)} to {_minute(found.last)}")
    say()
    _print_bars([(each, found.totals[each]) for each in OUTCOMES], screen, {"surplus": SURPLUS})
    if found.probes:
        probes = "1 probe" if found.probes == 1 else f"{found.probes:,} probes"
        say(f"Beside these, {probes} asked and refused nobody.")
    if found.lost:
        say(paint(f"The log tells of {found.lost:,} more decisions that have no record.", "red"))
    _print_over_time(found, screen)
    for by in asked:
        say()
        say(paint(f"by {by}", "bold"), "" if len(found.rows[by]) < most else f", the {most} most often not allowed")
        _print_rows(by, found.rows[by], screen)


def _minute(time: str) -> str:
    return f"{time[:16]}Z"


def _print_bars(counts: Sequence[tuple[str, int]], screen: Terminal, notes: Mapping[str, str]) -> None:
    most = max((count for _, count in counts), default=0)
    width = max(10, min(_BAR * 2, screen.width - 40))
    wide = max(len(f"{count:,}") for _, count in counts)
    for name, count in counts:
        drawn = paint(bar(count, most, width, blocks=screen.blocks), COLOURS[name])
        note = f"  ({notes[name]})" if count and name in notes else ""
        say(f"{name:<9}{count:>{wide},}  " if count else f"{name:<9}{count:>{wide},}", drawn, note)


def _print_over_time(found: Statistics, screen: Terminal) -> None:
    time = _over_time(found, screen.width - 24)
    if len(time.parts) < 2:
        return
    say()
    say(paint("over time", "bold"), f", each column {in_words(time.seconds)}")
    for name in (each for each in OUTCOMES if found.totals[each]):
        values = [part.counts.get(name, 0) for part in time.parts]
        plot = heights(values, max(values), blocks=screen.blocks)
        say(f"{name:<9}", paint(plot, COLOURS[name]), f"  at most {max(values):,}")
    first, last = time.parts[0].time, time.parts[-1].time
    gap = len(time.parts) - len(first) - len(last)
    say(" " * 9, f"{first}{' ' * gap}{last}" if gap > 0 else f"{first} to {last}")


def _print_rows(by: str, rows: Sequence[Row], screen: Terminal) -> None:
    if not rows:
        say("  none")
        return
    shown = [each for each in OUTCOMES if any(row.counts.get(each) for row in rows)]
    wide = {each: max(len(each), *(len(f"{row.counts.get(each, 0):,}") for row in rows)) for each in shown}
    left = screen.width - 4 - sum(size + 2 for size in wide.values())
    mostly = [""] * len(rows) if by == "reason" else [_mostly(row) for row in rows]
    name_wide = max(_NARROW, left - min(max(map(len, mostly)), left // 2))
    why_wide = left - min(name_wide, max(len(row.name) for row in rows))
    most = max(row.against for row in rows)
    table: list[list[str]] = [[by, *(each.rjust(wide[each]) for each in shown), "" if by == "reason" else "mostly"]]
    for row, cause in zip(rows, mostly, strict=True):
        cells = [f"{row.counts.get(each, 0):,}".rjust(wide[each]) for each in shown]
        drawn = paint(bar(row.against, most, min(_BAR, why_wide), blocks=screen.blocks), "red")
        table.append([_cut(row.name, name_wide), *cells, drawn if by == "reason" else _cut(cause, why_wide)])
    say_columns(table, indent=2)


def _mostly(row: Row) -> str:
    if not row.causes:
        return ""
    cause, count = row.causes[0]
    return f"{cause} x{count:,}"


def _cut(text: str, width: int) -> str:
    mark = "..."
    return text if len(text) <= width else text[: width - len(mark)] + mark
