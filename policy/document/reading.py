"""Bytes to a JSON value, strictly (RFC 8259, and RFC 7493 where it is stricter), every oddity with its place."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate, chain
from typing import Any, Final, NamedTuple

from policy.document.assigning import Columns, well_formed
from policy.document.findings import Findings, Place
from policy.document.positions import Entry, Lines, entries
from policy.document.wording import SURROGATE, json_type, quoted, without_surrogates

DEEPEST: Final = 64
LONGEST_INTEGER: Final = 15
BOM: Final = b"\xef\xbb\xbf"
MIB: Final = 2**20

WHITE: Final = b" \t\r\n"
STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
DEPTHS: Final[Mapping[int, int]] = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}

#: The messages of the standard library's parser, in our words.
SYNTAX: Final[Mapping[str, str]] = {
    "Expecting value": "a value is expected",
    "Expecting property name enclosed in double quotes": "a key in double quotes is expected (no comma after the last)",
    "Illegal trailing comma before end of object": "a key in double quotes is expected (no comma after the last)",
    "Illegal trailing comma before end of array": "a value is expected (no comma after the last)",
    "Expecting ':' delimiter": "a colon is expected",
    "Expecting ',' delimiter": "a comma is expected",
    "Extra data": "there is more after the end of the document",
    "Unterminated string starting at": "a text is not closed",
    "Invalid control character at": "a text has a control character, such as a line break, that is not escaped",
    "Invalid \\escape": "a text has a backslash that escapes nothing",
    "Invalid \\uXXXX escape": "a text has a `\\u` without four hexadecimal digits",
}


@dataclass(frozen=True, slots=True)
class Source:
    """One document as it was found.

    `name` is shown in messages, `text` is its UTF-8 JSON, and `folder` is the absolute folder to which the paths of
    key files in it are relative.
    """

    name: str
    text: bytes
    folder: str = ""


class Parsed(NamedTuple):
    """The object that a source holds; `assignments` are taken out of it where they have their shape."""

    value: dict[str, Any]
    assignments: Columns | None


def object_in(source: Source, number: int, findings: Findings, max_bytes: int) -> Parsed | None:
    """The object that the source holds, or `None` with a finding where it holds none.

    Duplicate members and what JSON or Unicode forbids are findings too, but leave an object to look at.
    """
    place = Place(number)
    refused = _refused(source.text, max_bytes)
    if refused is not None:
        findings.add(place, refused[0], line=refused[1])
        return None
    text = source.text.decode()
    numbers = _Numbers()
    try:
        value = numbers.parse(text)
        assignments, taken = _take_assignments(value)
        levels, members = _measure(value)
    except (json.JSONDecodeError, RecursionError) as error:
        findings.add(place, *_not_json(error, source.text))
        return None
    if levels > DEEPEST:
        findings.add(place, f"nested too deep: more than {DEEPEST} levels", line=1)
        return None
    if numbers.odd or _may_have_surrogates(source.text) or _has_twice(source.text, members + taken):
        _place_oddities(text, number, findings)
        value = _clean(value) if _may_have_surrogates(source.text) else value
    if not isinstance(value, dict):
        findings.add(place, f"must be an object, not {json_type(value)}", line=1)
        return None
    return Parsed(value, assignments)


def _take_assignments(value: Any) -> tuple[Columns | None, int]:
    """The well-formed assignments, taken out of the value for they may be many, and how many members go with them."""
    if not isinstance(value, dict) or not well_formed(value.get("assignments")):
        return None, 0
    items = value.pop("assignments")
    return Columns(items), sum(map(len, items)) + 1


def _refused(text: bytes, max_bytes: int) -> tuple[str, int] | None:
    if len(text) > max_bytes:
        return f"too large: {len(text)} bytes, where {_size(max_bytes)} are allowed", 0
    if text.startswith(BOM):
        return "begins with a byte order mark, which JSON forbids", 1
    if not text.strip(WHITE):
        return "empty", 1
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return "not UTF-8", text.count(b"\n", 0, error.start) + 1
    return None


def _size(size: int) -> str:
    return f"{size} bytes" if size % MIB else f"{size // MIB} MiB"


@dataclass(slots=True)
class _Numbers:
    """The parse of a text, noting whether a number in it is not finite, or longer than any that is needed."""

    odd: bool = field(default=False)

    def parse(self, text: str) -> Any:
        return json.loads(text, parse_int=self._integer, parse_float=self._float, parse_constant=self._constant)

    def _integer(self, text: str) -> int:
        if len(text) <= LONGEST_INTEGER:
            return int(text)
        self.odd = True
        return 0

    def _float(self, text: str) -> float:
        self.odd = self.odd or not math.isfinite(float(text))
        return float(text)

    def _constant(self, _: str) -> int:
        self.odd = True
        return 0


def _measure(value: Any) -> tuple[int, int]:
    """How many levels of objects and lists there are, and how many members in all objects together."""
    levels, members, level = 0, 0, [value]
    while level := [each for each in level if type(each) is dict or type(each) is list]:
        levels += 1
        objects = [each for each in level if type(each) is dict]
        members += sum(map(len, objects))
        lists = [each for each in level if type(each) is list]
        level = list(chain.from_iterable(chain(map(dict.values, objects), lists)))
    return levels, members


def _may_have_surrogates(text: bytes) -> bool:
    return b"\\ud" in text or b"\\uD" in text


def _clean(value: Any) -> Any:
    """The value with each lone surrogate replaced by U+FFFD: it was told, and other tools choke on one."""
    if isinstance(value, dict):
        return {without_surrogates(key): _clean(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_clean(each) for each in value]
    return without_surrogates(value) if isinstance(value, str) else value


def _has_twice(text: bytes, members: int) -> bool:
    """Whether the text has more members than the parser kept, which drops duplicates without a word.

    Each written member has a `":` once white space is gone, and counting those is quick; a text that happens to have
    more of them is parsed once more, watching each object.
    """
    if text.translate(None, WHITE).count(b'":') == members:
        return False
    lost = 0

    def watch(pairs: list[tuple[str, Any]]) -> None:
        nonlocal lost
        lost += len(pairs) - len({key for key, _ in pairs})

    json.loads(text, object_pairs_hook=watch, parse_int=str)
    return lost > 0


def _not_json(error: Exception, text: bytes) -> tuple[str, int]:
    deepest = max(accumulate(DEPTHS.get(each, 0) for each in STRING.sub(b"", text)), default=0)
    if deepest > DEEPEST or not isinstance(error, json.JSONDecodeError):
        return f"nested too deep: more than {DEEPEST} levels", 1
    words = SYNTAX.get(error.msg, "a value is expected")
    if error.msg == "Expecting value" and _follows_a_comma(error.doc, error.pos):
        words = SYNTAX["Illegal trailing comma before end of array"]
    return f"not JSON: {words} at column {error.colno}", error.lineno


def _follows_a_comma(text: str, end: int) -> bool:
    """Whether a list ends here, right after a comma."""
    return text[end : end + 1] == "]" and text[:end].rstrip().endswith(",")


def _place_oddities(text: str, number: int, findings: Findings) -> None:
    line = Lines(text)
    for entry in entries(text):
        place, here = Place(number, entry.path), line.of(entry.start)
        if entry.twice is not None:
            message = f"{quoted(str(entry.path[-1]))} stands twice in one object, first on line {line.of(entry.twice)}"
            findings.add(place, message, line=here)
        odd = _odd(entry)
        if odd:
            findings.spoil(place, odd, line=here)


def _odd(entry: Entry) -> str:
    token = entry.value
    if entry.path and isinstance(entry.path[-1], str) and SURROGATE.search(entry.path[-1]):
        return "the key has a lone surrogate, which is no character"
    if token.startswith('"'):
        return "the text has a lone surrogate, which is no character" if SURROGATE.search(json.loads(token)) else ""
    if token in ("NaN", "Infinity", "-Infinity"):
        return f"{quoted(token)} is not a JSON number"
    if not token.removeprefix("-")[:1].isdigit():
        return ""
    if _is_long_integer(token):
        return f"the integer {quoted(token)} is too large"
    return "" if math.isfinite(float(token)) else f"the number {quoted(token)} is not finite"


def _is_long_integer(token: str) -> bool:
    return len(token) > LONGEST_INTEGER and token.removeprefix("-").isdigit()
