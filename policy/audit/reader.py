"""Reading a log again, file by file, without ever holding all of it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from policy.errors import ClaimsPolicyError

Record = dict[str, Any]


def files(path: str | os.PathLike[str]) -> list[Path]:
    """The log files of a folder in the order of their names, or the one file; `ClaimsPolicyError` if there is none."""
    where = Path(path)
    if where.is_file():
        return [where]
    found = sorted(where.glob("*.jsonl"), key=lambda file: file.name.partition("-")[2])
    if not found:
        raise ClaimsPolicyError(f"`{path}` holds no audit log: it has no *.jsonl file")
    return found


def records(path: str | os.PathLike[str]) -> Iterator[Record]:
    """Every record of a log. Lines that are not records, such as a torn last one, are passed over."""
    for file in files(path):
        with file.open("rb") as lines:
            yield from (record for line in lines if (record := _record(line)) is not None)


def _record(line: bytes) -> Record | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "id" in found else None


def find(path: str | os.PathLike[str], id: str) -> Record | None:  # noqa: A002 - the word of the record
    """The record with this id, or with the only id that begins so; `None` where there is none.

    `ClaimsPolicyError` where several ids begin so.
    """
    found: dict[str, Record] = {}
    for record in records(path):
        if record["id"] == id:
            return record
        if str(record["id"]).startswith(id):
            found[record["id"]] = record
    if len(found) > 1:
        raise ClaimsPolicyError(f"`{id}` is the beginning of {len(found)} ids; give more of it")
    return next(iter(found.values()), None)
