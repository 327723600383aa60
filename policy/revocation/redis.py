"""Revocations in Redis, shared by several machines."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from policy.errors import PolicyError, Problem, RevocationUnavailable
from policy.revoked import FOREVER, Facts, Key, Revocation, in_words, keys_of

try:
    import redis
except ImportError:  # pragma: no cover - the extra `redis` is not installed
    redis = None  # type: ignore[assignment]

SCHEMES: Final = ("redis://", "rediss://", "unix://")
WAIT: Final = 2.0
PREFIX: Final = "claims-policy:revoked:"
MARK: Final = "claims-policy:revocations"
VERSION: Final = "1"
#: In milliseconds: the server forgets by its own clock, which may be ahead of those that accept tokens.
SPARE: Final = 24 * 3600 * 1000
MISSING: Final = "revocations in Redis need the package `redis`: install `claims-policy[redis]`"
#: Put an entry in place of the one with the same key, unless that one has changed since it was read.
REPLACE: Final = """
if redis.call('get', KEYS[1]) ~= (ARGV[1] ~= '' and ARGV[1]) then return 0 end
redis.call('set', KEYS[1], ARGV[2])
if ARGV[3] ~= '' then redis.call('pexpireat', KEYS[1], ARGV[3]) end
return 1
"""


class RedisRevocations:
    """A store in a Redis server. Nothing is opened before the first use in a process.

    A mark says that the store is there: a server that lost its data is `RevocationUnavailable`, not an empty store, as
    is one that does not answer within two seconds. The server has to keep what it is given: `noeviction`, and
    persistence.
    """

    problems: tuple[Problem, ...] = ()

    def __init__(self, address: str) -> None:
        if redis is None:
            raise PolicyError(MISSING)
        try:
            # the pool opens connections at first use, and notices a fork by itself
            self._client: Any = redis.Redis.from_url(
                address, socket_timeout=WAIT, socket_connect_timeout=WAIT, decode_responses=True
            )
        except ValueError as error:
            raise PolicyError(f"the address of Redis cannot be used: {error}") from error

    def find(self, facts: Facts) -> str | None:
        """Why a token is revoked, or `None`; one question to the server."""
        keys = list(keys_of(facts))
        with _unavailable():
            mark, *found = self._client.mget([MARK, *map(_name, keys)])
            _check_mark(mark)
            for key, text in zip(keys, found, strict=True):
                before = FOREVER if text is None else _revocation(text).before
                if text is not None and facts.issued <= before:
                    return in_words(key, before)
        return None

    def create(self) -> None:
        """Put the mark in place."""
        with _unavailable():
            self._client.set(MARK, VERSION, nx=True)

    def add(self, entry: Revocation) -> Revocation:
        """Revoke; the entry as it stands now."""
        name = _name(entry.key)
        with _unavailable():
            while True:
                mark, former = self._client.mget([MARK, name])
                _check_mark(mark)
                whole = entry.with_former(None if former is None else _revocation(former))
                until = "" if whole.until is None else str(int(whole.until * 1000) + SPARE)
                if self._client.eval(REPLACE, 1, name, former or "", _text(whole), until):
                    return whole

    def remove(self, key: Key) -> bool:
        """Take an entry back."""
        with _unavailable():
            _check_mark(self._client.get(MARK))
            return bool(self._client.delete(_name(key)))

    def entries(self) -> Sequence[Revocation]:
        """Everything that is revoked."""
        with _unavailable():
            _check_mark(self._client.get(MARK))
            names = sorted(self._client.scan_iter(match=f"{PREFIX}*", count=1000))
            texts = self._client.mget(names) if names else []
            return sorted((_revocation(text) for text in texts if text is not None), key=lambda entry: entry.key)

    def purge(self, now: float) -> int:
        """Forget what may be forgotten by now; the server does so by itself a day later."""
        due = [entry for entry in self.entries() if entry.until is not None and entry.until <= now]
        return sum(self.remove(entry.key) for entry in due)


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (redis.RedisError, OSError, ValueError, KeyError, TypeError) as error:
        raise RevocationUnavailable(f"the revocations in Redis cannot be read: {error}") from error


def _check_mark(mark: str | None) -> None:
    if mark is None:
        raise RevocationUnavailable(
            f"the revocations in Redis cannot be read: `{MARK}` is not there, so the server has none or has lost them; "
            "make the store with `policy token revoke --create`"
        )
    if mark != VERSION:
        raise RevocationUnavailable(f"the revocations in Redis are of version {mark}, not {VERSION}")


def _name(key: Key) -> str:
    """A name of fixed length; the parts are kept apart by their lengths."""
    text = "".join(f"{len(part)}:{part}" for part in key)
    return PREFIX + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _text(entry: Revocation) -> str:
    values = {"issuer": entry.issuer, "what": entry.what, "value": entry.value, "issued_before": entry.issued_before,
              "until": entry.until, "note": entry.note}  # fmt: skip
    return json.dumps(values, allow_nan=False)


def _revocation(text: str) -> Revocation:
    return Revocation(**json.loads(text))
