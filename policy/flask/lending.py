"""Other keys in place of those of an application's issuers, for as long as code lends them: for `policy.testing`."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from policy.guard import Guard
from policy.tokens.verifier import KeysOf


class _Loan:
    """Keys that are lent once; the same keys lent again are another loan."""

    def __init__(self, keys_of: KeysOf) -> None:
        self.keys_of: Final = keys_of


class _Made(NamedTuple):
    """The guard in force, what was lent to it, and the guard that came of both."""

    own: Guard
    loan: _Loan
    guard: Guard


class LentKeys:
    """What is lent to one application: the keys lent last count, also for policies that are loaded meanwhile.

    They are real keys, and nothing but code can hand them over: no document, variable or setting names them. All else
    stays the application's own, and so do its guards, which are only stepped aside from.
    """

    def __init__(self) -> None:
        self._loans: tuple[_Loan, ...] = ()
        self._made: _Made | None = None
        self._lock: Final = threading.Lock()

    @contextmanager
    def lend(self, keys_of: KeysOf) -> Iterator[None]:
        """Lend keys for as long as the context lasts; contexts may end in any order."""
        loan = _Loan(keys_of)
        with self._lock:
            self._loans = (*self._loans, loan)
        try:
            yield
        finally:
            with self._lock:
                self._loans = tuple(each for each in self._loans if each is not loan)

    def applied(self, own: Guard) -> Guard:
        """The guard that a request takes: the application's own, or the same with the keys that are lent."""
        loans = self._loans
        if not loans:
            return own
        made = self._made
        if made is None or made.own is not own or made.loan is not loans[-1]:
            made = self._made = _Made(own, loans[-1], own.with_keys(loans[-1].keys_of))
        return made.guard
