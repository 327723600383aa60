"""Tokens that are bound to a key: whether theirs is, and whether whoever presents it has that key (RFC 7800).

A key is proved by a DPoP proof (`jkt`, RFC 9449 section 6) or a certificate (`x5t#S256`, RFC 8705 section 3.1).
"""

from collections.abc import Iterable, Mapping
from hmac import compare_digest
from typing import Any, Final, NamedTuple

from policy.claims import ABSENT
from policy.errors import TokenRefused
from policy.model import Issuer
from policy.reasons import Reason
from policy.tokens.dpop import WINDOW, check_proof, read_proof
from policy.tokens.presented import Presented, Scheme
from policy.tokens.seen import SeenProofs
from policy.tokens.thumbprints import is_hash
from policy.tokens.wording import listed, shown

KEY: Final = "jkt"
CERTIFICATE: Final = "x5t#S256"
#: The members of `cnf` that are understood here, and which proof each of them asks for.
MEMBERS: Final = ((KEY, "dpop"), (CERTIFICATE, "certificate"))


def schemes_of(issuers: Iterable[Issuer]) -> tuple[Scheme, ...]:
    """The schemes by which the tokens of these issuers are presented; `Bearer` where there is none."""
    proofs = [issuer.proof for issuer in issuers]
    by_bearer = not proofs or any(proof != ("dpop",) for proof in proofs)
    by_dpop = any("dpop" in proof for proof in proofs)
    return (*(("Bearer",) if by_bearer else ()), *(("DPoP",) if by_dpop else ()))


class Binding(NamedTuple):
    """What a token is bound to: the thumbprint of a key, the hash of a certificate, or both. Empty is none."""

    key: str
    certificate: str


def binding_of(issuer: Issuer, claims: Mapping[str, Any]) -> Binding:
    """What a token of an issuer that demands a proof is bound to.

    It has to be bound by one of the issuer's proofs at least, and by no other that is known here: what it names, it
    has to be proved by. Members of `cnf` that mean nothing here are passed over (RFC 7800 section 3.1).
    """
    wanted = [member for member, proof in MEMBERS if proof in issuer.proof]
    cnf = claims.get("cnf", ABSENT)
    if type(cnf) is not dict:
        if cnf is ABSENT:
            raise TokenRefused(Reason.TOKEN_UNBOUND, f"expected `cnf` to have {listed(wanted)}, seen none")
        raise TokenRefused(Reason.TOKEN_CLAIM_TYPE, f"expected `cnf` to be an object, seen {shown(cnf)}")
    for member, _ in MEMBERS:
        if member in cnf and not is_hash(cnf[member]):
            detail = f"expected `cnf > {member}` to be a SHA-256 hash in base64url, seen {shown(cnf[member])}"
            raise TokenRefused(Reason.TOKEN_CLAIM_TYPE, detail)
        if member in cnf and member not in wanted:
            detail = f"expected no `cnf > {member}`, which `proof` of the issuer does not name"
            raise TokenRefused(Reason.TOKEN_CONFIRMATION, detail)
    if not any(member in cnf for member in wanted):
        raise TokenRefused(Reason.TOKEN_UNBOUND, f"expected `cnf` to have {listed(wanted)}, seen {shown(cnf)}")
    return Binding(cnf.get(KEY, ""), cnf.get(CERTIFICATE, ""))


def check_unbound(presented: Presented) -> None:
    """A token that is for whoever bears it comes by scheme `Bearer`: by `DPoP` its client would think it is bound."""
    if presented.scheme != "Bearer":
        raise TokenRefused(Reason.TOKEN_UNBOUND, f"expected the scheme `Bearer`, seen `{presented.scheme}`")


def check_possession(binding: Binding, token: str, presented: Presented, now: float, seen: SeenProofs) -> None:
    """Whoever presents a token has what it is bound to; each proof is good for one use.

    `TokenRefused`, and `ProofsUnavailable` where it cannot be known whether a proof was used before.
    """
    expected = "DPoP" if binding.key else "Bearer"
    if presented.scheme != expected:
        raise TokenRefused(Reason.TOKEN_CONFIRMATION, f"expected the scheme `{expected}`, seen `{presented.scheme}`")
    if binding.certificate:
        _check_certificate(binding.certificate, presented.certificate)
    if binding.key:
        _check_key(binding.key, token, presented, now, seen)


def _check_certificate(expected: str, found: str) -> None:
    if not compare_digest(expected.encode(), found.encode()):
        seen = shown(found) if found else "none"
        detail = f"expected the certificate {shown(expected)}, seen {seen}"
        raise TokenRefused(Reason.TOKEN_CONFIRMATION, detail)


def _check_key(expected: str, token: str, presented: Presented, now: float, seen: SeenProofs) -> None:
    proof = read_proof(presented.proof)
    if not compare_digest(expected.encode(), proof.thumbprint.encode()):
        detail = f"expected a proof by the key {shown(expected)}, seen one by {shown(proof.thumbprint)}"
        raise TokenRefused(Reason.TOKEN_CONFIRMATION, detail)
    check_proof(proof, presented, token, now)
    jti = proof.claims["jti"]
    if not seen.is_first(expected, jti, now=now, until=proof.claims["iat"] + WINDOW):
        raise TokenRefused(Reason.TOKEN_PROOF_REPLAYED, f"expected a new `jti`, seen {shown(jti)} again")
