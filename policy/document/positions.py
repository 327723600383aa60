"""Where things stand in a JSON text: a second, slower look, taken only when something is wrong. No recursion."""

import json
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from policy.document.wording import JsonPath

TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
OPENING: Final = ("{", "[")
CLOSING: Final = ("}", "]")
COMMA: Final = (",",)
COLON: Final = (":",)


class Entry(NamedTuple):
    """A member of an object, an item of a list, or the whole; `value` is the first token of its value.

    `start` is where its key or, without one, its value starts. `twice` is where the same key stood before.
    """

    path: JsonPath
    start: int
    value: str
    twice: int | None = None


@dataclass(slots=True)
class _Container:
    path: JsonPath
    is_object: bool
    index: int = 0
    key: str | None = None
    start: int = 0
    twice: int | None = None
    seen: dict[str, int] = field(default_factory=dict)

    def take_key(self, text: str, start: int) -> None:
        self.key, self.start = json.loads(text) if "\\" in text else text[1:-1], start
        self.twice = self.seen.get(self.key)
        self.seen.setdefault(self.key, start)

    def awaits_key(self) -> bool:
        return self.is_object and self.key is None

    def entry(self, value: str, start: int) -> Entry:
        if self.key is not None:
            return Entry((*self.path, self.key), self.start, value, self.twice)
        return Entry((*self.path, self.index), start, value)

    def next(self) -> None:
        self.index += 1
        self.key = None


def entries(text: str) -> Iterator[Entry]:
    """Every entry of a well-formed JSON text, in the order of the text."""
    stack: list[_Container] = []
    for found in TOKEN.finditer(text):
        piece, start = found[0], found.start()
        if piece in CLOSING:
            stack.pop()
        elif piece in COMMA:
            stack[-1].next()
        elif stack and stack[-1].awaits_key():
            stack[-1].take_key(piece, start)
        elif piece not in COLON:
            entry = stack[-1].entry(piece, start) if stack else Entry((), start, piece)
            yield entry
            if piece in OPENING:
                stack.append(_Container(entry.path, piece == "{"))


class Lines:
    """The line, counted from 1, of any place in a text."""

    def __init__(self, text: str) -> None:
        self._breaks: Final = [found.start() for found in re.finditer("\n", text)]

    def of(self, start: int) -> int:
        """The line in which the character at this index stands."""
        return bisect_right(self._breaks, start) + 1


def lines(text: str, wanted: Collection[JsonPath]) -> dict[JsonPath, int]:
    """The line of each wanted path: of a member its key's, of an item its first; of what is absent its parent's."""
    with_parents = {path[:length] for path in wanted for length in range(len(path) + 1)}
    line = Lines(text)
    known = {entry.path: line.of(entry.start) for entry in entries(text) if entry.path in with_parents}
    for path in sorted(with_parents, key=len):
        known.setdefault(path, known[path[:-1]])
    return known
