"""`policy matrix`: roles by permissions, as text, CSV, JSON or a page."""

import argparse
import csv
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from policy.analysis import Cell, How, Matrix, matrix_of
from policy.cli.arguments import Commands, command
from policy.cli.matrix_html import as_html
from policy.cli.matrix_text import as_text, plain
from policy.cli.style import paint, say
from policy.engine import Policy

#: What a spreadsheet takes for the beginning of a formula; no name begins with white space.
FORMULA: Final = ("=", "+", "-", "@")


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "matrix", run,
        summary="show which role gives which permission, and how",
        example="policy matrix\npolicy matrix policies --format html --output matrix.html",
    )  # fmt: skip
    made.add_argument("path", nargs="?", default="policies", metavar="PATH", help="a folder or a file (policies)")
    made.add_argument(
        "--format", choices=("text", "csv", "json", "html"), default="text",
        help="text, a page of its own, or data; in CSV a name that begins with one of = + - @ gets a ' before it, so "
        "that no spreadsheet takes it for a formula (text)",
    )  # fmt: skip
    made.add_argument("--output", type=Path, metavar="FILE", help="where it is written, instead of standard output")


def run(args: argparse.Namespace) -> int:
    """Show the matrix of a policy."""
    matrix = matrix_of(Policy.load(args.path))
    if args.output is None:
        print(as_text(matrix, paint) if args.format == "text" else RENDERERS[args.format](matrix), end="")
    else:
        args.output.write_text(RENDERERS[args.format](matrix), encoding="utf-8", newline="\n")
        say(f"written: {args.output}")
    return 0


def as_csv(matrix: Matrix) -> str:
    """One line for each role, one column for each permission; a cell is a word, or empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["role", *(_harmless(permission.name) for permission in matrix.permissions)])
    for role in matrix.roles:
        words = ("" if cell.how is How.NONE else str(cell.how) for cell in matrix.row(role.name))
        writer.writerow([_harmless(role.name), *words])
    return text.getvalue()


def _harmless(name: str) -> str:
    return f"'{name}" if name.startswith(FORMULA) else name


def as_json(matrix: Matrix) -> str:
    """One JSON document; where a role has no cell for a permission, there is nothing."""
    value = {
        "policy": matrix.digest,
        "roles": [{**role._asdict(), "inherits": list(role.inherits)} for role in matrix.roles],
        "permissions": [permission._asdict() for permission in matrix.permissions],
        "cells": {
            role.name: {
                permission.name: _as_dict(cell)
                for permission, cell in zip(matrix.permissions, matrix.row(role.name), strict=True)
                if cell.how is not How.NONE
            }
            for role in matrix.roles
        },
    }
    return json.dumps(value, indent=2) + "\n"


def _as_dict(cell: Cell) -> dict[str, Any]:
    return {"how": cell.how, "granted": cell.granted, **cell._asdict()}


RENDERERS: Final[Mapping[str, Callable[[Matrix], str]]] = MappingProxyType(
    {"text": lambda matrix: as_text(matrix, plain), "csv": as_csv, "json": as_json, "html": as_html}
)
