"""Texts by hypothesis: JSON with the names that a parser knows, and tokens made of it."""

import json
from typing import Any, Final

from hypothesis import strategies as st

from tests.fuzz.mutating import NAMES, VALUES
from tests.fuzz.parsers import Parser

_NUMBERS: Final = st.integers() | st.floats()
_TEXTS: Final = st.sampled_from(NAMES) | st.text(max_size=12) | st.sampled_from(["ES256", "at+jwt", "read:data", "*"])
_LEAVES: Final = st.none() | st.booleans() | _NUMBERS | _TEXTS | st.sampled_from(VALUES)


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(_TEXTS, inner, max_size=5)


_JSON: Final = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=4) | _objects(inner), max_leaves=12)


def _merged(good: bytes, drawn: dict[str, Any], left_out: set[str]) -> bytes:
    """A good object with some members taken away and others put in."""
    kept = {name: value for name, value in json.loads(good).items() if name not in left_out}
    return json.dumps({**kept, **drawn}).encode("utf-8", "surrogatepass")


def _object_like(seeds: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    left_out = st.sets(st.sampled_from(sorted({name for seed in seeds for name in json.loads(seed)})), max_size=2)
    return st.builds(_merged, st.sampled_from(seeds), _objects(_JSON), left_out)


def texts_for(parser: Parser) -> st.SearchStrategy[bytes]:
    """Any bytes, any JSON, and what is nearly good."""
    some = st.binary(max_size=64) | _JSON.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass"))
    if parser.join is not None:
        return some | st.builds(parser.join, _object_like(parser.heads), _object_like(parser.seeds))
    if parser.seeds[0][:1] == b"{":
        return some | _object_like(parser.seeds)
    return some | st.lists(st.sampled_from((*parser.seeds, b" ", b",", b"=")) | st.binary(max_size=4)).map(b"".join)
