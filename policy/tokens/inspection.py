"""A token taken apart for a person: the verdict of every check, by the checks that the verifier itself makes."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from policy.claims import LATEST
from policy.errors import TokenRefused, Unavailable
from policy.reasons import Reason
from policy.tokens.checks import CLAIM_CHECKS, Trusted, check_algorithm, check_signature, find_issuer, find_key
from policy.tokens.compact import Parts, check_ascii, check_size, decode, split
from policy.tokens.header import check_critical, check_key_in_header, read_header, read_part
from policy.tokens.revoked import Revocations, check_revoked, facts_reader
from policy.tokens.verified import token_id
from policy.tokens.wording import difference

_UNREAD: Final = object()
Verdict = Literal["passed", "failed", "not reached"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """One check by name. A failed one has its reason, and in `detail` what was expected and what was seen."""

    name: str
    verdict: Verdict
    reason: Reason | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """All checks of one token in their order, and what could be read of it, verified or not.

    A check is not reached where what it looks at could not be read; that of the `proof` never is, which comes with each
    request and not with the token. `issuer` is the issuer that the checks were made
    for; `assumed` says that the token does not name it, and that the nearest one was taken to show the rest.
    """

    checks: tuple[Checked, ...]
    header: Mapping[str, Any] | None
    payload: Mapping[str, Any] | None
    issuer: str | None
    assumed: bool

    @property
    def refusal(self) -> Checked | None:
        """The check for which the verifier refuses the token, or `None` if it accepts it."""
        return next((check for check in self.checks if check.verdict == "failed"), None)


def inspect(
    token: str,
    trusted: Mapping[str, Trusted],
    *,
    max_bytes: int,
    now: float,
    revocations: Revocations | None = None,
) -> Inspection:
    """Make every check whose input can be read, in the verifier's order, also after one has failed."""
    # The verifier stops at the first check that needs a clock; the later ones need at least a number.
    clock = now if isinstance(now, (int, float)) and abs(now) <= LATEST else math.nan
    walk = _Walk()
    step = walk.step
    sized = step("size", check_size, token, max_bytes)
    parts = step("parts", split, step("ascii", check_ascii, sized))
    members = step("header", lambda read: read_part(read.header, "header"), parts)
    step("critical", check_critical, members)
    step("key in header", check_key_in_header, members)
    header = step("header texts", read_header, members)
    claims = step("payload", lambda read: read_part(read.payload, "payload"), parts)
    signature = step("signature encoding", lambda read: decode(read.signature, "signature"), parts)
    found = step("issuer", find_issuer, claims, trusted)
    supposed = _nearest(claims, trusted) if found is _UNREAD else found
    algorithm = step("algorithm", check_algorithm, supposed, header)
    key = step("key", find_key, supposed, algorithm, header)
    step("signature", lambda key, read, signature: check_signature(key, read.signed, signature), key, parts, signature)
    for name, check in CLAIM_CHECKS:
        step(name, check, supposed, header, claims, clock)
    if supposed is not _UNREAD and supposed.issuer.proof:
        walk.checks.append(Checked(name="proof", verdict="not reached"))
    if revocations is not None:
        step("revocation", _check_revoked, revocations, supposed, claims if _is_named(claims) else _UNREAD, parts)
    return Inspection(
        checks=tuple(walk.checks),
        header=None if members is _UNREAD else members,
        payload=None if claims is _UNREAD else claims,
        issuer=None if supposed is _UNREAD else supposed.issuer.name,
        assumed=found is _UNREAD and supposed is not _UNREAD,
    )


def _check_revoked(revocations: Revocations, trusted: Trusted, claims: Mapping[str, Any], parts: Parts) -> None:
    check_revoked(revocations, facts_reader(trusted.issuer)(claims, token_id(claims, parts.signed)))


def _is_named(claims: Any) -> bool:
    """Where earlier checks have failed, what a token would be revoked by may be missing, or be anything."""
    return claims is not _UNREAD and type(claims.get("sub")) is str and type(claims.get("iat")) in (int, float)


class _Walk:
    def __init__(self) -> None:
        self.checks: list[Checked] = []

    def step(self, name: str, check: Callable[..., Any], *given: Any) -> Any:
        """What the check returns; `_UNREAD` if it refuses, or is not reached because something given is that."""
        if any(value is _UNREAD for value in given):
            self.checks.append(Checked(name=name, verdict="not reached"))
            return _UNREAD
        try:
            result = check(*given)
        except Unavailable as error:
            self.checks.append(Checked(name=name, verdict="failed", reason=error.reason, detail=str(error)))
            return _UNREAD
        except TokenRefused as refused:
            self.checks.append(Checked(name=name, verdict="failed", reason=refused.reason, detail=refused.detail))
            return _UNREAD
        self.checks.append(Checked(name=name, verdict="passed"))
        return result


def _nearest(claims: Any, trusted: Mapping[str, Trusted]) -> Any:
    """The issuer that was probably meant: one whose name differs by a trifle, else the only one."""
    seen = claims.get("iss") if claims is not _UNREAD else None
    for name in trusted:
        if isinstance(seen, str) and difference(seen, (name,)):
            return trusted[name]
    return next(iter(trusted.values())) if len(trusted) == 1 and claims is not _UNREAD else _UNREAD
