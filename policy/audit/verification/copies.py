"""Where else in the log the very same lines stand."""

import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from policy.audit.verification.reading import LONGEST_LINE, Damaged, blocks

#: So many lines are looked for at most.
SOUGHT_AT_MOST: Final = 200
_PREV: Final = re.compile(rb'\{"seq":\d+,"prev":"([0-9a-f]{64})"')


class Place(NamedTuple):
    """A file and a line of it."""

    file: Path
    line: int


class Sought(NamedTuple):
    """A line to look for: the hash of the line before it that it names, its own hash, and where it stands itself."""

    prev: str
    own: str
    place: Place


def elsewhere(sought: Iterable[Sought], files: Iterable[tuple[Path, int]]) -> dict[str, Place]:
    """By its own hash, the first other place of each line that has one. Reads the files once more."""
    wanted = list(sought)[:SOUGHT_AT_MOST]
    places = {(each.own, each.place) for each in wanted}
    hashes = {each.own for each in wanted}
    prevs = {each.prev.encode() for each in wanted}
    found: dict[str, Place] = {}
    for file, size in files if wanted else ():
        for number, line in _lines(file, size, prevs):
            own = sha256(line).hexdigest()
            if own in hashes and (own, Place(file, number)) not in places:
                found.setdefault(own, Place(file, number))
    return found


def _lines(file: Path, size: int, prevs: set[bytes]) -> Iterable[tuple[int, bytes]]:
    """Lines with their numbers that name one of these before them."""
    rest, number, named = b"", 0, _PREV.match
    try:
        for block in blocks(file, size=size):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                number += 1
                form = named(line)
                if form is not None and form[1] in prevs:
                    yield number, line
            if len(rest) > LONGEST_LINE:
                return
    except (Damaged, FileNotFoundError):
        return
