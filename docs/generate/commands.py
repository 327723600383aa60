"""The command line, from the parser that reads it."""

import argparse
from collections.abc import Iterator

from docs.generate.tables import code, one_of, table
from policy.cli import parser


def as_markdown() -> str:
    """A section for each command: what it does, how it is called, what it takes, and an example."""
    return "\n".join(_section(each) for each in commands(parser()))


def commands(of: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """All parsers that run something."""
    inner = [
        each
        for action in of._actions  # noqa: SLF001 - argparse has no other way to its arguments
        if isinstance(action, argparse._SubParsersAction)  # noqa: SLF001
        for each in action.choices.values()
    ]
    if not inner:
        yield of
    for each in inner:
        yield from commands(each)


def _section(command: argparse.ArgumentParser) -> str:
    taken = [action for action in command._actions if action.dest != "help"]  # noqa: SLF001
    example = (command.epilog or "").partition("example:\n")[2]
    lines = "".join(f"$ {line.strip()}\n" for line in example.splitlines())
    parts = [
        f"## {command.prog}\n",
        f"{command.description}\n",
        f"```text\n{_usage(command.prog, taken)}\n```\n",
        *([table(("argument", "meaning"), [(_name(action), _meaning(action)) for action in taken])] if taken else []),
        f"```console\n{lines}```\n",
    ]
    return "\n".join(parts)


def _usage(name: str, taken: list[argparse.Action]) -> str:
    options = [action for action in taken if action.option_strings]
    demanded = [f"{action.option_strings[0]} {action.metavar}" for action in options if action.required]
    others = ["[OPTIONS]"] if len(demanded) < len(options) else []
    return " ".join([name, *others, *demanded, *(_argument(each) for each in taken if not each.option_strings)])


def _argument(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest)
    return {"?": f"[{name}]", "+": f"{name}..."}.get(str(action.nargs), name)


def _name(action: argparse.Action) -> str:
    if not action.option_strings:
        return code(_argument(action))
    value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    takes_value = value if not action.choices else " WORD"
    return ", ".join(code(f"{option}{takes_value}") for option in action.option_strings)


def _meaning(action: argparse.Action) -> str:
    words = f"{action.help}".strip()
    choices = f": {one_of(map(str, action.choices))}" if action.choices else ""
    return f"{words}{choices}" + ("; must be given" if action.required and action.option_strings else "")
