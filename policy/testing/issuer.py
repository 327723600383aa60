"""Signs real tokens for applications under test, which verify with its keys as long as it is in use."""

import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, Unpack

from policy.cli.claims import type_for
from policy.demand import UNSAID
from policy.engine import Policy
from policy.guard import Clock, Guard
from policy.testing.keys import key_pair, keys_of
from policy.testing.shape import claims_in_shape
from policy.testing.wanted import Asked, CannotSay, Wanted, issuer_of, wanted
from policy.tokens import TokenVerifier
from policy.tokens.issue import sign

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from policy.flask.enforcement import Enforcement


class _Where(NamedTuple):
    """Whom a token is for: the policy in force there, and the time."""

    rules: Policy
    clock: Clock


class PolicyIssuer:
    """Stands in for every issuer that an application declares, by having their keys and nothing else.

    From the first use for an application until the `with` block ends, the application verifies with keys of ours in
    place of its own; its own tokens are refused meanwhile. All that it checks of a token stays, and so do policy, log
    and clock; nothing is fetched. Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._loans: ExitStack | None = None
        self._lent: Final[dict[int, Enforcement]] = {}
        self._lock: Final = threading.Lock()

    def __enter__(self) -> Self:
        if self._loans is not None:
            raise RuntimeError("this issuer is in use already: make another one for an inner block")
        self._loans = ExitStack()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            loans, self._loans = self._loans, None
            self._lent.clear()
        if loans is not None:
            loans.close()

    def client(self, app: "Flask", **asked: Unpack[Asked]) -> "FlaskClient":
        """A test client that sends such a token with every request; headers given to a request win."""
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = self.headers(app, **asked)["Authorization"]
        return client

    def headers(self, where: "Flask | Guard | Policy", **asked: Unpack[Asked]) -> dict[str, str]:
        """The headers of a request with such a token."""
        rules, want = self._where(where).rules, wanted(**asked)
        issuer = issuer_of(rules.issuers, want.issuer)
        if issuer.proof and "cnf" not in want.claims:
            raise CannotSay(
                f"`{issuer.name}` binds its tokens to a key, and a header of its own proves that with each request: "
                'sign with `token(..., claims={"cnf": ...})`, and make the proof yourself'
            )
        return {"Authorization": f"Bearer {self.token(where, **asked)}"}

    def token(self, where: "Flask | Guard | Policy", **asked: Unpack[Asked]) -> str:
        """The text of such a token. `CannotSay` where tokens of the issuer have no way to say what is asked.

        For an application, or for a guard or a policy of `guard` and `verifier`.
        """
        rules, clock = self._where(where)
        want = wanted(**asked)
        issuer = issuer_of(rules.issuers, want.issuer)
        pair = key_pair(issuer)
        typ = type_for(issuer) if want.typ is UNSAID else want.typ
        claims = _changed(claims_in_shape(rules, issuer, want), want, int(clock()))
        return sign(claims, key=pair.private, algorithm=pair.algorithm, kid=pair.kid, typ=typ)

    def guard(self, guard: Guard) -> Guard:
        """The same guard, with the same policy, log and clock, that verifies with the keys of this issuer."""
        return guard.with_keys(keys_of)

    def verifier(self, rules: Policy) -> TokenVerifier:
        """A verifier of a policy's issuers with the keys of this one."""
        return TokenVerifier(rules).with_keys(keys_of)

    def _where(self, where: "Flask | Guard | Policy") -> _Where:
        if isinstance(where, Policy):
            return _Where(where, time.time)
        guard = where if isinstance(where, Guard) else self._lend_to(where)
        return _Where(guard.rules, guard.clock)

    def _lend_to(self, app: "Flask") -> Guard:
        """The guard that the application decides by, from now on with our keys."""
        enforcement: Enforcement | None = app.extensions.get("policy")
        if enforcement is None:
            raise CannotSay(f"the application `{app.name}` has no authorizer: give it one with init_app first")
        with self._lock:
            if self._loans is None:
                raise RuntimeError("keys are lent in a block only: write `with PolicyIssuer() as policy_issuer:`")
            if id(enforcement) not in self._lent:
                self._loans.enter_context(enforcement.lent.lend(keys_of))
                self._lent[id(enforcement)] = enforcement
        return enforcement.guard


def _changed(claims: Mapping[str, Any], want: Wanted, now: int) -> dict[str, Any]:
    """The claims with their times, and as a test wants them to differ."""
    whole = {**claims, "iat": now, "exp": now + want.expires_in, **want.claims}
    return {name: value for name, value in whole.items() if name not in want.without}
