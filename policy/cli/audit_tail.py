"""`policy audit tail`: the last records of the log, and those that come."""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from policy.audit import Tail
from policy.audit.reader import is_of_chain
from policy.audit.tail import Wanted
from policy.cli.arguments import Commands, command
from policy.cli.audit_filter import filter_of, permissions_of, takes_filter
from policy.cli.audit_show import counted
from policy.cli.audit_window import takes_since
from policy.cli.style import TOKEN, Painted, clean, complain, paint
from policy.errors import ClaimsPolicyError

Record = dict[str, Any]
_LONG: Final = 40
#: Seconds between two looks at a log that is followed.
POLL: Final = 0.5
#: How many records are printed where nobody says: the last ones, or all that are not older than was asked.
_UNSAID: Final = 20
_UNSAID_SINCE: Final = 10_000
_COLOURS: Final = {"allow": "green", "deny": "red", "fault": "red", "refused": "yellow", "surplus": "yellow"}
_sleep = time.sleep


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "tail", run,
        summary="print the last records of the log, of all its files in the order of time",
        example="policy audit tail -f --outcome deny\npolicy audit tail -n 100 --subject alice --json",
    )  # fmt: skip
    made.add_argument("--log", default="var/audit", metavar="PATH", help="the log: a folder or a file (var/audit)")
    made.add_argument("-f", "--follow", action="store_true", help="go on with the records that come, until interrupted")
    made.add_argument(
        "-n", "--lines", type=_count, metavar="COUNT", help=f"how many records (20; with --since {_UNSAID_SINCE:,})"
    )
    takes_since(made)
    made.add_argument(
        "--chain",
        action="store_true",
        help="also the lines that hold the log together: begin, checkpoint, end, retired",
    )
    made.add_argument("--json", action="store_true", help="print the records themselves, one JSON object on a line")
    takes_filter(made)


def run(args: argparse.Namespace) -> int:
    """Print the records, and say on standard error how many lines were none."""
    wanted = filter_of(args)
    bad: Counter[Path] = Counter()
    tail = Tail(args.log, on_bad=lambda file: bad.update([file]), chain=args.chain)
    show = _print_json if args.json else _Columns().print
    show(_last(tail, args, wanted))
    _say_bad(bad)
    while args.follow:
        sys.stdout.flush()
        _sleep(POLL)
        show(tail.more(wanted))
        _say_bad(bad)
    return 0


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise argparse.ArgumentTypeError(f"`{text}` is not a number of records")
    return int(text)


def _last(tail: Tail, args: argparse.Namespace, wanted: Wanted) -> list[Record]:
    """A log that is followed may begin later; one that is only read must be there."""
    try:
        count = (_UNSAID_SINCE if args.since else _UNSAID) if args.lines is None else args.lines
        return tail.last(count, wanted, args.since or "")
    except ClaimsPolicyError as error:
        if not args.follow:
            raise
        complain(f"{error}; waiting for it")
        return []


def _say_bad(bad: Counter[Path]) -> None:
    for file, count in sorted(bad.items()):
        lines = "1 line is no record and was" if count == 1 else f"{count} lines are no records and were"
        complain(f"{file}: {lines} passed over")
    bad.clear()


def _print_json(records: Iterable[Record]) -> None:
    for record in records:
        print(TOKEN.sub("<token>", json.dumps(record, ensure_ascii=True, separators=(",", ":"))))


class _Columns:
    """Prints records under each other, also under those that were printed before."""

    def __init__(self) -> None:
        self._widths: Counter[int] = Counter()

    def print(self, records: Iterable[Record]) -> None:
        """Print each record on a line of its own."""
        rows = [_row(record) for record in records]
        for row in rows:
            self._widths |= Counter({at: cell.width for at, cell in enumerate(row)})
        for row in rows:
            cells = [cell + " " * (self._widths[at] - cell.width) for at, cell in enumerate(row)]
            print("  ".join(cells).rstrip())


def _row(record: Record) -> list[Painted]:
    if is_of_chain(record):
        return _row_of_chain(record)
    kind = str(record.get("kind"))
    word = kind if kind in _COLOURS else str(record.get("outcome"))
    subject = record.get("subject")
    texts = (
        _reasons(record),
        _shortened(str(subject.get("id"))) if isinstance(subject, dict) else "-",
        ", ".join(permissions_of(record)) or "-",
        _asked(record, kind),
        str(record["id"])[:8],
    )
    return [_plain(_short(record.get("time"))), paint(word, _COLOURS.get(word, "bold")), *map(_plain, texts)]


def _row_of_chain(record: Record) -> list[Painted]:
    writer, stream = str(record.get("writer", ""))[:8], str(record.get("stream", ""))
    texts = (
        _told(record),
        f"{stream} {writer}".strip() or "-",
        "-",
        str(record.get("file", "-")),
        str(record["id"])[:8],
    )
    return [_plain(_short(record.get("time"))), paint(str(record.get("kind")), "dim"), *map(_plain, texts)]


def _told(record: Record) -> str:
    """What such a line says of the log, in a few words."""
    if record.get("kind") == "begin":
        return f"part {record.get('part')}, {record.get('durability')}"
    words = [f"line {record.get('seq')}"] if "seq" in record else []
    words += [f"sealed with {record['key']}"] if "key" in record else []
    words += [f"recovered {record['recovered']}"] if "recovered" in record else []
    return ", ".join(words) or "-"


def _shortened(id: str) -> str:  # noqa: A002 - the word of the record
    """What stands for an id is as long as a hash; its beginning tells it from others."""
    kind, _, rest = id.partition(":")
    return f"{kind}:{rest[:12]}" if kind in ("erasable", "hmac") and len(rest) > _LONG else id


def _short(moment: object) -> str:
    """To the millisecond."""
    text = str(moment)
    return f"{text[:23]}Z" if len(text) == len("2027-01-15T08:00:00.000000Z") else text


def _reasons(record: Record) -> str:
    return counted(record) or str(record.get("reason"))


def _asked(record: Record, kind: str) -> str:
    asked = f"{record.get('method', '')} {record.get('route', '')}".strip()
    return (asked or "-") if kind in {"request", *_COLOURS} else f"{asked} ({kind})".strip()


def _plain(text: str) -> Painted:
    found = Painted(clean(text))
    found.width = len(found)
    return found
