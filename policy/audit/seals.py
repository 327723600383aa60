"""Keys that seal a log, so that nobody without them can write it anew: HMAC-SHA256, or Ed25519 (RFC 8032)."""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from policy.audit.chain import Sealer
from policy.errors import PolicyError

#: `{"env": "NAME"}`, `{"file": "path"}`, or what such a file would hold.
KeySource = Mapping[str, str] | bytes
#: RFC 7518 section 3.2: no shorter than what the hash gives.
SECRET_BYTES_AT_LEAST: Final = 32
HS256: Final = "HS256"
EDDSA: Final = "EdDSA"
_MAC_CHARACTERS: Final = 43, 86
_MAKE: Final = "make one with `openssl rand -hex 32`"
_PEM: Final = b"-----BEGIN "
#: Public keys in forms that are no PEM: of OpenSSH, JWK, and SubjectPublicKeyInfo as bytes and in base64.
_SSH: Final = (b"ssh-", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-")
_BARE: Final = (b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70", b"MCowBQYDK2Vw")


class _Content(NamedTuple):
    """What a source holds, and how to name it in an error."""

    raw: bytes
    name: str


class HmacSeal:
    """A secret that both seals and checks: whoever can check can forge."""

    __slots__ = ("_secret", "key")

    algorithm: Final = HS256

    def __init__(self, secret: bytes) -> None:
        self._secret: Final = secret
        self.key: Final = hmac.new(secret, b"key name", hashlib.sha256).hexdigest()[:8]

    def mac(self, data: bytes) -> str:
        """The code of some bytes."""
        return _text(hmac.digest(self._secret, data, "sha256"))

    def matches(self, data: bytes, mac: str) -> bool:
        """Whether the code is that of the bytes, in the one spelling that `mac` gives."""
        return hmac.compare_digest(self.mac(data).encode(), mac.encode("utf-8", "surrogatepass"))


class PublicSeal:
    """A public key, which checks and cannot seal."""

    __slots__ = ("_public", "key")

    algorithm: Final = EDDSA

    def __init__(self, public: Ed25519PublicKey) -> None:
        self._public: Final = public
        self.key: Final = hashlib.sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:8]

    def matches(self, data: bytes, mac: str) -> bool:
        """Whether the signature is one of the bytes, and spelled as `mac` of the private key spells it."""
        signature = _bytes(mac)
        if signature is None:
            return False
        try:
            self._public.verify(signature, data)
        except InvalidSignature:
            return False
        return True


class SignatureSeal:
    """A private key, which seals; its public key is enough to check."""

    __slots__ = ("_private", "key", "public")

    algorithm: Final = EDDSA

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private: Final = private
        self.public: Final = PublicSeal(private.public_key())
        self.key: Final = self.public.key

    def mac(self, data: bytes) -> str:
        """The signature of some bytes."""
        return _text(self._private.sign(data))


class Checker:
    """Checks codes and signatures with all keys that are at hand."""

    __slots__ = ("_known",)

    def __init__(self, known: Iterable[HmacSeal | PublicSeal]) -> None:
        self._known: Final = {(each.algorithm, each.key): each for each in known}

    def check(self, alg: str, key_name: str, data: bytes, mac: str) -> bool | None:
        """Whether `mac` was made of `data` by this key; `None` where no key of that algorithm and name is at hand."""
        key = self._known.get((alg, key_name))
        return None if key is None else key.matches(data, mac)

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """Algorithm and name of each key, in their order."""
        return tuple(sorted(self._known))


def sealer(key: KeySource) -> Sealer:
    """What seals with a key: an Ed25519 private key in PEM signs, any other bytes are the secret of HMAC-SHA256.

    `PolicyError` where the key cannot be read, is too short, or is of a kind that cannot seal.
    """
    content = _read(key)
    if _PEM not in content.raw:
        return HmacSeal(_secret(content))
    if b"PRIVATE KEY-----" not in content.raw:
        raise PolicyError(f"{content.name} is no private key, so it cannot seal a log; give the private key it is of")
    return SignatureSeal(_private(content))


def checker(keys: Iterable[KeySource]) -> Checker:
    """What checks with these keys: those that seal, and Ed25519 public keys in PEM. `PolicyError` as of `sealer`."""
    return Checker(_checking(_read(each)) for each in keys)


def _checking(content: _Content) -> HmacSeal | PublicSeal:
    if _PEM not in content.raw:
        return HmacSeal(_secret(content))
    if b"PRIVATE KEY-----" in content.raw:
        return SignatureSeal(_private(content)).public
    try:
        public = load_pem_public_key(content.raw)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _no_pem(content) from error
    if not isinstance(public, Ed25519PublicKey):
        raise _other_kind(content)
    return PublicSeal(public)


def _private(content: _Content) -> Ed25519PrivateKey:
    try:
        private = load_pem_private_key(content.raw, None)
    except TypeError as error:
        raise PolicyError(
            f"{content.name} is locked by a password; give it without one, readable by the application only"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _no_pem(content) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise _other_kind(content)
    return private


def _no_pem(content: _Content) -> PolicyError:
    return PolicyError(
        f"{content.name} is no PEM that can be read; make a key with `openssl genpkey -algorithm ed25519`"
    )


def _other_kind(content: _Content) -> PolicyError:
    return PolicyError(
        f"{content.name} is a key of another kind, and a log is signed with Ed25519; "
        "make one with `openssl genpkey -algorithm ed25519`"
    )


def _secret(content: _Content) -> bytes:
    raw, name = content
    start = raw.lstrip()
    if start.startswith(_SSH + _BARE) or (start[:1] in (b"{", b"[") and b'"kty"' in raw):
        raise PolicyError(f"{name} is a key in a form that is not known here; a secret is random bytes, {_MAKE}")
    if len(raw) < SECRET_BYTES_AT_LEAST:
        raise PolicyError(
            f"{name} has {len(raw)} bytes, and a secret that seals a log needs {SECRET_BYTES_AT_LEAST}; {_MAKE}"
        )
    return raw


def _read(source: KeySource) -> _Content:
    if isinstance(source, bytes):
        return _Content(source, "the key of the log")
    match dict(source):
        case {"env": str(name), **rest} if not rest:
            return _in_environment(name)
        case {"file": (str() | os.PathLike()) as path, **rest} if not rest:
            return _in_file(os.fspath(path))
    raise PolicyError('the key of a log is given as `{"env": "NAME"}`, as `{"file": "path"}`, or as bytes')


def _in_environment(name: str) -> _Content:
    value = os.environ.get(name)
    if value is None:
        raise PolicyError(f"the environment has no variable `{name}` with the key of the log; set it, or name another")
    return _Content(value.encode("utf-8", "surrogateescape"), f"the key of the log in the variable `{name}`")


def _in_file(path: str) -> _Content:
    try:
        raw = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        told = (getattr(error, "strerror", None) or str(error)).lower()
        raise PolicyError(f"the key of the log cannot be read from `{path}`: {told}") from error
    return _Content(_without_line_end(raw), f"the key of the log in `{path}`")


def _without_line_end(raw: bytes) -> bytes:
    """The line end after a secret of printable text is an editor's."""
    line = raw.removesuffix(b"\n").removesuffix(b"\r")
    return line if line.isascii() and line.decode("ascii").isprintable() else raw


def _text(mac: bytes) -> str:
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode("ascii")


def _bytes(mac: str) -> bytes | None:
    """Exactly what `_text` gives; other spellings of the same bytes are none."""
    if len(mac) not in _MAC_CHARACTERS:
        return None
    try:
        found = base64.urlsafe_b64decode(mac + "=" * (-len(mac) % 4))
    except (binascii.Error, ValueError):
        return None
    return found if _text(found) == mac else None
