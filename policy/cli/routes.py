"""`policy routes`: every route of an application, what it demands, and who reaches it."""

import argparse
import contextlib
import importlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from policy.cli.arguments import CannotRun, Commands, command
from policy.cli.reporters import plural
from policy.cli.routes_html import as_html
from policy.cli.routes_text import as_text
from policy.cli.routes_todo import as_todo, undeclared
from policy.cli.style import complain, say, say_json, verdict
from policy.errors import PolicyError

if TYPE_CHECKING:
    from policy.flask.listing import Listing


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "routes", run,
        summary="list every route of a Flask application, what it demands, and which roles and scopes reach it",
        example="policy routes shop:create_app\npolicy routes shop --format html --output routes.html\n"
        "policy routes shop --openapi openapi.json --check",
    )  # fmt: skip
    made.add_argument("--format", choices=tuple(RENDERERS), default="text", help="how routes are written (text)")
    made.add_argument("--output", type=Path, metavar="FILE", help="where that is written, instead of standard output")
    made.add_argument(
        "--write-todo", type=Path, metavar="FILE",
        help="write a new Python file with a declaration to fill in for each endpoint that has none",
    )  # fmt: skip
    made.add_argument(
        "--openapi", type=Path, metavar="FILE",
        help="take an OpenAPI document as JSON, and print it with the security that the marks ask for",
    )  # fmt: skip
    made.add_argument("--check", action="store_true", help="print where that document and the marks disagree instead")
    made.add_argument("app", metavar="APP", help="as for `flask --app`: module, module:name or module:factory()")


def run(args: argparse.Namespace) -> int:
    """Load the application, and list its routes or compare them with a document."""
    if args.check and args.openapi is None:
        raise CannotRun("--check compares with a document: give it with --openapi FILE")
    flask_side = _flask_side("listing")
    document = None if args.openapi is None else _document(args.openapi)
    try:
        app = flask_side.application(args.app)
    except PolicyError as error:
        complain(str(error))
        return 1
    if document is not None:
        return _check(app, document) if args.check else _merge(app, document, args.output)
    return report(flask_side.listing(app), args)


def report(listing: "Listing", args: argparse.Namespace) -> int:
    """Write the listing as the arguments say; 1 if anything is wrong with the application."""
    if args.write_todo is not None:
        _write_todo(listing, args.write_todo)
    with _output(args.output):
        RENDERERS[args.format](listing)
    return 1 if listing.everything_wrong else 0


def _flask_side(name: str) -> Any:
    """A module that needs Flask, which this program does not, until it is asked for an application."""
    try:
        return importlib.import_module(f"policy.flask.{name}")
    except ModuleNotFoundError as error:
        raise CannotRun(f"`policy routes` looks at a Flask application: {error}") from error


@contextlib.contextmanager
def _output(path: Path | None) -> Iterator[None]:
    """Print to a file, if one is given."""
    if path is None:
        yield
        return
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        yield
    path.write_text(printed.getvalue(), encoding="utf-8", errors="backslashreplace", newline="\n")
    say(f"written: {path}")


def _write_todo(listing: "Listing", path: Path) -> None:
    """A file that is there already may have been filled in: it is never written over."""
    endpoints = undeclared(listing)
    if not endpoints:
        complain("every route is declared: there is nothing to write")
        return
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(as_todo(listing))
    complain(f"written: {path}: {plural(len(endpoints), 'endpoint')} to declare")


def _document(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise CannotRun(f"`{path}` is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise CannotRun(f"`{path}` is no OpenAPI document: it is not an object")
    return found


def _merge(app: Any, document: Mapping[str, Any], output: Path | None) -> int:
    merged = _flask_side("openapi").openapi_document(app, document)
    with _output(output):
        say_json(merged)
    return 0


def _check(app: Any, document: Mapping[str, Any]) -> int:
    found = _flask_side("openapi_drift").drift(app, document)
    for one in found:
        say(str(one))
    say(verdict(plural(len(found), "difference") if found else "document and marks agree", good=not found))
    return 1 if found else 0


RENDERERS: Final[Mapping[str, Callable[["Listing"], None]]] = MappingProxyType(
    {
        "text": as_text,
        "json": lambda listing: say_json(listing.as_dict()),
        "html": lambda listing: print(as_html(listing), end=""),
    }
)
