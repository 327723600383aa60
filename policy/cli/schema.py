"""`policy schema`: the JSON Schema of a document."""

import argparse

from policy.cli.arguments import Commands, command
from policy.cli.style import say_json
from policy.document import json_schema


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    command(
        commands, "schema", run,
        summary="print the JSON Schema of a policy document, for editors",
        example="policy schema > policies/.schema.json",
    )  # fmt: skip


def run(_: argparse.Namespace) -> int:
    """Print the schema."""
    say_json(json_schema())
    return 0
