"""The folder or file of a policy, as texts."""

import os
from pathlib import Path
from typing import Final

from policy.document import Source, read
from policy.document.loading import MAX_BYTES
from policy.errors import PolicyError, Problem
from policy.model import Document

REVOCATIONS: Final = "revocations.json"
NOT_DOCUMENTS: Final = (".test.json", ".jwks.json", f".{REVOCATIONS}")


def read_policy(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> Document:
    """The policy in a folder (the `*.json` directly in it) or in one file.

    Left out are dotfiles, `*.test.json`, `*.jwks.json`, and what is revoked: `revocations.json`, `*.revocations.json`.
    `max_bytes` is what one file may have at most. Raises `PolicyError` with every problem, also where there is nothing
    to read.
    """
    return read(sources(path), max_bytes=max_bytes)


def sources(path: str | os.PathLike[str]) -> tuple[Source, ...]:
    """The documents at a path, named as the path was given, in the order of their names.

    Raises `PolicyError` where the path is missing, has no documents, or holds one that cannot be read.
    """
    given = Path(path)
    if not given.is_dir():
        return (source(given),)
    try:
        found = sorted(each for each in given.iterdir() if is_document(each.name))
    except OSError as error:
        raise PolicyError([_unreadable(given, error)]) from error
    if not found:
        raise PolicyError([Problem(file=str(given), message="the folder has no policy documents (`*.json`) in it")])
    return _all(found)


def is_document(name: str) -> bool:
    """Whether a file of this name, in a policy's folder, is one of its documents."""
    other = name.startswith(".") or name.endswith(NOT_DOCUMENTS) or name == REVOCATIONS
    return name.endswith(".json") and not other


def revocation_files(path: str | os.PathLike[str]) -> tuple[Path, ...]:
    """The documents of revocations in a policy's folder, in the order of their names; a policy in one file has none.

    `OSError` where the folder cannot be read.
    """
    given = Path(path)
    if not given.is_dir():
        return ()
    return tuple(sorted(each for each in given.iterdir() if _is_of_revocations(each.name)))


def _is_of_revocations(name: str) -> bool:
    return name == REVOCATIONS or (name.endswith(f".{REVOCATIONS}") and not name.startswith("."))


def _all(paths: list[Path]) -> tuple[Source, ...]:
    found: list[Source] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            found.append(source(path))
        except PolicyError as error:
            problems.extend(error.problems)
    if problems:
        raise PolicyError(problems)
    return tuple(found)


def source(path: Path) -> Source:
    """One document as a text; `PolicyError` where it cannot be read."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise PolicyError([_unreadable(path, error)]) from error
    return Source(str(path), text, str(path.absolute().parent))


def _unreadable(path: Path, error: OSError) -> Problem:
    if isinstance(error, FileNotFoundError):
        return Problem(file=str(path), message="there is no such file or folder")
    reason = (error.strerror or "unknown reason").lower()
    return Problem(file=str(path), message=f"cannot be read: {reason}")
