"""`policy schema`: the JSON Schema of a document."""

import argparse

from policy.cli.arguments import Commands, command
from policy.cli.style import say_json
from policy.document import json_schema
from policy.document.revoking import revocations_schema


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "schema", run,
        summary="print the JSON Schema of a policy document, for editors",
        example="policy schema > policies/.schema.json",
    )  # fmt: skip
    made.add_argument("--revocations", action="store_true", help="of a document of revocations instead")


def run(args: argparse.Namespace) -> int:
    """Print the schema."""
    say_json(revocations_schema() if args.revocations else json_schema())
    return 0
