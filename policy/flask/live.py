"""The policy that an application decides by, while its folder changes: the new one, or the last good one, loudly."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

from policy.audit import AuditLog, AuditSink
from policy.document.wording import printable
from policy.engine import Policy
from policy.errors import PolicyError, Problem
from policy.flask.options import Options
from policy.flask.shadowing import Shadowing
from policy.guard import Guard
from policy.reload import Kept, Snapshot, Watcher, take
from policy.reload.kept import outside
from policy.reload.snapshot import fingerprint, key_files
from policy.revocation import Places
from policy.tokens import SeenInFile, SeenInMemory, SeenProofs, TokenVerifier
from policy.tokens.revoked import problems_of

logger: Final = logging.getLogger("policy.reload")
Standing = Literal["current", "last-good", "last-accepted"]
Suits = Callable[[Policy], tuple[Problem, ...]]


class Live:
    """Holds the guard in force. A request takes it once and keeps it; a change puts another one in its place.

    `standing` is `current` where the folder is what decides, `last-good` where a later edit of it was refused, and
    `last-accepted` where it was broken at the start and what was kept of it decides.
    """

    def __init__(self, options: Options, *, suits: Suits, taken: Callable[[str, str], None]) -> None:
        self._options, self._suits, self._taken = options, suits, taken
        self._kept, self._seen = _kept(options), _seen(options)
        self.standing: Standing = "current"
        self.problems: tuple[Problem, ...] = ()
        self.since = options.clock()
        self.guard: Guard
        self._watcher: Watcher | None = None
        self._keep_when_sealed: Snapshot | None = None
        self._places: Places | None = None
        self.shadowing: Final = _shadowing(options, suits)
        if isinstance(options.policy, Policy):
            self.guard = self._guard(options.policy)
        else:
            self._start(options.policy)
        keep = self._kept.folder if self._kept else None
        self._places = Places(_folder(options), options.revocations, self.guard.rules, keep=keep)
        self.guard = self._guard(self.guard.rules)

    def _start(self, path: Any) -> None:
        seen = ""
        try:
            snapshot = take(path)
            rules = snapshot.load()
            # of what was read, not of what is there by now: an edit in between is a change to be seen
            seen = fingerprint(snapshot.sources, key_files(rules.issuers.values()))
            self.guard, self._keep_when_sealed = self._guard(rules), snapshot
        except PolicyError as error:
            last = self._kept.last(path) if self._kept else None
            if last is None:
                raise
            self._stand("last-accepted", error)
            self.guard = self._guard(last)
        if self._options.reload is not None:
            self._watcher = Watcher(path, self._changed, seen=seen, keys=self._keys, interval=self._options.reload)

    def sealed(self) -> None:
        """The application's seal holds with the policy in force: it is accepted, and kept."""
        if self._keep_when_sealed is not None:
            self._keep(self._keep_when_sealed)
            self._keep_when_sealed = None
        if self.shadowing is not None:
            self.shadowing.sealed()

    def ensure_watching(self) -> None:
        """Start watching at the first use in a process."""
        if self._watcher is not None and self._watcher.ensure_running() and self._kept is not None:
            # from its first use on a worker counts: an idle one decides nothing
            self._kept.tell(self.guard.rules.digest)
        if self.shadowing is not None:
            self.shadowing.ensure_watching()

    def look(self) -> None:
        """One look at the folder now, as the watcher does at intervals."""
        if self._watcher is not None:
            self._watcher.step()
        if self.shadowing is not None:
            self.shadowing.look()

    def _keys(self) -> tuple[Path, ...]:
        return key_files(self.guard.rules.issuers.values())

    def _changed(self, found: Snapshot | PolicyError) -> None:
        try:
            if isinstance(found, PolicyError):
                raise found
            rules = found.load()
            if problems := self._suits(rules):
                raise PolicyError(problems)
            guard = self._guard(rules, standing="current")
        except PolicyError as error:
            self._stand("last-good" if self.standing != "last-accepted" else self.standing, error)
            self.guard = self._guard(self.guard.rules, verifier=self.guard.verifier)
            return
        previous, self.guard = self.guard.rules.digest, guard
        if self._places is not None:
            self._places.of(rules)
        if self.shadowing is not None:
            self.shadowing.enforced_anew()
        self.standing, self.problems, self.since = "current", (), self._options.clock()
        self._keep(found)
        if self._kept is not None:
            self._kept.tell(rules.digest)
        logger.warning("the policy %s has replaced %s", rules.digest, previous)
        self._taken(rules.digest, previous)

    def _stand(self, standing: Standing, error: PolicyError) -> None:
        self.standing, self.problems = standing, error.problems
        logger.critical("the policy on disk is refused, %s decides:\n%s", _WORDS[standing], error)

    def _guard(
        self, rules: Policy, *, verifier: TokenVerifier | None = None, standing: Standing | None = None
    ) -> Guard:
        options = self._options
        remark = "" if (standing or self.standing) == "current" else self.standing
        before = self.guard.verifier if hasattr(self, "guard") else None
        revocations = self._places.revocations if self._places else None
        if problems := _unprovable(rules, options):
            raise PolicyError(problems)
        checked = verifier or TokenVerifier(
            rules, like=before, remembered=options.remembered, seen=self._seen, revocations=revocations
        )
        shadow = self.shadowing.shadow if self.shadowing else None
        return Guard(rules, checked, options.audit, clock=options.clock, remark=remark, shadow=shadow)

    def _keep(self, snapshot: Snapshot) -> None:
        if self._kept is None:
            return
        try:
            self._kept.keep(snapshot, self.guard.rules.digest)
        except OSError as error:
            logger.critical("the accepted policy could not be kept in `%s`: %s", self._kept.folder, error)

    def health(self) -> dict[str, Any]:
        """What decides here, how it stands to the folder, and what the other workers decide by, as JSON values."""
        digest = self.guard.rules.digest
        if self._kept is not None:
            self._kept.tell(digest)
        workers = self._kept.workers() if self._kept else {}
        return {
            "policy": digest,
            "standing": self.standing,
            "since": self.since,
            "problems": [str(problem) for problem in self.problems],
            "revocations": self._revocations(),
            "workers": {str(process): theirs for process, theirs in workers.items()},
            "drift": len({digest, *workers.values()}) > 1,
            **({"shadow": self.shadowing.health()} if self.shadowing else {}),
            **({"audit": self._options.audit.health()} if isinstance(self._options.audit, AuditLog) else {}),
            "time": time.time(),
        }

    def _revocations(self) -> dict[str, Any]:
        """How what is revoked stands: `last-good` where a later edit of it was refused."""
        if self._places is not None:
            self._places.look()
        revocations = self.guard.verifier.revocations
        problems = [str(problem) for problem in problems_of(revocations)]
        return {"standing": "last-good" if problems else "current", "problems": problems}


_WORDS: Final[dict[Standing, str]] = {
    "current": "the policy on disk",
    "last-good": "the last good one",
    "last-accepted": "the one accepted last",
}


def _folder(options: Options) -> Path | None:
    return None if isinstance(options.policy, Policy) else Path(options.policy)


def _shadowing(options: Options, suits: Suits) -> Shadowing | None:
    if options.shadow is None:
        return None
    return Shadowing(options.shadow, interval=options.reload, clock=options.clock, suits=suits)


def _kept(options: Options) -> Kept | None:
    if isinstance(options.policy, Policy):
        return None
    folder = options.state or _beside(options.audit)
    return Kept(outside(Path(folder), options.policy)) if folder else None


def _seen(options: Options) -> SeenProofs:
    """Where proofs are noted: by all workers in one file, if there is a folder for it."""
    folder = options.state or _beside(options.audit)
    return SeenInFile(Path(folder) / "proofs.sqlite") if folder else SeenInMemory()


def _unprovable(rules: Policy, options: Options) -> tuple[Problem, ...]:
    """The issuers of which no token bound to a certificate could ever be accepted."""
    if options.certificate_hash_header:
        return ()
    return tuple(
        Problem(
            path=f'issuers["{printable(name)}"].proof',
            message="`certificate` needs the hash of the caller's certificate, and no header is named that has it",
            hint='add certificate_hash_header="X-Client-Cert-Hash", one that your front end always sets',
        )
        for name, issuer in rules.issuers.items()
        if "certificate" in issuer.proof
    )


def _beside(audit: AuditSink | None) -> Path | None:
    return audit.folder / "policies" if isinstance(audit, AuditLog) else None
