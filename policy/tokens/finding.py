"""The one function that makes the keys of an issuer from where its policy says they are."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from policy.document.wording import printable, quoted
from policy.errors import Problem
from policy.model import Issuer, KeySource
from policy.tokens.algorithms import SECRET_BYTES_AT_LEAST, SHAPES
from policy.tokens.jwks import read_jwks
from policy.tokens.keys import Keys, PublicKeys, SecretKeys, prepared
from policy.tokens.remote import remote_keys
from policy.tokens.remote.http import MISSING, is_installed
from policy.tokens.secret import secret_faults, secret_in_file
from policy.tokens.wording import shown


class Found(NamedTuple):
    """The keys of an issuer, or what is wrong with them; `unseen` is what could not be looked at from here."""

    keys: Keys | None = None
    wrong: tuple[Problem, ...] = ()
    unseen: tuple[Problem, ...] = ()


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
    if source.jwks_uri is not None or source.discovery:
        return _find_remote(issuer)
    if source.jwks_file is None:
        fault = "asymmetric algorithms need public keys given by `jwks`, `jwks_file`, `jwks_uri` or `discovery`"
        return Found(wrong=_problems(issuer, "keys", [fault]))
    try:
        raw = Path(source.jwks_file).read_bytes()
    except OSError as error:
        return Found(unseen=_problems(issuer, "keys.jwks_file", [_cannot_be_read(source.jwks_file, error)]))
    return _read_public(issuer, "keys.jwks_file", raw)


def _find_remote(issuer: Issuer) -> Found:
    if not is_installed():
        return Found(wrong=_problems(issuer, "keys", [MISSING]))
    try:
        return Found(remote_keys(issuer))
    except OSError as error:
        return Found(unseen=_problems(issuer, "keys.ca_file", [_cannot_be_read(issuer.keys.ca_file, error)]))


def _cannot_be_read(path: str | None, error: OSError) -> str:
    return f"`{printable(path or '')}` cannot be read: {error.strerror}"


def _read_public(issuer: Issuer, where: str, raw: bytes) -> Found:
    usable, faults = read_jwks(raw, issuer.algorithms)
    if faults:
        return Found(wrong=_problems(issuer, where, faults))
    return Found(PublicKeys(prepared(key.algorithm, key.material, key.kid) for key in usable))


def _problems(issuer: Issuer, where: str, faults: Iterable[str]) -> tuple[Problem, ...]:
    return tuple(Problem(path=f'issuers["{printable(issuer.name)}"].{where}', message=fault) for fault in faults)
