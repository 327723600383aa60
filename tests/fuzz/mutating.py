"""A mutator with a seed: the same seed gives the same texts, so what was found can be found again."""

import json
from random import Random
from typing import Any, Final

from tests.fuzz.parsers import PARSERS, Parser

#: Values that parsers of this kind have tripped over.
VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 2**63, 10**30, -(10**400), 0.5, 1e308, float("nan"), float("inf"), "", " ", "*", "**",
    "none", "HS256", "\ud800", "\u202e", "\x00", "\ufeff", "a\nb", "a" * 3000, "../..", "https://", "http://[::1",
    [], {}, [[]], [None], [{}], {"": {}}, {"a": None}, ["a", 1], {"$schema": {}}, [[[[[[[[]]]]]]]],
)  # fmt: skip
#: Bytes that mean something to parsers of this kind.
PIECES: Final = (
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u", b"\\ud800", b"\\udc00\\ud800", b".", b"..", b"=", b"==",
    b"-", b"_", b"+", b"/", b" ", b"\t", b"\r\n", b"\x00", b"\x7f", b"\xff", b"\xc0\x80", b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae", b"NaN", b"Infinity", b"-0", b"1e999", b"0x1", b"9" * 400, b"null", b"true", b"Bearer ", b"DPoP ",
    b"bearer", b", Bearer a", b"e30", b"eyJ", b"[" * 70, b'{"a":' * 70, b"A" * 9000,
)  # fmt: skip


class Mutator:
    """Makes texts for a parser from its good ones."""

    def __init__(self, seed: int | str) -> None:
        self._random: Final = Random(seed)
        self._seeds: Final = tuple(text for each in PARSERS for text in (*each.seeds, *each.heads))

    def text_for(self, parser: Parser) -> bytes:
        """A text that is mostly good, or quite bad."""
        random = self._random
        if parser.join is not None and random.random() < 0.7:
            head, body = random.choice(parser.heads), random.choice(parser.seeds)
            which = random.randrange(4)  # mostly the payload
            return parser.join(*((self._json(head), body) if which == 0 else (head, self._json(body))))
        text = random.choice(parser.whole if parser.join is not None else parser.seeds)
        return self._json(text) if text[:1] == b"{" and random.random() < 0.8 else self._bytes(text)

    def _json(self, text: bytes) -> bytes:
        """The JSON text with some of its values, names or bytes changed."""
        value = json.loads(text)
        for _ in range(self._random.choice((1, 1, 1, 2, 4))):
            value = self._changed(value)
        made = json.dumps(value, ensure_ascii=self._random.random() < 0.7).encode("utf-8", "surrogatepass")
        return self._bytes(made) if self._random.random() < 0.15 else made

    def _changed(self, value: Any) -> Any:
        """The value with one thing changed somewhere in it."""
        if not value or not isinstance(value, (dict, list)) or self._random.random() < 0.1:
            return self._other(value)
        if isinstance(value, dict):
            return self._changed_object(dict(value))
        whole = list(value)
        at = self._random.randrange(len(whole))
        way = self._random.randrange(5)
        if way == 0:
            del whole[at]
        elif way == 1:
            whole.insert(at, whole[at])
        else:
            whole[at] = self._changed(whole[at])
        return whole

    def _changed_object(self, members: dict[str, Any]) -> dict[str, Any]:
        name = self._random.choice(list(members))
        way = self._random.randrange(8)
        if way == 0:
            del members[name]
        elif way == 1:
            members[str(self._other(name))[:4000]] = members.pop(name)
        elif way == 2:
            members[self._random.choice(NAMES)] = self._other(name)
        else:
            members[name] = self._changed(members[name])
        return members

    def _other(self, value: Any) -> Any:
        """Another value, sometimes nearly the same."""
        if isinstance(value, str) and value and self._random.random() < 0.4:
            return self._bytes(value.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
        return self._random.choice(VALUES)

    def _bytes(self, text: bytes) -> bytes:
        """The bytes with some of them changed, taken out, put in, said twice, or cut off."""
        random, made = self._random, bytearray(text)
        for _ in range(random.choice((1, 1, 2, 3, 8))):
            start = random.randrange(len(made) + 1)
            end = min(len(made), start + random.choice((0, 1, 1, 2, 8, 64)))
            way = random.randrange(6)
            if way == 0:
                made[start:end] = b""
            elif way == 1:
                made[start:start] = made[start:end]
            elif way == 2:
                made[start:end] = random.randbytes(end - start)
            elif way == 3:
                other = random.choice(self._seeds)
                made[start:end] = other[random.randrange(len(other)) :][:64]
            elif way == 4:
                made[start:] = b"" if random.random() < 0.3 else made[start:].swapcase()
            else:
                made[start:end] = random.choice(PIECES)
        return bytes(made)


def _names_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(_names_in(each) for each in value.values()))
    return set().union(*(_names_in(each) for each in value)) if isinstance(value, list) else set()


ODD_NAMES: Final = ("crit", "b64", "jwk", "jku", "x5u", "x5c", "d", "k", "oth", "key_ops", "use", "cnf", "when", "")
_TEXTS: Final = [text for each in PARSERS for text in (*each.seeds, *each.heads) if text[:1] == b"{"]
NAMES: Final = sorted({*ODD_NAMES}.union(*(_names_in(json.loads(text)) for text in _TEXTS)))
"""Every name of a member that stands in a good text, and some that parsers refuse."""
