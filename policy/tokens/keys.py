"""The keys of an issuer that are at hand, as one value."""

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from jwt import get_algorithm_by_name
from jwt.algorithms import Algorithm

from policy.errors import TokenRefused
from policy.reasons import Reason
from policy.tokens.wording import listed, shown


class Key(NamedTuple):
    """Prepared key material, bound to the one algorithm it is used with."""

    name: str
    algorithm: Algorithm
    material: Any
    kid: str | None = None


class Keys(Protocol):
    """Where the verifier gets the key of a token from."""

    @property
    def generation(self) -> int:
        """A number that changes whenever the keys do."""

    @property
    def is_stale(self) -> bool:
        """Whether the keys are older than they should be, because no newer ones could be had."""

    def find(self, algorithm: str, kid: str | None) -> Key:
        """The key for a token's `alg` and `kid`.

        Raises `TokenRefused` (`token-key`) where there is none, `KeysUnavailable` where that cannot be known now.
        """


class _AtHand:
    """Keys that never change as long as they are held."""

    @property
    def generation(self) -> int:
        """Always the same."""
        return 0

    @property
    def is_stale(self) -> bool:
        """Never: whoever holds them has just read them."""
        return False


class SecretKeys(_AtHand):
    """One shared secret (RFC 7518 section 3.2). There is nothing to choose from, so `kid` is not looked at."""

    def __init__(self, secret: bytes, algorithms: Iterable[str]) -> None:
        self._keys = {name: prepared(name, secret) for name in algorithms}

    def find(self, algorithm: str, kid: str | None) -> Key:  # noqa: ARG002
        """The secret, prepared for the algorithm."""
        return self._keys[algorithm]


class PublicKeys(_AtHand):
    """The public keys of a JWK Set (RFC 7517), looked up by algorithm and `kid`."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._all = tuple(keys)
        self._named = {(key.name, key.kid): key for key in self._all if key.kid is not None}

    def knows(self, algorithm: str, kid: str) -> bool:
        """Whether there is a key of that `kid` for the algorithm."""
        return (algorithm, kid) in self._named

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


def prepared(name: str, material: Any, kid: str | None = None) -> Key:
    """A key that is known to fit the algorithm."""
    algorithm = get_algorithm_by_name(name)
    return Key(name, algorithm, algorithm.prepare_key(material), kid)
