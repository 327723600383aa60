"""The tour as data: who asks for what with which token, and what they are told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from demo_app.tour.client import Client

#: How the value of the Authorization header is come by; `None` sends none.
Credential = Callable[[Client], str | None]
PUBLIC: Final = "public"
#: In a path: where the last thing made by the tour is found.
MADE: Final = "{made}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One request and the answer it gets.

    `reason` is one of the library's, or `public` where nobody is asked and nothing recorded; `shows` is a text that
    stands in the challenge or in the body of the answer.
    """

    who: str
    credential: Credential
    asks: str
    status: int
    reason: str
    shows: str = ""
    body: Mapping[str, Any] | None = None


def nothing(client: Client) -> None:
    """No token at all."""


def bearer(token: Callable[[Client], str]) -> Credential:
    """A token, as RFC 6750 section 2.1 sends it."""
    return lambda client: f"Bearer {token(client)}"


def login(username: str, scope: str = "", *, second_factor: bool = False) -> Credential:
    """What a user gets from the service's own issuer."""
    return bearer(lambda client: client.login(username, scope, second_factor=second_factor))


_TITLE: Final = {"title": "A record of the tour"}
_PAYMENT: Final = {"payee": "The printer", "cents": 4200}
_MACHINE: Final = bearer(lambda client: client.machine("nightly-report"))
_TUTORIAL: Final = bearer(lambda client: client.tutorial("42"))

CHAPTERS: Final[Mapping[str, tuple[Step, ...]]] = {
    "Without a token, or with one that is no good": (
        Step(who="nobody", credential=nothing, asks="GET /health", status=200, reason=PUBLIC),
        Step(who="nobody", credential=nothing, asks="GET /api/data", status=401, reason="token-absent"),
        Step(who="a header of two words", credential=lambda _: "Bearer one two", asks="GET /api/data",
             status=400, reason="token-header", shows='error="invalid_request"'),
        Step(who="vera, key of her own", credential=bearer(lambda client: client.forged("vera")),
             asks="GET /api/data", status=401, reason="token-signature", shows='error="invalid_token"'),
        Step(who="vera, an old token", credential=bearer(lambda client: client.expired("vera")),
             asks="GET /api/data", status=401, reason="token-expired", shows='error="invalid_token"'),
        Step(who="vera, another API's token", credential=bearer(lambda client: client.for_another_api("vera")),
             asks="GET /api/data", status=401, reason="token-audience", shows='error="invalid_token"'),
    ),
    "Roles say what a person may do, scopes what their client may": (
        Step(who="vera, a viewer", credential=login("vera"), asks="GET /api/data", status=200, reason="allowed"),
        Step(who="vera, a viewer", credential=login("vera"), asks="POST /api/data", body=_TITLE,
             status=403, reason="no-role-grants-it"),
        Step(who="edna, an editor", credential=login("edna"), asks="POST /api/data", body=_TITLE,
             status=201, reason="allowed"),
        Step(who="edna, client may only read", credential=login("edna", "read:data"), asks="POST /api/data",
             body=_TITLE, status=403, reason="scope-missing", shows='error="insufficient_scope", scope="create:data"'),
        Step(who="vera, scope `reports`", credential=login("vera", "reports"), asks="GET /api/report",
             status=200, reason="allowed"),
        Step(who="nightly-report, a machine", credential=_MACHINE, asks="GET /api/report",
             status=200, reason="allowed"),
        Step(who="42, the tutorial's token", credential=_TUTORIAL, asks="GET /api/data", status=200, reason="allowed"),
        Step(who="ada, what may she do?", credential=login("ada"), asks="GET /api/me", status=200, reason="allowed",
             shows='"may_after_step_up": ["delete:data"]'),
    ),
    "Deny rules, a second factor, and separation of duty": (
        Step(who="carl, editor, contractor", credential=login("carl"), asks=f"PUT {MADE}", body=_TITLE,
             status=403, reason="denied-by-rule", shows="Contractors may not change records"),
        Step(who="ada, an admin", credential=login("ada"), asks=f"DELETE {MADE}", status=401,
             reason="step-up-required", shows='error="insufficient_user_authentication", acr_values="mfa"'),
        Step(who="ada, second factor", credential=login("ada", second_factor=True), asks=f"DELETE {MADE}",
             status=204, reason="allowed"),
        Step(who="sam, payer and approver", credential=login("sam"), asks="POST /api/payments", body=_PAYMENT,
             status=403, reason="separation-of-duty"),
        Step(who="pia, a payer", credential=login("pia"), asks="POST /api/payments", body=_PAYMENT,
             status=201, reason="allowed"),
        Step(who="april, an approver", credential=login("april"), asks=f"POST {MADE}/approval",
             status=200, reason="allowed"),
    ),
}  # fmt: skip
