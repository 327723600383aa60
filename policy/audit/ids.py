"""Ids of records: 128 random bits, drawn from the system many at a time."""

import os
from typing import Final

_DRAWN_AT_ONCE: Final = 256
_drawn: list[str] = []
os.register_at_fork(after_in_child=_drawn.clear)


def new_id() -> str:
    """An id that nobody had before and nobody can guess: 32 hexadecimal digits."""
    try:
        return _drawn.pop()
    except IndexError:
        digits = os.urandom(16 * _DRAWN_AT_ONCE).hex()
        ids = [digits[at : at + 32] for at in range(0, len(digits), 32)]
        found = ids.pop()
        _drawn.extend(ids)
        return found
