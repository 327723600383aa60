"""The command line: one program, one file a command."""

import contextlib
import io
import os
import sys
from collections.abc import Sequence

from policy.cli import audit, can, check, explain, init, matrix, routes, schema, token
from policy.cli.arguments import Parser, parser_of
from policy.cli.style import complain
from policy.errors import ClaimsPolicyError

__all__ = ["main", "parser"]

COMMANDS = (init, check, can, explain, matrix, routes, token, audit, schema)


def parser() -> Parser:
    """The parser of the whole program, with every command; also what its documentation is made from."""
    return parser_of(COMMANDS)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the status is 0 if all is fine, 1 for findings and refusals, 2 if it could not run."""
    _print_any_character()
    try:
        args = parser().parse_args(argv)
        status: int = args.run(args)
        sys.stdout.flush()
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _drop_output()
        return 141
    except OSError as error:
        complain(_fault(error))
        return 2
    except RecursionError:
        complain("what was read is nested too deep")
        return 2
    except (ClaimsPolicyError, ValueError) as error:
        complain(str(error))
        return 2
    return status


def _print_any_character() -> None:
    """An id with characters that the terminal does not have is shown escaped instead of ending the command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _fault(error: OSError) -> str:
    what = (error.strerror or str(error)).lower()
    return f"`{error.filename}`: {what}" if error.filename is not None else what


def _drop_output() -> None:
    """Nobody reads any more: what is still in the buffer must not fail once more when the interpreter ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
