"""Fetched keys: kept fresh off the way of requests, served stale within a bound, asked again for a new `kid`."""

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Final, NamedTuple

from policy.document.wording import printable
from policy.errors import KeysUnavailable
from policy.tokens.keys import Key, PublicKeys
from policy.tokens.remote.http import SECONDS, FetchFailed

logger: Final = logging.getLogger("policy.tokens")

FRESH_UNLESS_SAID: Final = 600.0
FRESH_AT_LEAST: Final = 60.0
FRESH_AT_MOST: Final = 3600.0
REFRESH_AT: Final = 0.8
"""The part of the time of freshness after which the next fetch is due."""
NEW_KID_EVERY: Final = 10.0
LOST_AT_MOST: Final = 4
"""How many fetches that were given up may still be waiting for an answer."""
RETRY_AFTER: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds to the next try after the first failure in a row, the second, and so on; the last for all later ones."""


class FetchedKeys(NamedTuple):
    """What one fetch gave: the keys, for how many seconds they are called fresh, and a mark that changes with them."""

    keys: PublicKeys
    max_age: float | None
    mark: str


class State(NamedTuple):
    """What is known at one moment; replaced as a whole. Times are the clock's, in seconds."""

    keys: PublicKeys | None = None
    mark: str = ""
    generation: int = 0
    fetched: float = 0.0
    due: float = 0.0
    expires: float = 0.0
    ends: float = 0.0
    failures: int = 0
    failure: str = ""

    def after(self, found: FetchedKeys, now: float, max_stale: float) -> "State":
        """The state after a fetch that gave keys."""
        said = FRESH_UNLESS_SAID if found.max_age is None else found.max_age
        fresh = min(max(said, FRESH_AT_LEAST), FRESH_AT_MOST)
        generation = self.generation + (found.mark != self.mark)
        expires = now + fresh
        return State(found.keys, found.mark, generation, now, now + fresh * REFRESH_AT, expires, expires + max_stale)

    def failed(self, why: str, now: float) -> "State":
        """The state after a fetch that gave none: what was there stays."""
        pause = RETRY_AFTER[min(self.failures, len(RETRY_AFTER) - 1)]
        return self._replace(due=now + pause, failures=self.failures + 1, failure=why)

    def serve(self, now: float) -> PublicKeys | None:
        """The keys, as long as they may be used."""
        return self.keys if now < self.ends else None


class RemoteKeys:
    """The keys of one issuer, fetched at their first use in a process and then ahead of their expiry.

    `fetch` gives keys or raises `FetchFailed`; it only ever runs in a thread of its own, once at a time. `max_stale` is
    for how many seconds past their freshness keys are still used while no newer ones can be had. A `kid` that is not
    known is asked for at once, though at most once in ten seconds for all of them.
    """

    def __init__(
        self, fetch: Callable[[], FetchedKeys], *, max_stale: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch, self._max_stale, self._clock = fetch, max_stale, clock
        self._state = State()
        self._new_kid_at = float("-inf")
        self._reset()
        _ALL.add(self)

    def _reset(self) -> None:
        """Forget threads and locks that a fork has copied; keys stay."""
        self._lock = threading.Lock()
        self._flight: _Flight | None = None
        self._landing: list[threading.Thread] = []
        self._refreshing: threading.Event | None = None

    @property
    def generation(self) -> int:
        """A number that changes whenever the keys do, and is -1 while there are none that may be used."""
        if self._refreshing is None:
            self._begin_refreshing()
        state = self._state
        return state.generation if self._clock() < state.ends else -1

    @property
    def is_stale(self) -> bool:
        """Whether the keys in use are past their freshness, because no newer ones could be had."""
        state = self._state
        return state.keys is not None and self._clock() >= state.expires

    @property
    def failure(self) -> str:
        """Why the last fetch gave no keys; empty where it did."""
        return self._state.failure

    def find(self, algorithm: str, kid: str | None) -> Key:
        """The key for a token; `TokenRefused` where there is none, `KeysUnavailable` where that cannot be known."""
        keys = self._usable()
        if self._refreshing is None:
            self._begin_refreshing()
        if kid is not None and not keys.knows(algorithm, kid):
            keys = self._asked_again(keys, algorithm, kid)
        return keys.find(algorithm, kid)

    def _usable(self) -> PublicKeys:
        now = self._clock()
        keys = self._state.serve(now)
        if keys is None and (self._state.failures == 0 or now >= self._state.due):
            keys = self._fly().serve(self._clock())
        if keys is None:
            raise KeysUnavailable(self._state.failure or "the keys did not arrive in time")
        return keys

    def _asked_again(self, keys: PublicKeys, algorithm: str, kid: str) -> PublicKeys:
        """The keys after asking for a `kid` that is not among them, if it is time to ask.

        A fetch that is under way is waited for, and may have begun before the `kid` was published: hence twice.
        """
        for _ in range(2):
            flight = self._flight_for_new_kid()
            if flight is not None:
                flight.done.wait(SECONDS)
            keys = self._state.serve(self._clock()) or keys
            if flight is None or keys.knows(algorithm, kid):
                break
        if not keys.knows(algorithm, kid) and self._state.failure:
            raise KeysUnavailable(self._state.failure)
        return keys

    def _flight_for_new_kid(self) -> "_Flight | None":
        with self._lock:
            if self._flight is not None and not self._flight.is_lost():
                return self._flight
            now = self._clock()
            if now < self._new_kid_at + NEW_KID_EVERY:
                return None
            self._new_kid_at = now
            return self._start()

    def _fly(self) -> State:
        """Fetch, or wait for the fetch that is under way; the state afterwards, changed or not."""
        with self._lock:
            flight = self._flight
            if flight is None or flight.is_lost():
                flight = self._start()
        flight.done.wait(SECONDS)
        return self._state

    def _start(self) -> "_Flight":
        flight = self._flight = _Flight()
        self._landing = [thread for thread in self._landing if thread.is_alive()]
        if len(self._landing) >= LOST_AT_MOST:
            flight.done.set()  # a provider that never finishes an answer shall not fill the process with threads
            return flight
        thread = threading.Thread(target=self._land, args=(flight,), name="policy-keys-fetch", daemon=True)
        self._landing.append(thread)
        thread.start()
        return flight

    def _land(self, flight: "_Flight") -> None:
        try:
            found: FetchedKeys | str = self._fetch()
        except FetchFailed as error:
            found = str(error)
        except Exception as error:  # whatever it is: those who wait must not wait in vain
            logger.exception("fetching keys failed")
            found = repr(error)
        with self._lock:
            if self._flight is flight:
                self._take(found)
                self._flight = None
        flight.done.set()

    def _take(self, found: FetchedKeys | str) -> None:
        now, before = self._clock(), self._state
        if isinstance(found, str):
            self._state = before.failed(found, now)
            logger.error("keys could not be fetched: %s", printable(found))
            return
        self._state = before.after(found, now, self._max_stale)
        if before.failure:
            logger.warning("keys can be fetched again")

    def refresh_if_due(self) -> None:
        """Fetch if it is time to; what the refreshing thread does again and again."""
        if self._clock() >= self._state.due:
            self._fly()

    def _begin_refreshing(self) -> None:
        with self._lock:
            if self._refreshing is None:
                stop = self._refreshing = threading.Event()
                given = (weakref.ref(self, lambda _: stop.set()), stop)
                threading.Thread(target=_refresh, args=given, name="policy-keys", daemon=True).start()

    def seconds_to_refresh(self) -> float:
        """How long until the next fetch is due."""
        return max(0.0, self._state.due - self._clock())

    def close(self) -> None:
        """Stop refreshing; a later use begins again."""
        if self._refreshing is not None:
            self._refreshing.set()
            self._refreshing = None


class _Flight:
    """One fetch that is under way. One that takes longer than its limit is given up: another may start."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self._began = time.monotonic()

    def is_lost(self) -> bool:
        return time.monotonic() > self._began + 2 * SECONDS


def _refresh(reference: "weakref.ref[RemoteKeys]", stop: threading.Event) -> None:
    """Refresh until told to stop, or until nobody else knows the keys."""
    while (keys := reference()) is not None:
        keys.refresh_if_due()
        pause = max(0.1, keys.seconds_to_refresh())
        del keys
        if stop.wait(pause):
            return


_ALL: Final["weakref.WeakSet[RemoteKeys]"] = weakref.WeakSet()


def _after_fork() -> None:
    for keys in list(_ALL):
        keys._reset()  # noqa: SLF001 - this module's own


os.register_at_fork(after_in_child=_after_fork)
