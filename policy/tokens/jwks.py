"""A JWK Set's text to the public keys that an issuer's algorithms can use (RFC 7517, RFC 7518 section 6)."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWTError, get_algorithm_by_name

from policy.tokens.algorithms import RSA_BITS_AT_LEAST, SHAPES, misfit
from policy.tokens.strict_json import NotJson, NotStrict, read_object
from policy.tokens.wording import shown

#: Members that only private or symmetric keys have (RFC 7518 sections 6.2.2, 6.3.2 and 6.4).
PRIVATE: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
TYPES: Final = ("RSA", "EC", "OKP")
#: What a set looks like (RFC 7517 section 5), for messages.
SET: Final = '`{"keys": [...]}`'
TEXTS: Final = ("kty", "kid", "use", "alg", "crv")


class PublicKey(NamedTuple):
    """One public key and one algorithm that it is used with."""

    algorithm: str
    kid: str | None
    material: Any


def read_jwks(raw: bytes, algorithms: Sequence[str]) -> tuple[tuple[PublicKey, ...], list[str]]:
    """The usable keys of a set, and everything that is wrong with it.

    A key for another use, for other algorithms or of a `kty` not known here is left out (RFC 7517 section 5); one that
    is private or symmetric, says one thing and is another, or is too weak, is a fault.
    """
    keys, faults = _read(raw, algorithms)
    faults += [f"two keys have the `kid` {shown(kid)}" for kid in _repeated(keys)]
    if not keys and not faults:
        faults.append(_none_for(algorithms))
    return tuple(keys), faults


def read_published(raw: bytes, algorithms: Sequence[str]) -> tuple[tuple[PublicKey, ...], list[str]]:
    """The same for a set that a provider publishes: a key with a fault, or with another's `kid`, is only left out.

    Others of its keys are good all the same, and must not stop working because of it. Where none is, the faults say so.
    """
    keys, faults = _read(raw, algorithms)
    twice = _repeated(keys)
    faults += [f"two keys have the `kid` {shown(kid)}: both are left out" for kid in twice]
    usable = tuple(key for key in keys if key.kid not in twice)
    return usable, faults if usable or faults else [_none_for(algorithms)]


def _none_for(algorithms: Sequence[str]) -> str:
    return f"no key in it is for {' or '.join(f'`{name}`' for name in algorithms)}"


def _read(raw: bytes, algorithms: Sequence[str]) -> tuple[list[PublicKey], list[str]]:
    try:
        members = read_object(raw)
    except NotJson as error:
        return [], [f"a JWK Set {SET} is expected: {error}"]
    except NotStrict as error:
        return [], [f"it is no strict JSON object: {error}"]
    if "keys" not in members and "kty" in members:
        return [], [f"it is a single key: wrap it in {SET}"]
    entries = members.get("keys")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return [], ["it has no `keys` that are a list of objects"]
    keys: list[PublicKey] = []
    faults: list[str] = []
    for place, entry in enumerate(entries):
        found, fault = _read_entry(entry, algorithms)
        keys += found
        faults += [f"keys[{place}]: {fault}"] if fault else []
    return keys, faults


def _read_entry(entry: dict[str, Any], algorithms: Sequence[str]) -> tuple[list[PublicKey], str]:
    fault = _entry_fault(entry)
    if fault or not _is_for_signatures(entry) or entry["kty"] not in TYPES:
        return [], fault
    declared: str | None = entry.get("alg")
    fault = misfit(declared, entry) if declared is not None and declared in SHAPES else ""
    if fault:
        return [], fault
    fitting = [name for name in algorithms if declared in (None, name) and not misfit(name, entry)]
    if not fitting:
        return [], ""
    material, fault = _load(fitting[0], entry)
    return [PublicKey(name, entry.get("kid"), material) for name in fitting] if not fault else [], fault


def _entry_fault(entry: dict[str, Any]) -> str:
    if "kty" not in entry:
        return "it has no `kty`"
    for name in TEXTS:
        if name in entry and (not isinstance(entry[name], str) or not entry[name]):
            return f"`{name}` is not a non-empty text"
    if entry["kty"] == "oct":
        return "it is a secret, which never stands in a JWK Set"
    private = [name for name in PRIVATE if name in entry]
    if private:
        return f"it is a private key (it has `{private[0]}`); only its public members belong here"
    operations = entry.get("key_ops", [])
    if not isinstance(operations, list) or not all(isinstance(item, str) for item in operations):
        return "`key_ops` is not a list of texts"
    return ""


def _is_for_signatures(entry: dict[str, Any]) -> bool:
    return entry.get("use", "sig") == "sig" and "verify" in entry.get("key_ops", ["verify"])


def load_key(entry: dict[str, Any], algorithm: str) -> tuple[Any, str]:
    """The material of one public key for one algorithm (RFC 7517 section 4), or what is wrong with it."""
    fault = _entry_fault(entry) or misfit(algorithm, entry)
    if not fault and not (_is_for_signatures(entry) and entry.get("alg", algorithm) == algorithm):
        fault = f"it is not for signatures by `{algorithm}`"
    return (None, fault) if fault else _load(algorithm, entry)


def _load(algorithm: str, entry: dict[str, Any]) -> tuple[Any, str]:
    try:
        key = get_algorithm_by_name(algorithm).from_jwk(entry)  # type: ignore[no-untyped-call, unused-ignore]
    except (PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None, f"it is no valid `{entry['kty']}` key"
    if isinstance(key, RSAPublicKey) and key.key_size < RSA_BITS_AT_LEAST:
        return None, f"an RSA key needs at least {RSA_BITS_AT_LEAST} bits, this one has {key.key_size}"
    return key, ""


def _repeated(keys: Iterable[PublicKey]) -> list[str]:
    """Every `kid` that two keys have for the same algorithm."""
    seen: set[tuple[str, str]] = set()
    twice: dict[str, None] = {}
    for key in keys:
        if key.kid is not None and (key.algorithm, key.kid) in seen:
            twice[key.kid] = None
        seen.add((key.algorithm, key.kid or ""))
    return list(twice)
