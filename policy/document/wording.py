"""Words for messages: user input in backticks, JSON paths as people write them, and pydantic's errors in our words."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

JsonPath = tuple[str | int, ...]

LONGEST_QUOTE: Final = 80
SURROGATE: Final = re.compile("[\ud800-\udfff]")
PLAIN_KEY: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")

JSON_TYPES: Final[Mapping[type, str]] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    int: "an integer",
    float: "a number with a fraction",
    type(None): "null",
}


def printable(text: str) -> str:
    """The text with all that is not printed escaped, so that it can neither forge a line nor turn one around."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    # as JSON has it: what is beyond U+FFFF as two surrogates
    code = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{code[start : start + 4]}" for start in range(0, len(code), 4))


def without_surrogates(text: str) -> str:
    """The text with each lone surrogate replaced by U+FFFD."""
    return SURROGATE.sub("\ufffd", text)


def quoted(value: object) -> str:
    """User input in backticks, made printable and cut where it is long."""
    text = value if isinstance(value, str) else json.dumps(value)
    short = text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "…"
    return f"`{printable(short)}`"


def one_of(values: Iterable[str], joint: str = "or") -> str:
    """`a`, `b` or `c`."""
    *rest, last = [quoted(value) for value in values]
    return f"{', '.join(rest)} {joint} {last}" if rest else last


def json_type(value: object) -> str:
    """What JSON calls the type of a value, with its article."""
    return quoted(value) if isinstance(value, bool) else JSON_TYPES[type(value)]


def path_text(path: JsonPath) -> str:
    """A JSON path such as `rules[3].when`, or `issuers["https://id.example.com/"]` where a key is no plain word."""
    return "".join(_step(step) for step in path).removeprefix(".")


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if PLAIN_KEY.fullmatch(step):
        return f".{step}"
    return f"[{printable(json.dumps(step, ensure_ascii=False))}]"


Words = Callable[[Mapping[str, Any], Any], str]


def _always(words: str) -> Words:
    return lambda *_: words


def _must_be(what: str) -> Words:
    return lambda _, value: f"must be {what}, not {json_type(value)}"


def _integer(_: Mapping[str, Any], value: Any) -> str:
    return f"must be an integer, not {quoted(value) if isinstance(value, bool | float) else json_type(value)}"


WORDS: Final[Mapping[str, Words]] = {
    "string_type": _must_be("a text"),
    "list_type": _must_be("a list"),
    "dict_type": _must_be("an object"),
    "bool_type": _must_be("true or false"),
    "int_type": _integer,
    "string_unicode": _always("has a lone surrogate"),
    "string_too_short": _always("must not be empty"),
    "too_short": _always("must not be empty"),
    "greater_than_equal": lambda context, value: f"must be at least {context['ge']}, not {quoted(value)}",
    "less_than_equal": lambda context, value: f"must be at most {context['le']}, not {quoted(value)}",
    "literal_error": lambda context, value: f"must be {_choices(context)}, not {_seen(value)}",
    "shorthand": lambda context, value: f"must be {context['wanted']}, not {json_type(value)}",
}


def _choices(context: Mapping[str, Any]) -> str:
    # pydantic writes the choices as one English text: 'a', 'b' or 'c'
    return str(context["expected"]).replace("'", "`").replace("True", "`true`")


def _seen(value: object) -> str:
    return quoted(value) if isinstance(value, str) else json_type(value)


def in_words(kind: str, context: Mapping[str, Any], value: object) -> str:
    """One pydantic error, by its type, context and input, in this library's words."""
    return WORDS.get(kind, _always("has a value that cannot be used"))(context, value)


def choices(context: Mapping[str, Any]) -> tuple[str, ...]:
    """The values that a `literal_error` would have accepted."""
    return tuple(re.findall(r"'([^']*)'", str(context.get("expected", ""))))
