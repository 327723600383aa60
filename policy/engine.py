"""The policy as its users see it: load it, decide with it, ask it who may and what one may."""

import math
import os
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from policy.compile import Compiled
from policy.errors import PolicyError
from policy.evaluate import decide
from policy.files import read_policy
from policy.model import Issuer
from policy.nearest import did_you_mean
from policy.reasons import Reason
from policy.subject import Subject


class Permissions(NamedTuple):
    """What a subject may do: `granted` at once, `conditional` only after a stronger or more recent login."""

    granted: frozenset[str]
    conditional: frozenset[str]


class Policy(Compiled):
    """A compiled, immutable policy. Safe to share between threads."""

    __slots__ = ()

    decide = decide

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, max_bytes: int = 32 * 2**20) -> Self:
        """Read a folder of JSON documents, or one document, each of at most `max_bytes` bytes.

        Raises `PolicyError` naming every problem of every document.
        """
        return cls(read_policy(path, max_bytes=max_bytes))

    @property
    def issuers(self) -> Mapping[str, Issuer]:
        """The issuers by name, which is their `iss` claim (RFC 7519 section 4.1.1)."""
        return self.document.issuers

    def subject(self, issuer: str, claims: Mapping[str, Any], token_id: str = "") -> Subject:
        """The subject of claims that this issuer signed and that were verified.

        `TokenRefused` where a claim has the wrong type; `PolicyError` where the policy has no such issuer.
        """
        reader = self.readers.get(issuer)
        if reader is None:
            raise PolicyError(f"the policy has no issuer `{issuer}`" + did_you_mean(issuer, self.readers))
        return reader.read(claims, token_id)

    def permissions_of(self, subject: Subject, *, tenant: str | None = None, now: float = math.inf) -> Permissions:
        """All a subject may do. Without a `now`, a login is taken to be too old wherever its age matters."""
        found: dict[Reason, list[str]] = {}
        for name in self.entries:
            found.setdefault(decide(self, subject, name, now=now, tenant=tenant).reason, []).append(name)
        return Permissions(frozenset(found.get(Reason.ALLOWED, ())), frozenset(found.get(Reason.STEP_UP_REQUIRED, ())))

    def roles_granting(self, permission: str) -> frozenset[str]:
        """The roles whose holders a grant or an allow rule gives the permission; denies may still forbid it.

        `PolicyError` where the policy does not declare the permission.
        """
        entry = self.entries.get(permission)
        if entry is None:
            raise PolicyError(f"unknown permission `{permission}`" + did_you_mean(permission, self.entries))
        return frozenset(self.closures) if entry.everyone else entry.roles
