"""Token verification: this library's verifier beside `jwt.decode` with a prepared key, on the same tokens."""

import gc
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter_ns, time
from typing import Any, Final, NamedTuple

import jwt

from benchmarks.workloads import AUDIENCE, ISSUER
from policy import Policy, TokenVerifier
from policy.tokens.issue import generate_key, sign

ALGORITHMS: Final = ("HS256", "RS256", "ES256")
SECRET: Final = "sixty-four characters of a secret that protects nothing whatever"
DIFFERENT: Final = 50
Verify = Callable[[str], object]


class Keys(NamedTuple):
    """What signs, what a policy says of it, and what PyJWT verifies with."""

    private: str
    source: dict[str, Any]
    prepared: Any


class Verification(NamedTuple):
    """Medians in microseconds for one token: seen for the first time, known again, and by PyJWT."""

    algorithm: str
    ours_us: float
    known_us: float
    pyjwt_us: float

    @property
    def ratio(self) -> float:
        """Ours as a multiple of PyJWT's."""
        return self.ours_us / self.pyjwt_us

    @property
    def known_ratio(self) -> float:
        """Ours, for a token that is known again, as a multiple of PyJWT's."""
        return self.known_us / self.pyjwt_us


def measure(rounds: int) -> list[Verification]:
    """One row for every algorithm."""
    return [_measured(algorithm, rounds) for algorithm in ALGORITHMS]


def _measured(algorithm: str, rounds: int) -> Verification:
    keys = _keys(algorithm)
    now = time()
    tokens = [sign(_claims(now, each), key=keys.private, algorithm=algorithm, kid="bench") for each in range(DIFFERENT)]
    anew, remembering = (_verifier(algorithm, keys.source, remembered) for remembered in (0, 2048))

    def ours(token: str) -> object:
        return anew.verify(token, now=now)

    def known(token: str) -> object:
        return remembering.verify(token, now=now)

    def pyjwt(token: str) -> object:
        return jwt.decode(token, keys.prepared, algorithms=[algorithm], audience=AUDIENCE, issuer=ISSUER)

    for verifier in (anew, remembering, remembering):
        assert [verifier.verify(each, now=now).claims for each in tokens] == [pyjwt(each) for each in tokens]
    gc.collect()
    ways = (ours, known, pyjwt)
    times = [tuple(_time_us(way, tokens) for way in ways) for _ in range(rounds)]
    return Verification(algorithm, *(median(column) for column in zip(*times, strict=True)))


def _time_us(verify: Verify, tokens: Sequence[str]) -> float:
    """Each token as a text of its own, as it comes from a request: its hash is not known yet."""
    tokens = [f"{token} "[:-1] for token in tokens]
    start = perf_counter_ns()
    for token in tokens:
        verify(token)
    return (perf_counter_ns() - start) / 1000 / len(tokens)


def _claims(now: float, number: int) -> dict[str, Any]:
    required = {"iss": ISSUER, "sub": f"user{number}", "aud": AUDIENCE, "exp": int(now) + 3600, "iat": int(now) - 60}
    return {**required, "jti": f"token-{number}", "roles": ["editor", "payer"], "scope": "read:data update:data"}


def _keys(algorithm: str) -> Keys:
    if algorithm == "HS256":
        return Keys(SECRET, {"file": "secret"}, SECRET.encode())
    private, public = generate_key("RS256" if algorithm == "RS256" else "ES256", kid="bench")
    prepared = jwt.get_algorithm_by_name(algorithm).from_jwk(public)
    return Keys(private, {"jwks": {"keys": [public]}}, prepared)


def _verifier(algorithm: str, source: dict[str, Any], remembered: int) -> TokenVerifier:
    issuer = {"profile": "plain", "audience": AUDIENCE, "algorithms": [algorithm], "keys": source}
    whole = {"permissions": {"read:data": ""}, "issuers": {ISSUER: {**issuer, "authority": {"user": "scopes"}}}}
    with TemporaryDirectory() as name:
        (Path(name) / "secret").write_text(SECRET, encoding="utf-8")
        (Path(name) / "policy.json").write_text(json.dumps(whole), encoding="utf-8")
        return TokenVerifier(Policy.load(name), remembered=remembered)
