"""The files of a log's folder: their names, what is in place, and what else lies beside them."""

import contextlib
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

#: Also what was rotated by renaming: `….jsonl.1`, `….jsonl-20270115`; and what was compressed.
LOG_FILE: Final = re.compile(r".*\.jsonl([.-]\d+)*(\.gz)?", re.DOTALL)
_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_NAMES_AT_MOST: Final = 100
_BESIDE_AT_MOST: Final = 100


def create(folder: Path, name: str) -> tuple[Path, int]:
    """A new file `NAME-TIME-PID.jsonl`, open for appending; where the clock stands still, its name is numbered."""
    folder.mkdir(parents=True, exist_ok=True)
    started = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    for again in range(_NAMES_AT_MOST):
        path = folder / f"{name}-{started}{f'.{again}' if again else ''}-{os.getpid()}.jsonl"
        with contextlib.suppress(FileExistsError):
            return path, os.open(path, _FLAGS, 0o640)
    raise FileExistsError(f"`{path}` and {_NAMES_AT_MOST - 1} more names are taken")


def identity(path: Path) -> tuple[int, int]:
    """What tells a file from every other one on this machine, whatever it is called; `OSError` where it is gone."""
    found = path.stat()
    return found.st_dev, found.st_ino


def is_there(path: Path, known: tuple[int, int]) -> bool:
    """Whether the very file that is known by its identity still has this name."""
    try:
        return identity(path) == known
    except OSError:
        return False


def beside(folder: Path, own: str) -> dict[str, int]:
    """The other log files of a folder with their sizes in bytes, the newest by name where there are many."""
    found: dict[str, int] = {}
    names = (path.name for path in folder.iterdir())
    others = sorted((name for name in names if LOG_FILE.fullmatch(name) and name != own), key=_begun, reverse=True)
    for name in others[:_BESIDE_AT_MOST]:
        with contextlib.suppress(OSError):
            found[name] = (folder / name).stat().st_size
    return found


def _begun(name: str) -> str:
    """The time in a name, without what the file is of."""
    return name.partition("-")[2]


def sizes(folder: Path, name: str) -> dict[Path, int]:
    """All files that were begun under this name, also those of processes that have ended, and no others, by age."""
    ours = re.compile(re.escape(name) + r"-\d{8}T\d{6}\.[\d.]+-\d+\.jsonl")
    found: dict[Path, int] = {}
    for path in sorted(folder.iterdir()):
        if ours.fullmatch(path.name):
            with contextlib.suppress(FileNotFoundError):
                found[path] = path.stat().st_size
    return found


def keep_entry(folder: Path) -> None:
    """See to it that a new file's name is on the disk like its content; some file systems cannot, and need not."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
