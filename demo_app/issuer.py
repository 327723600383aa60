"""A token issuer for the demo, so that it works alone and offline. An example to log in with, not one to deploy.

It answers as RFC 6749 and RFC 9068 say, for the two grants that need no browser; people's passwords belong with an
identity provider, behind the authorization code grant (RFC 9700 section 2.4).
"""

import time
import uuid
from collections.abc import Iterable
from hmac import compare_digest
from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from demo_app.accounts import CONSOLE, CONSOLE_SCOPES, MACHINES, USERS
from demo_app.vault import KEY_ID, Vault, current_vault
from policy.flask import public
from policy.tokens.issue import sign

NAME: Final = "https://id.records.example/"
AUDIENCE: Final = "https://records.example/api"
LIFETIME: Final = 3600
LOGIN: Final = "this is where one gets the token that everything else asks for"

blueprint = Blueprint("issuer", __name__)
Claims = dict[str, Any]


class _Refused(Exception):
    """An error of RFC 6749 section 5.2: a code, and a sentence for the developer of the client."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error, description)
        self.error, self.description = error, description


@blueprint.get("/.well-known/jwks.json")
@public(reason="public keys are public")
def jwks() -> Claims:
    """The keys that verify the issuer's tokens (RFC 7517 section 5)."""
    return {"keys": [current_vault().public_key]}


@blueprint.post("/token")
@public(reason=LOGIN)
def token() -> Response:
    """A token for a user (`grant_type=password`) or a machine (`client_credentials`), for all scopes or fewer."""
    claims = _granted(current_vault())
    return _answer(
        200,
        access_token=signed(claims, current_vault()),
        token_type="Bearer",  # noqa: S106 - the name of a token type
        expires_in=LIFETIME,
        scope=claims["scope"],
    )


@blueprint.errorhandler(_Refused)
def refused(error: _Refused) -> Response:
    """400, or 401 for a client that is not who it says."""
    status = 401 if error.error == "invalid_client" else 400
    return _answer(status, error=error.error, error_description=error.description)


def signed(claims: Claims, vault: Vault) -> str:
    """These claims as a token of this issuer."""
    return sign(claims, key=vault.private_key, algorithm="ES256", kid=KEY_ID)


def claims_of(subject: str, *, client: str, scopes: Iterable[str], **more: object) -> Claims:
    """The claims of an access token (RFC 9068 section 2.2), issued now."""
    now = int(time.time())
    return {
        "iss": NAME, "sub": subject, "aud": AUDIENCE, "iat": now, "exp": now + LIFETIME, "jti": uuid.uuid4().hex,
        "client_id": client, "scope": " ".join(scopes), **more,
    }  # fmt: skip


def _granted(vault: Vault) -> Claims:
    grant = _parameter("grant_type")
    if grant == "password":
        return _for_user(_parameter("username"), vault)
    if grant == "client_credentials":
        return _for_machine(_parameter("client_id"), vault)
    raise _Refused("unsupported_grant_type", "the grant types here are `password` and `client_credentials`")


def _for_user(username: str, vault: Vault) -> Claims:
    if not _same(_parameter("password"), vault.password) or username not in USERS:
        raise _Refused("invalid_grant", "user name or password is wrong")
    code = _parameter("otp", default="")
    if code and not _same(code, vault.code):
        raise _Refused("invalid_grant", "the second factor is wrong")
    return claims_of(
        username,
        client=CONSOLE,
        scopes=_scopes(CONSOLE_SCOPES),
        roles=USERS[username],
        acr="mfa" if code else "pwd",
        auth_time=int(time.time()),
    )


def _for_machine(client: str, vault: Vault) -> Claims:
    if not _same(_parameter("client_secret"), vault.password) or client not in MACHINES:
        raise _Refused("invalid_client", "client id or secret is wrong")
    return claims_of(client, client=client, scopes=_scopes(MACHINES[client]))


def _scopes(most: tuple[str, ...]) -> tuple[str, ...]:
    asked = _parameter("scope", default=" ".join(most)).split(" ")
    if not set(asked) <= set(most):
        raise _Refused("invalid_scope", f"the scopes here are `{' '.join(most)}`")
    return tuple(name for name in most if name in asked)


def _parameter(name: str, default: str | None = None) -> str:
    """A form parameter, given once (RFC 6749 section 3.2); one without a value counts as left out."""
    values = [value for value in request.form.getlist(name) if value]
    if len(values) > 1:
        raise _Refused("invalid_request", f"`{name}` is given twice")
    if not values and default is None:
        raise _Refused("invalid_request", f"`{name}` is missing")
    return values[0] if values else default or ""


def _same(given: str, secret: str) -> bool:
    return compare_digest(given.encode(), secret.encode())


def _answer(status: int, **members: object) -> Response:
    response = jsonify(members)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
