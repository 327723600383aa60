"""Compressing a file of the log that gets no more lines."""

import contextlib
import gzip
import os
import shutil
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

from policy.audit.files import keep_entry

_BLOCK: Final = 2**20
_LEVEL: Final = 6
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


def compress(path: Path) -> Path:
    """Replace a file by `….gz` with the same content, mode and time; what is there is read back before the file goes.

    `OSError` where that is not possible, or where the file grew meanwhile; then it is as it was. A power cut leaves the
    file, or what it was compressed to, or both.
    """
    goal = path.with_name(f"{path.name}.gz")
    temporary = unfinished(path)
    if goal.exists():
        raise FileExistsError(f"`{goal}` is there already; verify it, and remove it or `{path}`")
    try:
        _write(path, temporary)
        temporary.rename(goal)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    keep_entry(path.parent)
    path.unlink()
    keep_entry(path.parent)
    return goal


def unfinished(path: Path) -> Path:
    """What a file is compressed to at first; a process that was killed may leave it."""
    return path.with_name(f".{path.name}.gz.part")


def _write(path: Path, temporary: Path) -> None:
    with path.open("rb") as source:
        about = os.fstat(source.fileno())
        with open(os.open(temporary, _FLAGS, about.st_mode & 0o777), "wb") as made:  # noqa: PTH123 - with its mode
            with gzip.GzipFile(path.name, "wb", _LEVEL, made, int(about.st_mtime)) as packed:
                shutil.copyfileobj(source, packed, _BLOCK)
            made.flush()
            os.fsync(made.fileno())
        source.seek(0)
        with gzip.open(temporary, "rb") as packed_again:
            same = _hash(packed_again) == _hash(source)
        if os.fstat(source.fileno()).st_size != about.st_size:
            raise OSError(f"`{path}` was written to while it was compressed; compress only files that are closed")
        if not same:
            raise OSError(f"what `{path}` was compressed to does not read back as the file; is the disk sound?")
    os.utime(temporary, ns=(about.st_atime_ns, about.st_mtime_ns))


def _hash(content: IO[bytes] | gzip.GzipFile) -> bytes:
    found = sha256()
    while block := content.read(_BLOCK):
        found.update(block)
    return found.digest()
