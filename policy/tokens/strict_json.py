"""One strict reading of a JSON object (RFC 8259, RFC 7493): what two parsers could read differently is refused."""

import json
import math
import re
from itertools import accumulate
from typing import Any, Final, NoReturn

DEEPEST: Final = 32
#: Any integer of fewer characters is a finite double, and far from what `int` refuses to read.
LONGEST_INTEGER: Final = 308

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_STEP: Final = {"{": 1, "[": 1, "}": -1, "]": -1}


class NotStrict(ValueError):
    """The text is no strict JSON object; says why without quoting it."""


class NotJson(NotStrict):
    """The text is no JSON at all."""


class DuplicateMember(NotStrict):
    """An object names a member twice."""


def read_object(raw: bytes) -> dict[str, Any]:
    """The JSON object that these bytes are.

    Raises `DuplicateMember` for a name given twice in one object at any depth, else `NotStrict`: not UTF-8, a byte
    order mark, a lone surrogate (escaped or not), `NaN` and `Infinity`, a number beyond a double, more than 32
    objects and lists inside one another, not an object.
    """
    text = _text(raw).strip(" \t\n\r")
    if text.count("{") + text.count("[") > DEEPEST:
        _check_depth(text)
    value = _parse(text)
    if not isinstance(value, dict):
        raise NotStrict("it is not an object")
    if "\\u" in text:
        _check_surrogates(value)
    return value


def _text(raw: bytes) -> str:
    if not raw:
        raise NotStrict("it is empty")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not text:
        raise NotStrict("it is not UTF-8")
    if text[0] == "\ufeff":
        raise NotStrict("it begins with a byte order mark")
    return text


def _parse(text: str) -> Any:
    # Raised outside of `except`: a JSONDecodeError in the context would carry the whole text along.
    try:
        value, end = _SCAN(text, 0)
    except StopIteration as error:
        value, end = NotJson, error.value
    except json.JSONDecodeError as error:
        value, end = NotJson, error.pos
    if value is NotJson or end != len(text):
        raise NotJson(f"it is not JSON at character {end}")
    return value


def _check_depth(text: str) -> None:
    steps = (_STEP.get(character, 0) for character in _STRING.sub("", text))
    if max(accumulate(steps), default=0) > DEEPEST:
        raise NotStrict(f"it is nested more than {DEEPEST} deep")


def _check_surrogates(value: dict[str, Any]) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        lone = True
    else:
        lone = False
    if lone:
        raise NotStrict("it has a lone surrogate")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DuplicateMember("a member is named twice")
    return members


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotStrict("it has a number that is not finite")
    return number


def _int(text: str) -> int:
    if len(text) > LONGEST_INTEGER:
        raise NotStrict(f"it has an integer of more than {LONGEST_INTEGER} characters")
    return int(text)


def _constant(name: str) -> NoReturn:
    raise NotStrict(f"it has `{name}`, which JSON does not")


#: The decoder's own scanner: it stops with the place at which no value begins.
_SCAN: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=_float, parse_int=_int, parse_constant=_constant
).scan_once  # type: ignore[attr-defined]  # the standard library's stubs leave it out
