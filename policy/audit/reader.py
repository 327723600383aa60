"""Reading a log again, file by file, without ever holding all of it."""

import contextlib
import gzip
import json
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final, cast

from policy.audit.waiting import Waiting
from policy.errors import ClaimsPolicyError

Record = dict[str, Any]
#: Called with the file for each line that is not a record.
OnBad = Callable[[Path], None]
#: Lines that hold a chain together: they tell of the log itself, and of no request.
CHAIN_KINDS: Final = frozenset({"begin", "checkpoint", "end", "retired"})
#: Also what was rotated by renaming, and what was compressed: `….jsonl.1`, `….jsonl-20270115`, `….jsonl.gz`.
_NAME: Final = re.compile(r"[^.].*\.jsonl([.-]\d+)*(\.gz)?", re.DOTALL)
COMPRESSED: Final = ".gz"
#: What reading a compressed file raises where it is none, or not all of one.
BROKEN: Final = (EOFError, zlib.error, gzip.BadGzipFile)


def files(path: str | os.PathLike[str]) -> list[Path]:
    """The log files of a folder in the order of their names, or the one file; `ClaimsPolicyError` if there is none.

    A compressed file is left out while the one that it was made from is still there.
    """
    where = Path(path)
    if where.is_file():
        return [where]
    found = {file.name: file for file in where.iterdir() if _NAME.fullmatch(file.name)} if where.is_dir() else {}
    if not found:
        raise ClaimsPolicyError(f"`{path}` holds no audit log: it has no *.jsonl file")
    once = [file for name, file in found.items() if not (is_compressed(file) and name[: -len(COMPRESSED)] in found)]
    return sorted(once, key=lambda file: (file.name.partition("-")[2], file.name))


def is_compressed(file: Path) -> bool:
    """Whether it is one that was compressed, by its name."""
    return file.name.endswith(COMPRESSED)


def opened(file: Path) -> IO[bytes]:
    """The file as it was written, whether or not it was compressed since."""
    return cast("IO[bytes]", gzip.open(file)) if is_compressed(file) else file.open("rb")


def records(path: str | os.PathLike[str], *, on_bad: OnBad | None = None, chain: bool = False) -> Iterator[Record]:
    """Every record of a log, at last those that were accepted and stand in no file yet.

    Lines that are not records, such as a torn last one, are passed over.

    `on_bad` is called once for each of those, with its file; and once for the rest of a compressed file that cannot be
    read. With `chain`, the lines that hold the log together come too: `begin`, `checkpoint`, `end` and `retired`.
    """
    waiting = Waiting(Path(path))
    for file in files(path):
        with contextlib.suppress(FileNotFoundError), opened(file) as content:  # one that was removed meanwhile
            yield from map(waiting.seen, records_in(readable(content, file, on_bad), file, on_bad, chain=chain))
    yield from waiting.rest()


def readable(lines: Iterable[bytes], file: Path, on_bad: OnBad | None) -> Iterator[bytes]:
    """The lines, up to where a compressed file is broken."""
    try:
        yield from lines
    except BROKEN:
        if on_bad is not None:
            on_bad(file)


def records_in(lines: Iterable[bytes], file: Path, on_bad: OnBad | None, *, chain: bool = False) -> Iterator[Record]:
    """The records among some lines of a file; empty lines are nothing."""
    for line in lines:
        record = _record(line)
        if record is None:
            if on_bad is not None and line.strip():
                on_bad(file)
        elif chain or not is_of_chain(record):
            yield record


def is_of_chain(record: Record) -> bool:
    """Whether it tells of the log itself, and of no request."""
    kind = record.get("kind")
    return isinstance(kind, str) and kind in CHAIN_KINDS


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
    for record in _with_text(path, json.dumps(id)[1:-1].encode()):
        if record["id"] == id:
            return record
        if str(record["id"]).startswith(id):
            found[str(record["id"])] = record
    if len(found) > 1:
        raise ClaimsPolicyError(f"`{id}` is the beginning of {len(found)} ids; give more of it")
    return next(iter(found.values()), None)


def _with_text(path: str | os.PathLike[str], text: bytes) -> Iterator[Record]:
    """The records in whose lines a text stands: parsing is what takes long, so no other line is."""
    waiting = Waiting(Path(path))
    for file in files(path):
        with contextlib.suppress(FileNotFoundError), opened(file) as content:
            lines = (line for line in readable(content, file, None) if text in line)
            yield from map(waiting.seen, records_in(lines, file, None))
    yield from waiting.rest()
