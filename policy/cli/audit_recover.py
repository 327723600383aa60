"""`policy audit recover`: bring in what writers that were killed left, before the next writer does."""

import argparse
import json
from pathlib import Path

from policy.audit.recovery import recover
from policy.audit.seals import sealer
from policy.audit.stream import Habits
from policy.audit.waiting import spools
from policy.cli.arguments import CannotRun, Commands, command, takes_json
from policy.cli.audit_keys import key_source
from policy.cli.reporters import plural
from policy.cli.style import say


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "recover", run,
        summary="bring records of writers that were killed into the log, and end their chains",
        example="policy audit recover --log var/audit",
    )  # fmt: skip
    made.add_argument("--log", default="var/audit", metavar="PATH", help="the folder of the log (var/audit)")
    made.add_argument("--key", metavar="FILE", help="the key that seals the log: a file, or env:NAME")
    takes_json(made)


def run(args: argparse.Namespace) -> int:
    """Recover, and say what was; writers that live are left alone."""
    folder = Path(args.log)
    if not folder.is_dir():
        raise CannotRun(f"`{args.log}` is no folder of a log")
    habits = Habits(durability="every-decision", sealer=sealer(key_source(args.key)) if args.key else None)
    found = recover(folder, habits)
    living = len(spools(folder))
    if args.json:
        rows = [{"writer": one.writer, "file": one.file, "lines": one.lines, "torn": one.torn} for one in found]
        print(json.dumps({"recovered": rows, "living": living}, indent=2))
        return 0
    for each in found:
        say(str(each))
    say(f"{plural(len(found), 'chain')} ended, {plural(living, 'writer')} left alone")
    return 0
