"""`policy audit erase`: take somebody's identifying values out of the log, without breaking its chain."""

import argparse
import json
from pathlib import Path

from policy.audit.erasable import FILE, erase, standing_for
from policy.audit.treatment import FIELDS
from policy.cli.arguments import CannotRun, Commands, command, takes_json
from policy.cli.style import say, say_columns


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "erase", run,
        summary="erase a value of erasable fields, such as a subject's id; the log keeps a digest that fits nothing",
        example='policy audit erase alice --reason "asked by the person, 2027-01-15"',
    )  # fmt: skip
    made.add_argument("--log", default="var/audit", metavar="PATH", help="the folder of the log (var/audit)")
    made.add_argument("--reason", default="", metavar="TEXT", help="why, kept beside the log; not the value itself")
    made.add_argument("--dry-run", action="store_true", help="only say what would be erased")
    takes_json(made)
    made.add_argument("value", metavar="VALUE", help="the value, such as a subject's id")


def run(args: argparse.Namespace) -> int:
    """Erase, and say what the log still has; 1 where there was nothing."""
    folder = Path(args.log)
    if not (folder / FILE).is_file():
        raise CannotRun(f'`{args.log}` keeps no erasable values; declare them with fields={{"subject.id": "erasable"}}')
    if args.value in args.reason and args.value:
        raise CannotRun("the reason names the value, and would keep it; say it without")
    found = _standing(folder, args.value) if args.dry_run else _erased(folder, args.value, args.reason)
    if args.json:
        values = [{"field": field, "digest": digest} for field, digest in found]
        print(json.dumps({"erased": not args.dry_run, "values": values}, indent=2))
    elif found:
        say("would be erased:" if args.dry_run else "erased; what the log still has of it:")
        say_columns(found, indent=2)
    else:
        say("nothing is kept of this value")
    return 0 if found else 1


def _erased(folder: Path, value: str, reason: str) -> list[tuple[str, str]]:
    return [(each.field, each.digest) for each in erase(folder, value, reason=reason)]


def _standing(folder: Path, value: str) -> list[tuple[str, str]]:
    rows = ((field, standing_for(folder, field, value)) for field in FIELDS)
    return [(field, digest) for field, digest in rows if digest is not None]
