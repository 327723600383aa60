"""Heads of chains, told to a place that whoever may write the log may not: a chain alone cannot show a cut tail."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeGuard

from policy.errors import ClaimsPolicyError, PolicyError

#: A path to append to, or a command as its words; also `{"file": path}` and `{"command": [word, ...]}`.
Target = str | os.PathLike[str] | Sequence[str] | Mapping[str, Any]
SECONDS: Final = 10.0
_LONGEST_LINE: Final = 2**16
_TOLD: Final = 300


class Head(NamedTuple):
    """Where a chain stood: the number and the hash of one of its lines, and the file that it was written to."""

    writer: str
    stream: str
    part: int
    file: str
    seq: int
    head: str
    time: str

    def line(self) -> bytes:
        """One line of JSON, with its break."""
        return json.dumps(self._asdict(), separators=(",", ":")).encode("ascii") + b"\n"


Anchor = Callable[[Head], None]


def anchor(target: Target, *, seconds: float = SECONDS) -> Anchor:
    """What tells a head to a file or a command; it raises `OSError` where that one does not take it.

    A file gets one line more, which is on the disk when the call is over. A command, given as its words, gets the line
    on its standard input and has so many seconds; no shell is in between. `PolicyError` for a target that is neither.
    """
    match target:
        case str() | os.PathLike() if os.fspath(target):
            return _file(Path(target))
        case {"file": (str() | os.PathLike()) as path, **rest} if os.fspath(path) and not rest:
            return _file(Path(path))
        case {"command": words, **rest} if _are_words(words) and not rest:
            return _command(list(words), seconds)
        case _ if _are_words(target):
            return _command(list(target), seconds)
    raise PolicyError(
        'an anchor is a path to append to, or a command as its words, such as `["logger", "-t", "audit"]`'
    )


def _are_words(value: Any) -> TypeGuard[Sequence[str]]:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(each, str) for each in value)


def _file(path: Path) -> Anchor:
    def append(head: Head) -> None:
        data = head.line()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            written = os.write(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if written != len(data):
            raise OSError(f"the anchor `{path}` took only {written} of {len(data)} bytes")

    return append


def _command(words: list[str], seconds: float) -> Anchor:
    def run(head: Head) -> None:
        try:
            done = subprocess.run(  # noqa: S603 - the words are those of the configuration
                words,
                input=head.line(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"the anchor `{words[0]}` took longer than {seconds:g} seconds") from error
        if done.returncode != 0:
            told = done.stderr.decode("utf-8", "replace").strip()[:_TOLD]
            raise OSError(f"the anchor `{words[0]}` ended with status {done.returncode}{f': {told}' if told else ''}")

    return run


def read_anchors(path: str | os.PathLike[str]) -> Iterator[Head]:
    """The heads in a file, one after the other; `ClaimsPolicyError` where it has a line that is none.

    A last line without its break was never told to the end, and is passed over.
    """
    try:
        with Path(path).open("rb") as lines:
            number = 0
            while line := lines.readline(_LONGEST_LINE):
                number += 1
                if line.endswith(b"\n") and line.strip():
                    yield _head(line, f"`{path}`, line {number}")
                elif len(line) == _LONGEST_LINE:
                    raise ClaimsPolicyError(f"`{path}`, line {number} is no anchor; give a file that anchors wrote")
    except OSError as error:
        told = (error.strerror or str(error)).lower()
        raise ClaimsPolicyError(f"the anchors in `{path}` cannot be read: {told}") from error


def _head(line: bytes, place: str) -> Head:
    try:
        told = json.loads(line)
        values = [told[name] for name in Head._fields]
    except (ValueError, RecursionError, KeyError, TypeError):
        values = []
    if [type(each) for each in values] != [str, str, int, str, int, str, str]:
        raise ClaimsPolicyError(f"{place} is no anchor; give a file that anchors wrote")
    return Head(*values)
