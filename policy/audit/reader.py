"""Reading a log again, file by file, without ever holding all of it."""

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from policy.errors import ClaimsPolicyError

Record = dict[str, Any]
#: Called with the file for each line that is not a record.
OnBad = Callable[[Path], None]
#: Also what was rotated by renaming: `….jsonl.1`, `….jsonl-20270115`.
_NAME: Final = re.compile(r".*\.jsonl([.-]\d+)*", re.DOTALL)


def files(path: str | os.PathLike[str]) -> list[Path]:
    """The log files of a folder in the order of their names, or the one file; `ClaimsPolicyError` if there is none."""
    where = Path(path)
    if where.is_file():
        return [where]
    found = [file for file in where.iterdir() if _NAME.fullmatch(file.name)] if where.is_dir() else []
    if not found:
        raise ClaimsPolicyError(f"`{path}` holds no audit log: it has no *.jsonl file")
    return sorted(found, key=lambda file: (file.name.partition("-")[2], file.name))


def records(path: str | os.PathLike[str], *, on_bad: OnBad | None = None) -> Iterator[Record]:
    """Every record of a log. Lines that are not records, such as a torn last one, are passed over.

    `on_bad` is called once for each of those, with its file.
    """
    for file in files(path):
        with contextlib.suppress(FileNotFoundError), file.open("rb") as lines:  # one that was removed meanwhile
            yield from records_in(lines, file, on_bad)


def records_in(lines: Iterable[bytes], file: Path, on_bad: OnBad | None) -> Iterator[Record]:
    """The records among some lines of a file; empty lines are nothing."""
    for line in lines:
        record = _record(line)
        if record is not None:
            yield record
        elif on_bad is not None and line.strip():
            on_bad(file)


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
            found[str(record["id"])] = record
    if len(found) > 1:
        raise ClaimsPolicyError(f"`{id}` is the beginning of {len(found)} ids; give more of it")
    return next(iter(found.values()), None)
