"""`policy audit replay`: what would another policy have answered to all that was asked?"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from policy.cli.arguments import CannotRun, Commands, command, takes_json
from policy.cli.audit_reading import reading_of
from policy.cli.audit_window import takes_window
from policy.cli.progress import Progress
from policy.cli.style import Painted, paint, say, say_columns, say_json, verdict
from policy.engine import Policy
from policy.errors import PolicyError
from policy.review.grouping import ENGINES
from policy.review.recorded import Beside, Finder, Git, Given, Place
from policy.review.replay import Window, replay
from policy.review.tally import WAYS, WHY, Report, Sum, Way

_SHOWN: Final = 20
_COLOURS: Final = {"gained": "yellow", "lost": "red"}


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "replay", run,
        summary="decide a log again: prove what was decided, and tell what another policy would change",
        example="policy audit replay var/audit --policy next-policies/\n"
        "policy audit replay var/audit --policy policies/ --git . --path policies/",
    )  # fmt: skip
    made.add_argument(
        "log", metavar="LOG", nargs="?", default="var/audit", help="the log: a folder or a file (var/audit)"
    )
    made.add_argument("--policy", required=True, metavar="NEW", help="the policy to decide with: a folder or a file")
    made.add_argument("--recorded", metavar="PATH", help="the policy that decided the log, if it is kept elsewhere")
    made.add_argument("--git", metavar="REPOSITORY", help="look for the policies that decided the log in its commits")
    made.add_argument(
        "--path", default="policies/", metavar="PATH", help="where policies are in the repository (policies/)"
    )
    made.add_argument("--engine", choices=tuple(ENGINES), help="what reads the log (duckdb where it is installed)")
    takes_window(made)
    made.add_argument("--strict", action="store_true", help="what cannot be proved or told counts like a change")
    takes_json(made)


def run(args: argparse.Namespace) -> int:
    """Replay, and print the report."""
    new = _loaded(args.policy)
    places: list[Place] = [Given([new, *([_loaded(args.recorded)] if args.recorded else [])]), Beside(Path(args.log))]
    places += [Git(args.git, args.path)] if args.git else []
    found = reading_of(args)
    log = [file for file in found.files if not file.name.startswith("refused-")] or list(found.files)
    with Bar(log) as progress:
        window = Window(found.since, found.until)
        report = replay(log, new, Finder(places), found.engine, window=window, progress=progress)
    if not report.records:
        raise CannotRun(f"`{args.log}` has no record to decide{' in this time' if found.since or found.until else ''}")
    if report.records and not report.proved and not report.disagreements:
        raise CannotRun(_nothing_found(report))
    if args.json:
        say_json(report.as_dict())
    else:
        _print(report)
    return 1 if not report.is_quiet or (args.strict and not report.is_complete) else 0


def _loaded(path: str) -> Policy:
    try:
        return Policy.load(path)
    except PolicyError as error:
        raise CannotRun(f"the policy at `{path}` does not load: {error.problems[0]}") from error


def _nothing_found(report: Report) -> str:
    digests = ", ".join(f"`{digest[:12]}`" for digest in sorted(report.unproved))
    return (
        f"the policies that decided this log ({digests}) are not beside it; "
        "give one with `--recorded`, or the repository that has them with `--git`"
    )


class Bar:
    """A bar for each time that the log is read; called with the part that is done."""

    def __init__(self, log: Iterable[Path], clock: Callable[[], float] = time.monotonic) -> None:
        self._bytes = sum(file.stat().st_size for file in log if file.exists())
        self._clock = clock
        self._bar = Progress(self._bytes, what="replay", clock=clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.clear()

    def __call__(self, part: float) -> None:
        """So much of the log is read; less than before means that it is read again."""
        done = int(part * self._bytes)
        if done < self._bar.done:
            self._bar.clear()
            self._bar = Progress(self._bytes, what="count subjects", clock=self._clock)
        self._bar(done - self._bar.done)


def _print(report: Report) -> None:
    say(_verdict(report))
    say_columns(list(_sums(report)), indent=2)
    _print_changes(report)
    _print_counts("by role", report.roles)
    _print_counts("by route", report.routes)
    _print_examples(report)
    _print_apart(report)


def _verdict(report: Report) -> Painted:
    if report.disagreements:
        return verdict("the recorded policies do not give what was recorded", good=False)
    if report.changed:
        return verdict(f"{_amount(report.changed)} would be answered otherwise", good=False)
    if report.undetermined:
        told = f"no change is certain, and of {_amount(report.undetermined)} it cannot be told"
        return verdict(f"{told}; `--strict` stops on that", good=False)
    return verdict("nothing changes", good=True)


def _sums(report: Report) -> Iterator[tuple[str, str]]:
    yield "records", f"{report.records:,}"
    yield "decided again as recorded", f"{report.proved:,}"
    yield "changed", f"{report.changed:,}"
    if report.disagreements:
        yield "not as recorded", f"{report.disagreements:,}"
    if report.unproved:
        yield "policy not found", f"{sum(each.records for each in report.unproved.values()):,}"
    if report.undetermined:
        yield "undetermined", f"{report.undetermined:,}"
    for word, count in sorted((+report.skipped).items()):
        yield f"lines {word}", f"{count:,}"


def _print_changes(report: Report) -> None:
    if report.changes:
        rows = [
            (name or "(the whole answer)", way, _amount(change.records), _amount(len(change.seen), "subject"))
            for (name, way), change in sorted(report.changes.items())
        ]
        _print_table("by permission", [(row[0], paint(row[1], _COLOURS[row[1]]), *row[2:]) for row in rows])


def _print_counts(title: str, counted: Mapping[str, Counter[Way]]) -> None:
    rows = [
        (name or "(no route)", *(f"{counts[way]:,} {way}" if counts[way] else "" for way in WAYS))
        for name, counts in sorted(counted.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    ]
    _print_table(title, rows)


def _print_examples(report: Report) -> None:
    rows = [
        (each.record, each.subject or "-", name or "(the whole answer)", paint(way, _COLOURS[way]))
        for (name, way), change in sorted(report.changes.items())
        for each in change.examples
    ]
    _print_table("examples", rows)


def _print_table(title: str, rows: Sequence[Sequence[str]]) -> None:
    if rows:
        say()
        say(paint(title, "bold"))
        say_columns(rows[:_SHOWN], indent=2)
        if len(rows) > _SHOWN:
            say(f"  … and {len(rows) - _SHOWN:,} more; `--json` has all of them")


def _print_apart(report: Report) -> None:
    disagreeing = [
        (each.permission or "(the whole answer)", f"recorded {each.recorded}", f"decided {each.derived}", *_told(found))
        for each, found in sorted(report.disagreeing.items())
    ]
    _print_table("not as recorded", disagreeing)
    unproved = [(digest[:12], *_told(found)) for digest, found in sorted(report.unproved.items())]
    _print_table("policy not found", unproved)
    _print_table("undetermined", [(WHY[cause], *_told(found)) for cause, found in sorted(report.causes.items())])
    for note in report.notes:
        say()
        say(note)


def _told(found: Sum) -> tuple[str, str]:
    return _amount(found.records), f"such as {found.example}"


def _amount(count: int, word: str = "record") -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
