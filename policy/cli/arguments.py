"""The parser, the arguments that several commands take, and what they are turned into."""

import argparse
import math
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

from policy.claims import LATEST
from policy.cli.style import TOKEN, complain
from policy.errors import ClaimsPolicyError

Run = Callable[[argparse.Namespace], int]
Commands = Any
#: Far more than any token that is looked at; a file that is none need not be read to its end.
LONGEST_READ: Final = 2**20


class CannotRun(ClaimsPolicyError):
    """The arguments do not say what to do, or ask for what is not there."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors look like all others of this program."""

    def error(self, message: str) -> NoReturn:
        """Say how it is called and what is wrong with this call, and end with status 2."""
        self.print_usage(sys.stderr)
        complain(message)
        self.exit(2)


class Command(Protocol):
    """A module that is a command, or a group of them."""

    @staticmethod
    def add(commands: Commands) -> None:
        """Add the command's own parser."""


def parser_of(modules: Iterable[Any]) -> Parser:
    """The whole parser."""
    whole = Parser(
        prog="policy",
        description="Declare, check and explain who may do what.",
        epilog="exit status: 0 fine; 1 findings, a denial or a refused token; 2 could not run",
    )
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in modules:
        module.add(commands)
    return whole


def command(commands: Commands, name: str, run: Run, *, summary: str, example: str) -> Parser:
    """Add the parser of one command; `summary` is a sentence without its full stop."""
    made: Parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"example:\n{_indented(example)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.set_defaults(run=run)
    return made


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))


def group(commands: Commands, name: str, summary: str) -> Commands:
    """Add a command that has commands of its own."""
    made = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    return made.add_subparsers(title="commands", metavar="COMMAND", required=True)


def takes_policy(made: Parser) -> None:
    """Add `--policy`."""
    made.add_argument("--policy", default="policies", metavar="PATH", help="the policy: a folder or a file (policies)")


def takes_json(made: Parser) -> None:
    """Add `--json`."""
    made.add_argument("--json", action="store_true", help="print one JSON document")


def takes_now(made: Parser) -> None:
    """Add `--now`."""
    made.add_argument("--now", type=moment, metavar="SECONDS", help="the time, in seconds since 1970, instead of now")


def takes_person(made: Parser) -> None:
    """Add what a token may say of its bearer."""
    made.add_argument("--kind", choices=("user", "machine"), help="user, unless the issuer only has machines")
    made.add_argument("--roles", type=role_names, default=(), metavar="ROLE,...", help="roles, separated by commas")
    made.add_argument(
        "--permissions", type=role_names, default=(), metavar="NAME,...", help="named by the token itself"
    )
    made.add_argument("--client", metavar="ID", help="the client's id")


def now_of(args: argparse.Namespace) -> float:
    """The time that was given, else the clock's."""
    return time.time() if args.now is None else float(args.now)


def role_names(text: str) -> tuple[str, ...]:
    """Names separated by commas; they may have spaces inside."""
    return tuple(name for part in text.split(",") if (name := part.strip()))


def scope_names(text: str) -> tuple[str, ...]:
    """Names separated by commas or spaces."""
    return tuple(name for name in re.split(r"[,\s]+", text) if name)


def moment(text: str) -> float:
    """Seconds since 1970."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= LATEST:
        raise argparse.ArgumentTypeError(f"`{text}` is not a time in seconds since 1970")
    return seconds


def read_token(path: str) -> str:
    """The token in a file, or on standard input for `-`, without the white space around it."""
    if TOKEN.fullmatch(path):
        raise CannotRun("that is a token itself; give a file that holds it, or `-` and the token on standard input")
    if path == "-":
        raw = sys.stdin.buffer.read(LONGEST_READ)
    else:
        with Path(path).open("rb") as file:
            raw = file.read(LONGEST_READ)
    return raw.decode("utf-8", "replace").strip()
