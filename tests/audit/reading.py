"""A log read by tests: its records without what chains them, and its files."""

import json
from pathlib import Path
from typing import Any

from policy.audit import records
from policy.audit.reader import is_of_chain


def unchained(record: dict[str, Any]) -> dict[str, Any]:
    """The record as it was written, without its number and the hash of the line before it."""
    return {name: value for name, value in record.items() if name not in {"seq", "prev"}}


def kept(folder: Path) -> list[dict[str, Any]]:
    """All records of a log."""
    return [unchained(record) for record in records(folder)]


def files(folder: Path) -> list[Path]:
    """The log files that one sees."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def of(path: Path) -> list[dict[str, Any]]:
    """The records of one file."""
    found = (json.loads(line) for line in path.read_text("ascii").splitlines())
    return [unchained(record) for record in found if not is_of_chain(record)]
