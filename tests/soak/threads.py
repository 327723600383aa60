"""Many threads deciding by one application's policy while it is replaced again and again."""

import shutil
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from flask import Flask

from policy.flask import Authorizer
from tests.issuing import ISSUER
from tests.soak import variants

CLAIMS: Final = {"iss": ISSUER, "sub": "alice", "roles": ["reader", *variants.HELD]}


@dataclass(kw_only=True)
class Decided:
    """How many decisions were made by which policy, and those that came out otherwise than the policy says."""

    by: Counter[str] = field(default_factory=Counter)
    wrong: Counter[tuple[str, str]] = field(default_factory=Counter)
    swaps: int = 0


class _Turns:
    """Lets the threads go on until all have decided as often as they should, however the clock runs."""

    def __init__(self, live: Any, decisions: int, expected: dict[str, frozenset[str]]) -> None:
        self.live, self.left, self.expected = live, decisions, expected
        self.lock, self.total = threading.Lock(), Decided()
        self.until, self.more = decisions, threading.Condition(self.lock)

    def allow(self, until: int) -> None:
        """Let the threads go on until so many decisions are left."""
        with self.more:
            self.until = until
            self.more.notify_all()

    def work(self) -> None:
        """Decide in rounds of all permissions: each round by the policy in force when it began."""
        mine = Decided()
        while self._take(100 * variants.PARTS):
            for _ in range(100):
                self._round(mine)
        with self.lock:
            self.total.by += mine.by
            self.total.wrong += mine.wrong

    def _round(self, mine: Decided) -> None:
        rules = self.live.guard.rules
        subject = rules.subject(ISSUER, CLAIMS)
        may = self.expected[rules.digest]
        for name in variants.PERMISSIONS:
            if rules.decide(subject, name, now=0.0).allowed is not (name in may):
                mine.wrong[rules.digest, name] += 1
        mine.by[rules.digest] += variants.PARTS

    def _take(self, number: int) -> bool:
        with self.more:
            self.more.wait_for(lambda: self.left > self.until)
            self.left -= number
            return self.left >= 0


def run(root: Path, *, threads: int, decisions: int, swaps: int) -> Decided:
    """So many decisions in so many threads, with the policy replaced whenever another part of them is made."""
    folders = [root / f"variant-{number}" for number in range(variants.PARTS)]
    digests = [variants.write(folder, number) for number, folder in enumerate(folders)]
    shutil.copytree(folders[0], root / "policies")
    live = _live(root)
    expected = {digest: frozenset(variants.may(number)) for number, digest in enumerate(digests)}
    turns = _Turns(live, decisions, expected)
    working = [threading.Thread(target=turns.work) for _ in range(threads)]
    for thread in working:
        thread.start()
    for number in range(1, swaps + 1):
        turns.allow(decisions - decisions * number // (swaps + 1))  # this part goes on while the policy is replaced
        _replace(root / "policies", folders[number % len(folders)])
        live.look()
        live.look()
        turns.total.swaps += live.guard.rules.digest == digests[number % len(folders)]
    turns.allow(-decisions)
    for thread in working:
        thread.join()
    return turns.total


def _live(root: Path) -> Any:
    app = Flask("threads", static_folder=None)
    authz = Authorizer(app, policy=root / "policies", audit=None, reload=3600)
    authz.seal()
    return app.extensions["policy"].live


def _replace(policies: Path, folder: Path) -> None:
    for file in folder.iterdir():
        shutil.copy(file, policies / file.name)
