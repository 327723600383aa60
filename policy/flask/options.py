"""What an authorizer is given: as arguments, or as `POLICY_*` keys of the application's configuration."""

import os
import time
from typing import Any, Final, NamedTuple, TypedDict, Unpack

from flask import Flask

from policy.audit import AuditSink, sink
from policy.engine import Policy
from policy.errors import PolicyError, Problem
from policy.flask.metadata import Resource, checked_resource
from policy.flask.presenting import checked_header, checked_url
from policy.guard import Clock
from policy.nearest import did_you_mean
from policy.tokens.revoked import Revocations
from policy.tokens.verifier import REMEMBERED

PathLike = str | os.PathLike[str]
LOOK_EVERY: Final = 0.5
KEYS: Final = {
    "POLICY_PATH": "policy",
    "POLICY_AUDIT": "audit",
    "POLICY_REALM": "realm",
    "POLICY_STATE": "state",
    "POLICY_RELOAD": "reload",
    "POLICY_REMEMBERED": "remembered",
    "POLICY_PUBLIC_URL": "public_url",
    "POLICY_CERTIFICATE_HASH_HEADER": "certificate_hash_header",
    "POLICY_RESOURCE_METADATA": "resource_metadata",
    "POLICY_REVOCATIONS": "revocations",
    "POLICY_SHADOW": "shadow",
}


class Arguments(TypedDict, total=False):
    """What `Authorizer` and `init_app` take; each is also a key of the configuration, and an argument wins.

    `policy` (`POLICY_PATH`): a folder, a file or a `Policy`. `audit` (`POLICY_AUDIT`): a folder, `"stdout"`,
    `"logging"`, an `AuditSink`, or `None` to keep nothing. `realm` (`POLICY_REALM`): the name in challenges, the
    application's own unless given. `state` (`POLICY_STATE`): the folder where accepted policies are kept, `policies/`
    in the audit folder unless given. `reload` (`POLICY_RELOAD`): how often the policy's path is looked at, in seconds,
    or `None` for never. `remembered` (`POLICY_REMEMBERED`): how many good tokens are known again without a look at
    their signature, 0 for none. `revocations` (`POLICY_REVOCATIONS`): what is asked about revoked tokens
    besides the documents in the policy's folder: a document, an SQLite file, the address of a Redis server, or an
    object with `find`. `public_url` (`POLICY_PUBLIC_URL`): how the API's addresses begin for its clients, for proofs
    (RFC 9449), where the request does not tell. `certificate_hash_header` (`POLICY_CERTIFICATE_HASH_HEADER`): the
    header in which a front end gives the SHA-256 of the client's certificate (RFC 8705), and which it always sets.
    `resource_metadata` (`POLICY_RESOURCE_METADATA`): the API's resource identifier, whose metadata is then served (RFC
    9728). `shadow` (`POLICY_SHADOW`): a policy that is decided beside the one in force and changes no answer: a folder,
    a file or a `Policy`. `clock`: seconds since 1970.
    """

    policy: PathLike | Policy
    audit: PathLike | AuditSink | None
    realm: str
    state: PathLike | None
    reload: float | None
    remembered: int
    revocations: PathLike | Revocations | None
    public_url: str
    certificate_hash_header: str
    resource_metadata: str
    shadow: PathLike | Policy | None
    clock: Clock


class Options(NamedTuple):
    """The arguments, complete and loaded."""

    policy: PathLike | Policy
    audit: AuditSink | None
    realm: str
    state: PathLike | None
    reload: float | None
    remembered: int
    revocations: PathLike | Revocations | None
    public_url: str
    certificate_hash_header: str
    resource: Resource | None
    shadow: PathLike | Policy | None
    clock: Clock


def options(app: Flask, **arguments: Unpack[Arguments]) -> Options:
    """Put arguments and configuration together; `PolicyError` where something is missing or unknown."""
    given: dict[str, Any] = {**_configured(app), **arguments}
    if given.get("policy") is None:
        raise PolicyError('no policy is given; add policy="policies/"')
    if "audit" not in given:
        raise PolicyError(
            'nothing says where decisions are kept; add audit="var/audit/", or audit=None to keep nothing'
        )
    return Options(
        policy=given["policy"],
        audit=sink(given["audit"]),
        realm=given.get("realm") or app.name,
        state=given.get("state"),
        reload=_interval(given.get("reload", LOOK_EVERY)),
        remembered=_number(given.get("remembered", REMEMBERED)),
        revocations=given.get("revocations"),
        public_url=checked_url(given.get("public_url") or ""),
        certificate_hash_header=checked_header(given.get("certificate_hash_header") or ""),
        resource=checked_resource(given.get("resource_metadata") or ""),
        shadow=_shadow(given.get("shadow")),
        clock=given.get("clock") or time.time,
    )


def _interval(seconds: float | None) -> float | None:
    if seconds is not None and not 0.01 <= seconds <= 3600:
        raise PolicyError(f"`reload` is a number of seconds from 0.01 to 3600, or None for never, not `{seconds}`")
    return seconds


def _shadow(given: Any) -> PathLike | Policy | None:
    if given is None or given == "":
        return None
    if not isinstance(given, (str, os.PathLike, Policy)):
        kind = type(given).__name__
        raise PolicyError(f'`shadow` is a folder, a file or a Policy, such as shadow="next-policies/", not a `{kind}`')
    return given


def _number(tokens: Any) -> int:
    if type(tokens) is not int or tokens < 0:
        raise PolicyError(f"`remembered` is a number of tokens, or 0 for none, not `{tokens}`")
    return tokens


def _configured(app: Flask) -> dict[str, Any]:
    found = {key: value for key, value in app.config.items() if key.startswith("POLICY_")}
    unknown = [key for key in found if key not in KEYS]
    if unknown:
        raise PolicyError(
            Problem(message=f"unknown configuration key `{key}`", hint=did_you_mean(key, KEYS).removeprefix("; "))
            for key in unknown
        )
    return {KEYS[key]: value for key, value in found.items()}
