"""The shadow policy of an application, while its folder changes: what is wrong with it is loud, and hurts nobody."""

import logging
import os
import threading
from collections.abc import Callable
from typing import Any, Final, Literal

from policy.engine import Policy
from policy.errors import PolicyError, Problem
from policy.reload import Snapshot, Watcher, take
from policy.reload.snapshot import unreadable
from policy.shadow import Clock, Shadow

logger: Final = logging.getLogger("policy.shadow")
PathLike = str | os.PathLike[str]
Standing = Literal["current", "last-good", "broken"]
Suits = Callable[[Policy], tuple[Problem, ...]]


class Shadowing:
    """Loads a shadow policy, and takes what its folder becomes.

    `standing` is `current` where the folder is what is compared, `last-good` where a later edit of it does not load,
    and `broken` where nothing was loaded yet, so that nothing is compared. `unsuited` is why the application could not
    be sealed with it.
    """

    def __init__(self, given: PathLike | Policy, *, interval: float | None, clock: Clock, suits: Suits) -> None:
        self.shadow: Final = Shadow(clock=clock)
        self.standing: Standing = "broken"
        self.problems: tuple[Problem, ...] = ()
        self.unsuited: tuple[Problem, ...] = ()
        self._suits: Final = suits
        self._sealed = False
        self._watcher: Watcher | None = None
        self._process = 0
        if isinstance(given, Policy):
            self._take(given)
        else:
            seen = self._start(given)
            if interval is not None:
                self._watcher = Watcher(given, self._changed, seen=seen, interval=interval)

    def _start(self, path: PathLike) -> str:
        """Load what is there; the fingerprint of it, sound or not, so that the same is not told twice."""
        try:
            snapshot = take(path)
        except PolicyError as error:
            self._changed(error)
            return unreadable(error)
        self._changed(snapshot)
        return snapshot.fingerprint

    def _changed(self, found: Snapshot | PolicyError) -> None:
        try:
            if isinstance(found, PolicyError):
                raise found
            rules = found.load()
        except PolicyError as error:
            self._stand(error.problems, str(error))
        except Exception as error:  # a policy that breaks its reader must not break the application
            text = f"it cannot be read: {type(error).__name__}"
            self._stand((Problem(message=text),), text)
        else:
            self._take(rules)

    def _stand(self, problems: tuple[Problem, ...], text: str) -> None:
        self.standing = "broken" if self.shadow.rules is None else "last-good"
        self.problems = problems
        logger.critical("the shadow policy does not load, %s:\n%s", _WORDS[self.standing], text)

    def _take(self, rules: Policy) -> None:
        self.shadow.take(rules)
        self.standing, self.problems = "current", ()
        # to begin with one is as it should be, and another one in its place is news
        level = logging.WARNING if self._sealed else logging.INFO
        logger.log(level, "the shadow policy %s is decided beside the enforced one", rules.digest)
        if self._sealed:
            self._look_at_routes(rules)

    def sealed(self) -> None:
        """The application's routes are known: say which of them the shadow policy does not fit."""
        self._sealed = True
        if self.shadow.rules is not None:
            self._look_at_routes(self.shadow.rules)

    def _look_at_routes(self, rules: Policy) -> None:
        try:
            self.unsuited = self._suits(rules)
        except Exception:  # it is only told
            logger.exception("the shadow policy could not be held against the routes")
        if self.unsuited:
            logger.critical("the shadow policy could not be enforced here:\n%s", PolicyError(self.unsuited))

    def enforced_anew(self) -> None:
        """Another policy is enforced, so what was counted compares two that are not together any more."""
        self.shadow.tally.begin_anew()

    def ensure_watching(self) -> None:
        """Start watching at the first use in a process; nobody waits for it."""
        if self._watcher is None or self._process == os.getpid():
            return
        self._process = os.getpid()
        try:
            threading.Thread(target=_begin, args=(self._watcher,), name="policy-shadow", daemon=True).start()
        except RuntimeError:  # no thread can be started: the policy stays as it is
            logger.exception("the shadow policy is not watched")

    def look(self) -> None:
        """One look at the folder now."""
        if self._watcher is not None:
            self._watcher.step()

    def health(self) -> dict[str, Any]:
        """What is compared, how it stands to its folder, and how often the two policies disagreed in this process."""
        rules = self.shadow.rules
        return {
            "policy": rules.digest if rules is not None else None,
            "standing": self.standing,
            "problems": [str(problem) for problem in (*self.problems, *self.unsuited)],
            **self.shadow.tally.as_dict(),
        }


def _begin(watcher: Watcher) -> None:
    try:
        watcher.ensure_running()
    except RuntimeError:  # as above
        logger.exception("the shadow policy is not watched")


_WORDS: Final[dict[Standing, str]] = {
    "current": "the one before is compared",
    "last-good": "the last good one is compared",
    "broken": "nothing is compared",
}
