"""One chain of lines: each carries its number and the SHA-256 of the line before it, as that one was written."""

from hashlib import sha256
from typing import Final, NamedTuple, Protocol

#: What the first line of a chain names as its predecessor.
START: Final = "0" * 64


class Sealer(Protocol):
    """Makes what only the holder of a key can make of some bytes. `key` names the key, `algorithm` is of RFC 7518."""

    @property
    def algorithm(self) -> str:
        """`HS256` or `EdDSA`."""

    @property
    def key(self) -> str:
        """A short name of the key."""

    def mac(self, data: bytes) -> str:
        """The code or signature, in base64url without padding."""


class Position(NamedTuple):
    """Where a chain stands: the number of its next line, and the hash of its last one in hexadecimal."""

    sequence: int = 0
    head: str = START


class Chain:
    """Links lines. Not for several threads at once; `position` may be put back where lines were not taken."""

    __slots__ = ("position",)

    def __init__(self, position: Position | None = None) -> None:
        self.position = position or Position()

    def link(self, body: bytes) -> bytes:
        """The line of a JSON object in ASCII, with its line break; the chain then stands behind it."""
        sequence, head = self.position
        line = b'{"seq":%d,"prev":"%s"%s%s' % (sequence, head.encode(), b"" if body == b"{}" else b",", body[1:])
        self.position = Position(sequence + 1, sha256(line).hexdigest())
        return line + b"\n"

    def seal(self, body: bytes, sealer: Sealer | None) -> bytes:
        """Like `link`, with a code over all of the line before it, so that nobody without the key can write it anew."""
        if sealer is None:
            return self.link(body)
        before = self.position
        named = b'%s,"alg":"%s","key":"%s"}' % (body[:-1], sealer.algorithm.encode(), sealer.key.encode())
        open_line = self.link(named)[:-2]
        sealed = b'%s,"mac":"%s"}' % (open_line, sealer.mac(open_line).encode())
        self.position = Position(before.sequence + 1, sha256(sealed).hexdigest())
        return sealed + b"\n"
