"""The last look at a good token: whether it was taken back. The stores are elsewhere; this is what they are asked."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from policy.claims import bound_reader, text_reader
from policy.errors import Problem, RevocationUnavailable, TokenRefused, Unavailable
from policy.model import Issuer
from policy.reasons import Reason
from policy.revoked import Facts

Claims = Mapping[str, Any]


class Revocations(Protocol):
    """Where it is known what is revoked.

    It may have `problems` besides: why a later change of what is revoked is not in force; empty where all is well.
    """

    def find(self, facts: Facts) -> str | None:
        """Why the token is revoked, for the log; `None` where it is not.

        `RevocationUnavailable` where that cannot be known now.
        """


def problems_of(revocations: Revocations | None) -> Sequence[Problem]:
    """What is wrong with a later change; nothing of an object of one's own that has only `find`."""
    return getattr(revocations, "problems", ())


FactsOf = Callable[[Claims, str], Facts]


def facts_reader(issuer: Issuer) -> FactsOf:
    """A function that reads the facts in the verified claims of an issuer's token; made once."""
    client_of = text_reader(issuer.claims.get("client", ()))
    tenant_of = text_reader(issuer.claims.get("tenant", ()))
    bound_of = bound_reader(issuer.claims.get("roles", ()))

    def read(claims: Claims, token_id: str) -> Facts:
        client = client_of(claims) if client_of else None
        tenant = tenant_of(claims) if tenant_of else None
        bound = frozenset(where for _, where in bound_of(claims)) if bound_of else frozenset()
        tenants = bound if tenant is None else bound | {tenant}
        return Facts(issuer.name, token_id, claims["sub"], client, tenants, claims["iat"])

    return read


def check_revoked(revocations: Revocations, facts: Facts) -> None:
    """Refuse a token that is revoked; whatever else comes of asking is `RevocationUnavailable`."""
    why = _asked(revocations, facts)
    if why is not None:
        raise TokenRefused(Reason.TOKEN_REVOKED, why)


def _asked(revocations: Revocations, facts: Facts) -> str | None:
    try:
        why: Any = revocations.find(facts)
    except Unavailable:
        raise
    except Exception as error:  # whatever an object of one's own raises: what is not known is no allow
        raise RevocationUnavailable(f"the revocations cannot be asked: {error!r}") from error
    if why is None or type(why) is str:
        return why
    raise RevocationUnavailable(f"the revocations answer with a `{type(why).__name__}`, neither a text nor None")
