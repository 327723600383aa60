"""Members and items cut out of a JSON text, which is otherwise left exactly as somebody wrote it."""

import json
import re
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from policy.document.positions import TOKEN, entries
from policy.document.wording import JsonPath

_DECODER: Final = json.JSONDecoder()
_COLON: Final = re.compile(r"\s*:\s*")


class Span(NamedTuple):
    """Where a member stands with its name, or an item: from its first character to behind its last."""

    start: int
    end: int


def without(text: str, paths: Collection[JsonPath]) -> str:
    """The text without these members and items, which are not inside each other.

    Of a list or an object that is emptied, the brackets are left alone. What stands around is not touched.
    """
    inside: dict[JsonPath, list[Span]] = {}
    gone: dict[JsonPath, set[int]] = {}
    parents = {path[:-1] for path in paths}
    for path, span in _spans(text, parents):
        siblings = inside.setdefault(path[:-1], [])
        if path in paths:
            gone.setdefault(path[:-1], set()).add(len(siblings))
        siblings.append(span)
    cuts = [cut for parent, places in gone.items() for cut in _cuts(text, inside[parent], places)]
    for start, end in sorted(cuts, reverse=True):
        text = text[:start] + text[end:]
    return text


def _spans(text: str, parents: Collection[JsonPath]) -> Iterator[tuple[JsonPath, Span]]:
    for entry in entries(text):
        if entry.path and entry.path[:-1] in parents:
            yield entry.path, Span(entry.start, _end(text, entry.start, is_member=isinstance(entry.path[-1], str)))


def _end(text: str, start: int, *, is_member: bool) -> int:
    if is_member:
        name = TOKEN.match(text, start)
        colon = _COLON.match(text, name.end()) if name is not None else None
        start = colon.end() if colon is not None else start
    return _DECODER.raw_decode(text, start)[1]


def _cuts(text: str, siblings: list[Span], gone: Collection[int]) -> Iterator[Span]:
    """What is cut for each run of neighbours that go: up to the next one that stays, or from the one before."""
    if len(gone) == len(siblings):
        yield Span(len(text[: siblings[0].start].rstrip()), len(text) - len(text[siblings[-1].end :].lstrip()))
        return
    at = 0
    while at < len(siblings):
        first = at
        while at in gone:
            at += 1
        if first < at < len(siblings):
            yield Span(siblings[first].start, siblings[at].start)
        elif first < at:
            yield Span(siblings[first - 1].end, siblings[-1].end)
        at += 1
