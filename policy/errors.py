"""Every error this library raises on purpose."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from policy.reasons import SENTENCES, Reason

SHOWN_AT_MOST: Final = 50


class ClaimsPolicyError(Exception):
    """The base of every error of this library."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Problem:
    """One thing that is wrong, where it stands, and what may have been meant.

    `file` and `path` (such as `rules[3].effect`) are empty where there is no document, `line` is 0 where it is not
    known, and `count` says how often the same cause occurs.
    """

    file: str = ""
    line: int = 0
    path: str = ""
    message: str
    hint: str = ""
    count: int = 1

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.file, self.path, f"line {self.line}" if self.line else "") if part)
        text = f"{where}: {self.message}" if where else self.message
        text += f"; {self.hint}" if self.hint else ""
        return f"{text} ({self.count} times)" if self.count > 1 else text

    def at(self, line: int) -> "Problem":
        """The same problem with its line."""
        return replace(self, line=line)


class PolicyError(ClaimsPolicyError):
    """A policy, an application or a configuration that cannot be used; names every problem, not the first."""

    problems: tuple[Problem, ...]

    def __init__(self, problems: Iterable[Problem] | str) -> None:
        self.problems = (Problem(message=problems),) if isinstance(problems, str) else tuple(problems)
        super().__init__(*self.problems)

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[:SHOWN_AT_MOST]]
        total = sum(problem.count for problem in self.problems)
        if len(self.problems) > SHOWN_AT_MOST:
            lines.append(f"... and more: {total} problems in all, the first {SHOWN_AT_MOST} are shown")
        return "\n".join(lines)


class TokenRefused(ClaimsPolicyError):
    """A token that is not accepted.

    `reason` is one of the `token-` reasons; `detail` says what was expected and what was seen, for the log and for
    `policy token inspect`, never for the caller of the API. No part of the token's signature is ever in it. `id` is
    that of its record, once it is recorded.
    """

    id: str = ""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(reason, detail)

    def __str__(self) -> str:
        sentence = SENTENCES[self.reason]
        return f"{self.reason}: {sentence} ({self.detail})" if self.detail else f"{self.reason}: {sentence}"


class Unavailable(ClaimsPolicyError):
    """Something that a decision needs cannot be had now, so there is none: a 503, for `reason`.

    `id` is that of its record, once it is recorded.
    """

    reason: Reason
    id: str = ""


class AuditUnavailable(Unavailable):
    """A decision could not be recorded, and so is not an allow."""

    reason = Reason.AUDIT_UNAVAILABLE


class KeysUnavailable(Unavailable):
    """The keys of a token's issuer cannot be fetched, so nobody can say whether the token is good."""

    reason = Reason.KEYS_UNAVAILABLE


class RevocationUnavailable(Unavailable):
    """What is revoked cannot be known now, so nobody can say whether a token is good."""

    reason = Reason.REVOCATION_UNAVAILABLE


class ProofsUnavailable(Unavailable):
    """It cannot be noted which proofs were used, so nobody can say whether one is used again."""

    reason = Reason.PROOFS_UNAVAILABLE


class MarkNotEnforced(ClaimsPolicyError):
    """A protected function was called without its mark having been enforced for this request."""
