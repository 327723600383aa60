"""What is checked of a token once its parts are read: each check once, for the verifier and for the inspection.

A check returns nothing and raises `TokenRefused` with what was expected and what was seen (RFC 7519 section 4.1,
RFC 8725, RFC 9068 section 4).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from policy.claims import ABSENT, LATEST, holds, lookup
from policy.document.wording import printable
from policy.errors import TokenRefused
from policy.model import ClaimPath, ClaimTest, Issuer
from policy.reasons import Reason
from policy.tokens.binding import binding_of
from policy.tokens.header import Header
from policy.tokens.keys import Key, Keys
from policy.tokens.plainly import Plainly, plainly_good
from policy.tokens.wording import difference, listed, seconds, shown

Claims = Mapping[str, Any]
_TIMES: Final = f"within {LATEST} s of 1970 (the year 9999)"
#: Claims that are text wherever they are demanded (RFC 7519 section 4.1.7, RFC 9068 section 2.2).
TEXTS: Final = ("jti", "client_id")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trusted:
    """An issuer, its keys, and the beginnings of `sub` that would name another issuer's subjects.

    `checks` are those of `CLAIM_CHECKS` that could refuse any of its tokens, in their order; of a token that is
    `plainly` good, `others` are left.
    """

    issuer: Issuer
    keys: Keys
    foreign: tuple[str, ...] = ()
    plainly: Plainly = field(init=False)
    checks: tuple["Check", ...] = field(init=False)
    others: tuple["Check", ...] = field(init=False)

    def __post_init__(self) -> None:
        issuer, needed = self.issuer, dict[Check, Any]()
        needed |= {check_name: issuer.in_name, check_rejected: issuer.rejected, check_subject: self.foreign}
        object.__setattr__(self, "plainly", plainly_good(issuer))
        object.__setattr__(self, "checks", tuple(check for _, check in CLAIM_CHECKS if needed.get(check, True)))
        others = (*(check for check in needed if needed[check]), *((check_confirmation,) if issuer.proof else ()))
        object.__setattr__(self, "others", others)


def find_issuer(claims: Claims, trusted: Mapping[str, Trusted]) -> Trusted:
    """The issuer whose name is exactly the token's `iss`; the claim is not verified yet and serves for nothing else."""
    name = claims.get("iss", ABSENT)
    if type(name) is not str:
        seen = "none" if name is ABSENT else shown(name)
        raise TokenRefused(Reason.TOKEN_ISSUER, f"expected `iss` to be {listed(trusted)}, seen {seen}")
    found = trusted.get(name)
    if found is None:
        detail = f"expected `iss` to be {listed(trusted)}, seen {shown(name)}{difference(name, trusted)}"
        raise TokenRefused(Reason.TOKEN_ISSUER, detail)
    return found


def check_algorithm(trusted: Trusted, header: Header) -> str:
    """The token's algorithm, which is one of the issuer's, whatever its key could do."""
    if header.algorithm not in trusted.issuer.algorithms:
        detail = f"expected `alg` to be {listed(trusted.issuer.algorithms)}, seen {shown(header.algorithm)}"
        raise TokenRefused(Reason.TOKEN_ALGORITHM, detail)
    return header.algorithm


def find_key(trusted: Trusted, algorithm: str, header: Header) -> Key:
    """The issuer's key for the token; what the header says of keys besides `kid` is not looked at."""
    return trusted.keys.find(algorithm, header.kid)


def check_signature(key: Key, signed: bytes, signature: bytes) -> None:
    """The signature is the key's, under the algorithm that the key is bound to (RFC 7515 section 5.2)."""
    if not key.algorithm.verify(signed, key.material, signature):
        which = f" {shown(key.kid)}" if key.kid is not None else ""
        raise TokenRefused(Reason.TOKEN_SIGNATURE, f"the issuer's `{key.name}` key{which} does not verify it")


def check_type(trusted: Trusted, header: Header, claims: Claims, now: float) -> None:  # noqa: ARG001
    """The header's `typ` is one that the issuer's profile accepts (RFC 8725 section 3.11)."""
    accepted = trusted.issuer.types
    if accepted is not None and header.typ not in accepted:
        expected = listed(sorted(accepted - {""})) + (" or absent" if "" in accepted else "")
        seen = shown(header.members["typ"]) if "typ" in header.members else "none"
        raise TokenRefused(Reason.TOKEN_TYPE, f"expected `typ` to be {expected}, seen {seen}")


def check_expiry(trusted: Trusted, header: Header, claims: Claims, now: float) -> None:  # noqa: ARG001
    """`exp` is there, and now is before it plus the leeway."""
    if not isinstance(now, (int, float)) or not -LATEST <= now <= LATEST:
        raise TokenRefused(Reason.TOKEN_EXPIRED, "the clock does not give a time that `exp` could be compared with")
    expires, leeway = _time(claims, "exp"), trusted.issuer.leeway
    if not now < expires + leeway:
        detail = f"`exp` was {seconds(now - expires)} ago, the leeway is {leeway} s"
        raise TokenRefused(Reason.TOKEN_EXPIRED, detail)


def check_not_before(trusted: Trusted, header: Header, claims: Claims, now: float) -> None:  # noqa: ARG001
    """`nbf`, if it is there, is not after now plus the leeway."""
    if "nbf" in claims:
        _check_past(trusted, claims, "nbf", now, Reason.TOKEN_NOT_YET_VALID)


def check_issued_at(trusted: Trusted, header: Header, claims: Claims, now: float) -> None:  # noqa: ARG001
    """`iat` is there, and not after now plus the leeway."""
    _check_past(trusted, claims, "iat", now, Reason.TOKEN_ISSUED_IN_FUTURE)


def _check_past(trusted: Trusted, claims: Claims, name: str, now: float, reason: Reason) -> None:
    begins, leeway = _time(claims, name), trusted.issuer.leeway
    if not begins <= now + leeway:
        raise TokenRefused(reason, f"`{name}` is in {seconds(begins - now)}, the leeway is {leeway} s")


def _time(claims: Claims, name: str) -> float:
    """A NumericDate (RFC 7519 section 2): a number, not a boolean, and not beyond the year 9999."""
    value = claims.get(name, ABSENT)
    if type(value) is int or type(value) is float:
        if -LATEST <= value <= LATEST:
            return value
        raise TokenRefused(Reason.TOKEN_CLAIM_TYPE, f"expected `{name}` to be {_TIMES}")
    raise _absent_or_wrong((name,), "a number of seconds", value)


def check_audience(trusted: Trusted, header: Header, claims: Claims, now: float) -> None:  # noqa: ARG001
    """The audience claim is one of the issuer's audiences, or a list that has one (RFC 7519 section 4.1.3)."""
    issuer = trusted.issuer
    value = lookup(claims, issuer.audience_claim)
    if type(value) is str:
        if value in issuer.audience:
            return
    elif type(value) is not list or not value or not all(type(item) is str for item in value):
        raise _absent_or_wrong(issuer.audience_claim, "a text or a list of texts", value)
    elif not set(issuer.audience).isdisjoint(value):
        return
    raise _other_audience(issuer, [value] if isinstance(value, str) else value)


def _other_audience(issuer: Issuer, seen: list[str]) -> TokenRefused:
    near = next((near for name in seen if (near := difference(name, issuer.audience))), "")
    detail = f"expected {_path(issuer.audience_claim)} to be {listed(issuer.audience)}, seen {listed(seen)}{near}"
    return TokenRefused(Reason.TOKEN_AUDIENCE, detail)


def check_required(trusted: Trusted, header: Header, claims: Claims, now: float) -> None:  # noqa: ARG001
    """`sub` is a non-empty text, and what else the profile demands is there."""
    subject = claims.get("sub", ABSENT)
    if type(subject) is not str or not subject:
        raise _absent_or_wrong(("sub",), "a non-empty text", subject)
    for name in trusted.issuer.required:
        value = claims.get(name, ABSENT)
        if value is ABSENT or value is None or value == "" or (name in TEXTS and type(value) is not str):
            raise _absent_or_wrong((name,), "a non-empty text" if name in TEXTS else "a value", value)


def check_name(trusted: Trusted, header: Header, claims: Claims, now: float) -> None:  # noqa: ARG001
    """What stands in the issuer's name for a claim, such as a tenant of a provider, is what the claim says."""
    for name, expected in trusted.issuer.in_name:
        value = claims.get(name, ABSENT)
        if type(value) is not str:
            raise _absent_or_wrong((name,), "a text", value)
        if value != expected:
            detail = f"expected {_path((name,))} to be {shown(expected)}, as `iss` has it, seen {shown(value)}"
            raise TokenRefused(Reason.TOKEN_ISSUER, detail)


def check_rejected(trusted: Trusted, header: Header, claims: Claims, now: float) -> None:  # noqa: ARG001
    """None of the tests holds that an access token of this issuer never passes (such as those of an ID token)."""
    for test in trusted.issuer.rejected:
        if holds(claims, test):
            how = "always" if test.negated else "never"
            said = " or ".join(map(_said, (test, *test.alternatives)))
            raise TokenRefused(Reason.TOKEN_NOT_ACCESS, f"an access token of this issuer {how} has {said}")


def check_subject(trusted: Trusted, header: Header, claims: Claims, now: float) -> None:  # noqa: ARG001
    """Without a prefix of its own, an issuer may not name what begins with another issuer's."""
    subject = claims.get("sub")
    if trusted.foreign and type(subject) is str and subject.startswith(trusted.foreign):
        prefix = next(prefix for prefix in trusted.foreign if subject.startswith(prefix))
        detail = f"expected `sub` not to begin with {shown(prefix)}, the `id_prefix` of another issuer"
        raise TokenRefused(Reason.TOKEN_SUBJECT, detail)


def check_confirmation(trusted: Trusted, header: Header, claims: Claims, now: float) -> None:  # noqa: ARG001
    """The token is for whoever bears it, or bound as its issuer's `proof` demands (RFC 7800 section 3.1)."""
    if trusted.issuer.proof:
        binding_of(trusted.issuer, claims)
    elif "cnf" in claims:
        raise TokenRefused(Reason.TOKEN_CONFIRMATION, f"expected no `cnf`, seen {shown(claims['cnf'])}")


def _said(test: ClaimTest) -> str:
    if test.exists is not None:
        return _path(test.path) if test.exists else f"no {_path(test.path)}"
    if test.same_as is not None:
        suffix = f" and `{printable(test.suffix)}`" if test.suffix else ""
        return f"{_path(test.path)} equal to {_path(test.same_as)}{suffix}"
    return f"{_path(test.path)} equal to {shown(test.equals)}"


def _absent_or_wrong(path: ClaimPath, expected: str, value: Any) -> TokenRefused:
    if value is ABSENT:
        return TokenRefused(Reason.TOKEN_CLAIM_MISSING, f"expected {_path(path)} to be {expected}, seen none")
    return TokenRefused(Reason.TOKEN_CLAIM_TYPE, f"expected {_path(path)} to be {expected}, seen {shown(value)}")


def _path(path: ClaimPath) -> str:
    return f"`{' > '.join(map(printable, path))}`"


Check = Callable[[Trusted, Header, Claims, float], None]
#: The checks of a token whose signature is good, in the order in which they are made.
CLAIM_CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("type", check_type),
    ("expiry", check_expiry),
    ("not before", check_not_before),
    ("issued at", check_issued_at),
    ("audience", check_audience),
    ("required claims", check_required),
    ("issuer's name", check_name),
    ("access token", check_rejected),
    ("subject", check_subject),
    ("confirmation", check_confirmation),
)
