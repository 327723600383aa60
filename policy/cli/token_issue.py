"""`policy token issue`: a signed token for development, in the shape that the issuer's document declares."""

import argparse
import json
import os
import uuid
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from policy.cli.arguments import (
    CannotRun,
    Commands,
    command,
    now_of,
    scope_names,
    takes_now,
    takes_person,
    takes_policy,
)
from policy.cli.claims import Bearer, Claims, claims_for, issuer_named, type_for
from policy.cli.style import warn
from policy.engine import Policy
from policy.errors import PolicyError, TokenRefused
from policy.model import Issuer
from policy.tokens import TokenVerifier
from policy.tokens.algorithms import SECRET_BYTES_AT_LEAST
from policy.tokens.checks import check_signature
from policy.tokens.compact import decode, split
from policy.tokens.issue import sign
from policy.tokens.jwks import PublicKey, read_jwks
from policy.tokens.keys import prepared
from policy.tokens.secret import secret_in_file


class Signer(NamedTuple):
    """A key, the algorithm it signs with, and the name that the issuer's public keys have for it."""

    key: str | bytes
    algorithm: str
    kid: str | None


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "issue", run,
        summary="sign a token for development with a key that the policy's issuer publishes",
        example='TOKEN=$(policy token issue --subject alice --scope "read:data")',
    )  # fmt: skip
    takes_policy(made)
    made.add_argument("--issuer", metavar="NAME", help="who signs; the policy's only issuer unless given")
    made.add_argument("--key", default="dev-key.pem", metavar="FILE", help="the private key as PEM text (dev-key.pem)")
    secret = made.add_mutually_exclusive_group()
    secret.add_argument("--secret-env", metavar="NAME", help="the variable with the secret of a symmetric issuer")
    secret.add_argument("--secret-file", metavar="FILE", help="the file with the secret of a symmetric issuer")
    made.add_argument("--subject", required=True, metavar="ID", help="the token's `sub`")
    takes_person(made)
    made.add_argument("--scope", type=scope_names, default=(), metavar="SCOPES", help="scopes, separated by spaces")
    made.add_argument("--tenant", help="the tenant of the subject and of the roles")
    made.add_argument("--claim", type=_claim, action="append", default=[], metavar="NAME=JSON", help="any other claim")
    made.add_argument("--expires-in", type=int, default=3600, metavar="SECONDS", help="how long it is valid (3600)")
    made.add_argument("--kid", help="the `kid` of the header, instead of that of the public key")
    takes_now(made)


def run(args: argparse.Namespace) -> int:
    """Print the token, and nothing else, on standard output."""
    rules = Policy.load(args.policy)
    issuer = issuer_named(rules.issuers, args.issuer)
    signer = _secret_signer(issuer, args) if _is_symmetric(issuer) else _private_signer(issuer, args)
    kid = args.kid if args.kid is not None else signer.kid
    token = sign(_claims(issuer, args), key=signer.key, algorithm=signer.algorithm, kid=kid, typ=type_for(issuer))
    _warn_if_refused(rules, token, now_of(args))
    print(token)
    return 0


def _claims(issuer: Issuer, args: argparse.Namespace) -> Claims:
    bearer = Bearer(
        subject=args.subject, kind=args.kind, roles=args.roles, scopes=args.scope, permissions=args.permissions,
        tenant=args.tenant, client=args.client,
    )  # fmt: skip
    now = int(now_of(args))
    claims = {**claims_for(issuer, bearer), "iat": now, "exp": now + args.expires_in}
    made = {"jti": uuid.uuid4().hex}
    claims.update({name: made.get(name, "dev") for name in issuer.required if name not in claims})
    return {**claims, **dict(args.claim)}


def _claim(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"`{text}` is not NAME=JSON")
    try:
        return name, json.loads(value, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        hint = f"; a text is written `{name}={json.dumps(value)}`, in quotes for the shell too"
        raise argparse.ArgumentTypeError(f"`{value}` is not JSON{hint}") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _is_symmetric(issuer: Issuer) -> bool:
    return issuer.algorithms[0] in SECRET_BYTES_AT_LEAST


def _secret_signer(issuer: Issuer, args: argparse.Namespace) -> Signer:
    """The secret that was named, else the one where the policy says that it is."""
    given = args.secret_env is not None or args.secret_file is not None
    env, file = (args.secret_env, args.secret_file) if given else (issuer.keys.env, issuer.keys.file)
    if env is not None and env not in os.environ:
        raise CannotRun(f"the variable `{env}` with the secret of `{issuer.name}` is not set")
    if env is not None:
        return Signer(os.environ[env].encode("utf-8", "surrogateescape"), issuer.algorithms[0], None)
    return Signer(secret_in_file(Path(file or "").read_bytes()), issuer.algorithms[0], None)


def _private_signer(issuer: Issuer, args: argparse.Namespace) -> Signer:
    if args.secret_env is not None or args.secret_file is not None:
        raise CannotRun(f"`{issuer.name}` signs with a private key, not with a secret; give --key")
    if issuer.keys.jwks_uri is not None or issuer.keys.discovery:
        raise CannotRun(
            f"the keys of `{issuer.name}` are fetched, so only it can sign; for development give the issuer a key of "
            "your own, as `policy init` does, and for tests see `policy.testing`"
        )
    private = Path(args.key).read_bytes()
    source = issuer.keys.jwks_file
    raw = Path(source).read_bytes() if source is not None else (issuer.keys.jwks or "").encode()
    keys, faults = read_jwks(raw, issuer.algorithms)
    for public in keys:
        if _is_pair(private, public):
            return Signer(private, public.algorithm, public.kid)
    known = ", ".join(f"`{key.kid}` ({key.algorithm})" for key in keys) or "; ".join(faults)
    raise CannotRun(f"the private key `{args.key}` belongs to none of the public keys of `{issuer.name}`: {known}")


def _is_pair(private: bytes, public: PublicKey) -> bool:
    """Whether the public key verifies what the private one signs."""
    try:
        parts = split(sign({}, key=private, algorithm=public.algorithm))
        check_signature(prepared(public.algorithm, public.material), parts.signed, decode(parts.signature, "signature"))
    except (PolicyError, TokenRefused):
        return False
    return True


def _warn_if_refused(rules: Policy, token: str, now: float) -> None:
    """Tell of a token that the policy itself would refuse, which may be what is wanted; not where keys are unseen."""
    try:
        verifier = TokenVerifier(rules)
    except PolicyError:
        return
    try:
        verified = verifier.verify(token, now=now)
        rules.subject(verified.issuer.name, verified.claims)
    except TokenRefused as refusal:
        warn(f"this policy refuses the token: {refusal}")
