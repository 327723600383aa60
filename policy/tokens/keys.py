"""The keys of an issuer as one value, and the one function that makes them from where the policy says they are.

A source that is fetched and refreshed only needs the one method of `Keys`.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from jwt import get_algorithm_by_name
from jwt.algorithms import Algorithm

from policy.document.wording import printable, quoted
from policy.errors import Problem, TokenRefused
from policy.model import Issuer, KeySource
from policy.reasons import Reason
from policy.tokens.algorithms import SECRET_BYTES_AT_LEAST, SHAPES
from policy.tokens.jwks import read_jwks
from policy.tokens.secret import secret_faults, secret_in_file
from policy.tokens.wording import listed, shown


class Key(NamedTuple):
    """Prepared key material, bound to the one algorithm it is used with."""

    name: str
    algorithm: Algorithm
    material: Any
    kid: str | None = None


class Keys(Protocol):
    """Where the verifier gets the key of a token from."""

    def find(self, algorithm: str, kid: str | None) -> Key:
        """The key for a token's `alg` and `kid`; raises `TokenRefused` (`token-key`) where there is none."""


class SecretKeys:
    """One shared secret (RFC 7518 section 3.2). There is nothing to choose from, so `kid` is not looked at."""

    def __init__(self, secret: bytes, algorithms: Iterable[str]) -> None:
        self._keys = {name: prepared(name, secret) for name in algorithms}

    def find(self, algorithm: str, kid: str | None) -> Key:  # noqa: ARG002
        """The secret, prepared for the algorithm."""
        return self._keys[algorithm]


class PublicKeys:
    """The public keys of a JWK Set (RFC 7517), looked up by algorithm and `kid`."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._all = tuple(keys)
        self._named = {(key.name, key.kid): key for key in self._all if key.kid is not None}

    def find(self, algorithm: str, kid: str | None) -> Key:
        """The key of that `kid`; without one, the only key for the algorithm."""
        if kid is None:
            return self._only(algorithm)
        key = self._named.get((algorithm, kid))
        if key is None:
            known = listed(sorted({key.kid for key in self._all if key.name == algorithm and key.kid is not None}))
            detail = f"expected `kid` {known} for `{algorithm}`, seen {shown(kid)}"
            raise TokenRefused(Reason.TOKEN_KEY, detail)
        return key

    def _only(self, algorithm: str) -> Key:
        fitting = [key for key in self._all if key.name == algorithm]
        if len(fitting) != 1:
            detail = f"expected `kid` in the header, as {len(fitting)} keys fit `{algorithm}`"
            raise TokenRefused(Reason.TOKEN_KEY, detail)
        return fitting[0]


class Found(NamedTuple):
    """The keys of an issuer, or what is wrong with them; `unseen` is what could not be looked at from here."""

    keys: Keys | None = None
    wrong: tuple[Problem, ...] = ()
    unseen: tuple[Problem, ...] = ()


def prepared(name: str, material: Any, kid: str | None = None) -> Key:
    """A key that is known to fit the algorithm."""
    algorithm = get_algorithm_by_name(name)
    return Key(name, algorithm, algorithm.prepare_key(material), kid)


def find_keys(issuer: Issuer) -> Found:
    """Read an issuer's keys from where its policy says they are."""
    wrong = _algorithm_faults(issuer)
    if wrong:
        return Found(wrong=_problems(issuer, "algorithms", wrong))
    source = issuer.keys
    if issuer.algorithms[0] in SECRET_BYTES_AT_LEAST:
        return _find_secret(issuer, source)
    return _find_public(issuer, source)


def _algorithm_faults(issuer: Issuer) -> list[str]:
    names = issuer.algorithms
    faults = [f"unknown algorithm {shown(name)}" for name in names if name not in {*SECRET_BYTES_AT_LEAST, *SHAPES}]
    if not names:
        faults.append("no algorithm is given")
    if not faults and len({name in SHAPES for name in names}) > 1:
        faults.append("symmetric and asymmetric algorithms cannot stand in one issuer")
    return faults


def _find_secret(issuer: Issuer, source: KeySource) -> Found:
    if source.env is None and source.file is None:
        fault = "symmetric algorithms need a secret named by `env` or `file`"
        return Found(wrong=_problems(issuer, "keys", [fault]))
    where = "keys.env" if source.env is not None else "keys.file"
    try:
        secret = _read_secret(source)
    except LookupError:
        return Found(unseen=_problems(issuer, where, [f"the variable {quoted(source.env)} is not set"]))
    except OSError as error:
        return Found(unseen=_problems(issuer, where, [_cannot_be_read(source.file, error)]))
    faults = secret_faults(secret, issuer.algorithms)
    if faults:
        return Found(wrong=_problems(issuer, where, faults))
    return Found(SecretKeys(secret, issuer.algorithms))


def _read_secret(source: KeySource) -> bytes:
    if source.env is not None:
        return os.environ[source.env].encode("utf-8", "surrogateescape")
    return secret_in_file(Path(source.file or "").read_bytes())


def _find_public(issuer: Issuer, source: KeySource) -> Found:
    if source.jwks is not None:
        return _read_public(issuer, "keys.jwks", source.jwks.encode("utf-8", "surrogatepass"))
    if source.jwks_file is None:
        fault = "asymmetric algorithms need public keys given by `jwks` or `jwks_file`"
        return Found(wrong=_problems(issuer, "keys", [fault]))
    try:
        raw = Path(source.jwks_file).read_bytes()
    except OSError as error:
        return Found(unseen=_problems(issuer, "keys.jwks_file", [_cannot_be_read(source.jwks_file, error)]))
    return _read_public(issuer, "keys.jwks_file", raw)


def _cannot_be_read(path: str | None, error: OSError) -> str:
    return f"`{printable(path or '')}` cannot be read: {error.strerror}"


def _read_public(issuer: Issuer, where: str, raw: bytes) -> Found:
    usable, faults = read_jwks(raw, issuer.algorithms)
    if faults:
        return Found(wrong=_problems(issuer, where, faults))
    return Found(PublicKeys(prepared(key.algorithm, key.material, key.kid) for key in usable))


def _problems(issuer: Issuer, where: str, faults: Iterable[str]) -> tuple[Problem, ...]:
    return tuple(Problem(path=f'issuers["{printable(issuer.name)}"].{where}', message=fault) for fault in faults)
