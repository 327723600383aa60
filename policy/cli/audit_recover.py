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
from policy.cli.style import complain, say


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
    """Recover, and say what was; writers that live are left alone. 1 where a chain stays open for want of its key."""
    folder = Path(args.log)
    if not folder.is_dir():
        raise CannotRun(f"there is no folder `{args.log}`; name the folder of the log with `--log`")
    habits = Habits(durability="every-decision", sealer=sealer(key_source(args.key)) if args.key else None)
    found = recover(folder, habits)
    keys = sorted({one.key for one in found if one.key})
    ended = sum(1 for one in found if not one.key)
    living = len(spools(folder)) - (len(found) - ended)
    if args.json:
        rows = [{"writer": one.writer, "file": one.file, "lines": one.lines, "torn": one.torn} for one in found]
        print(json.dumps({"recovered": rows, "ended": ended, "keys": keys, "living": living}, indent=2))
        return 1 if keys else 0
    for each in found:
        say(str(each))
    say(f"{plural(ended, 'chain')} ended, {plural(living, 'writer')} still at work")
    for key in keys:
        complain(f"the chains sealed with the key {key} cannot be ended without it; give it with `--key`")
    return 1 if keys else 0
