"""The fenced blocks of a page of Markdown, the commands of a console, and outputs in which `…` stands for anything."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
_FENCED = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: its language, the words after it on the fence, its text, and the line where it begins."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int


def blocks_of(markdown: str) -> list[Block]:
    """All of them, in the order of the page."""
    return [
        Block(match[1], tuple(match[2].split()), match[3], markdown.count("\n", 0, match.start()) + 1)
        for match in _FENCED.finditer(markdown)
    ]


def shown(console: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with the output shown below it."""
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def assert_as_shown(output: str, wanted: str) -> None:
    """`…` stands for anything within a line, and alone on a line for any lines."""
    lines = ["(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + "\n" for line in wanted.splitlines()]
    pattern = "".join(lines)
    assert re.fullmatch(pattern, output), output


def environment(**variables: str) -> dict[str, str]:
    """The environment of a command, in which the programs of this Python come first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, **variables}


def run(folder: Path, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run one command in a shell."""
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment(**variables), capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
