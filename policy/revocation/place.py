"""Where an application's revocations are: in documents of its policy's folder, and in what it was given besides."""

import os
from pathlib import Path

from policy.engine import Policy
from policy.errors import PolicyError, RevocationUnavailable
from policy.files import revocation_files
from policy.revocation.documents import RevocationDocuments
from policy.revocation.several import Several
from policy.revocation.sqlite import SqliteRevocations
from policy.revocation.store import DOCUMENT, Store, open_store
from policy.tokens.revoked import Revocations

PathLike = str | os.PathLike[str]


class Places:
    """All that an application asks about revoked tokens. `PolicyError` where a document or a store cannot be used."""

    def __init__(
        self, policy: PathLike | None, given: PathLike | Revocations | None, rules: Policy, *, keep: Path | None = None
    ) -> None:
        def documents(path: PathLike) -> RevocationDocuments:
            return RevocationDocuments(path, rules.issuers, keep=keep)

        self._documents = [documents(policy)] if policy and Path(policy).is_dir() else []
        asked: list[Revocations] = []
        if isinstance(given, str | os.PathLike) and str(given).endswith(DOCUMENT):
            self._documents.append(documents(given))
        elif isinstance(given, str | os.PathLike):
            asked.append(_at_hand(open_store(given)))
        elif given is not None:
            asked.append(_able(given))
        everything = [*self._documents, *asked]
        self.revocations: Revocations | None = everything[0] if len(everything) == 1 else Several(everything)
        if not everything:
            self.revocations = None

    def of(self, rules: Policy) -> None:
        """Go on with the issuers of another policy."""
        for documents in self._documents:
            documents.of(rules.issuers)

    def look(self) -> None:
        """Look at the documents now."""
        for documents in self._documents:
            documents.look()


def revoked_beside(policy: PathLike, rules: Policy) -> RevocationDocuments | None:
    """What the documents in a policy's folder revoke; `None` where it has none."""
    return RevocationDocuments(policy, rules.issuers) if revocation_files(policy) else None


def _able(given: Revocations) -> Revocations:
    """What has no `find` would fail at the first token."""
    if isinstance(given, type) or not callable(getattr(given, "find", None)):
        name = given.__name__ if isinstance(given, type) else type(given).__name__
        which = "is a class; give an object of it" if isinstance(given, type) else "has no `find(facts)`"
        raise PolicyError(f"revocations= is of `{name}`, which {which}")
    return given


def _at_hand(store: Store) -> Revocations:
    """A store that is there; a server is asked when the first token comes, as nothing is opened before."""
    if isinstance(store, SqliteRevocations):
        try:
            store.check()
        except RevocationUnavailable as error:
            raise PolicyError(str(error)) from error
    return store
