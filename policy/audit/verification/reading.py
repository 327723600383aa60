"""The files of a log, and their bytes in blocks, whatever they are called and whether they are compressed."""

import os
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

from policy.errors import ClaimsPolicyError

Progress = Callable[[int], object]
BLOCK: Final = 2**20
#: No record comes near it. Whatever is longer is not held in memory.
LONGEST_LINE: Final = 2**24
#: `X.jsonl`, renamed by rotation to `X.jsonl.1` or `X.jsonl-20270115`, and each compressed.
_NAME: Final = re.compile(r"(?!\.)(.*\.jsonl)(?:[.-]\d+)*(?:\.gz)?", re.DOTALL)
_GZIP: Final = b"\x1f\x8b"


class Damaged(Exception):
    """A compressed file whose rest cannot be had."""


def log_files(path: str | os.PathLike[str]) -> list[Path]:
    """The files of a log by name, compressed and renamed ones too; `ClaimsPolicyError` where there is none."""
    where = Path(path)
    if where.is_file():
        return [where]
    try:
        found = sorted(file for file in where.iterdir() if _NAME.fullmatch(file.name))
    except OSError as error:
        told = (error.strerror or str(error)).lower()
        raise ClaimsPolicyError(f"the log at `{path}` cannot be read: {told}") from error
    if not found:
        raise ClaimsPolicyError(f"`{path}` holds no audit log: it has no *.jsonl file")
    return found


def base_name(name: str) -> str:
    """The name that a file was begun with: without what rotation and compression add."""
    found = _NAME.fullmatch(name)
    return found[1] if found else name


def first_line(path: Path) -> bytes:
    """The first line without its break, as far as it is not absurdly long; empty where there is none."""
    found = b""
    try:
        for block in blocks(path, size=path.stat().st_size, block=2**16):
            found += block
            if b"\n" in found or len(found) > LONGEST_LINE:
                break
    except Damaged:
        pass
    return found.partition(b"\n")[0] if b"\n" in found else b""


def blocks(
    path: Path, *, size: int, limit: int | None = None, progress: Progress | None = None, block: int = BLOCK
) -> Iterator[bytes]:
    """The content up to `size` bytes on disk; one block ends exactly at `limit`, if the content has as much."""
    with path.open("rb") as file:
        raw = _raw(file, size, block, progress)
        source = _inflated(raw, block) if path.name.endswith(".gz") or file.peek(2)[:2] == _GZIP else raw
        position = 0
        for content in source:
            end = position + len(content)
            if limit is not None and position < limit < end:
                yield content[: limit - position]
                yield content[limit - position :]
            else:
                yield content
            position = end


def _raw(file: IO[bytes], size: int, block: int, progress: Progress | None) -> Iterator[bytes]:
    """What comes after `size` was written since the log was looked at."""
    while size > 0 and (content := file.read(min(block, size))):
        size -= len(content)
        yield content
        if progress is not None:
            progress(len(content))


def _inflated(raw: Iterator[bytes], block: int) -> Iterator[bytes]:
    """RFC 1952, of one member or several; the check sum at the end of each is checked."""
    inflate, begun = zlib.decompressobj(31), False
    for content in raw:
        rest = content
        while rest:
            if inflate.eof:
                inflate, begun = zlib.decompressobj(31), False
            begun = True
            try:
                found = inflate.decompress(rest, block)
            except zlib.error as error:
                raise Damaged(str(error)) from error
            rest = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
            if found:
                yield found
            while not rest and not inflate.eof and len(found) == block:  # what is still inside
                found = inflate.decompress(b"", block)
                if found:
                    yield found
    if not inflate.eof or not begun:
        raise Damaged("it ends in the middle")
