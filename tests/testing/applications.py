"""Small applications whose issuers are whatever a test needs; none of their keys is used by a test's tokens."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from policy.cli.subjects import as_dict
from policy.document.issuer_names import example
from policy.document.profiles import profiles
from policy.flask import Authorizer, authenticated, current_subject, requires
from policy.testing import PolicyIssuer
from tests.issuing import ISSUER, PUBLIC

Json = dict[str, Any]
AUDIENCE = "https://api.example.com"
NOWHERE = {"jwks_uri": "https://keys.invalid/jwks.json"}
"""Keys that nobody can fetch: an application that tries to answers 503."""

READ: Any = {"roles": ["viewer"], "scopes": ["read:data"]}
DONE = (200, "read: done")
PERMISSIONS = {
    "read:data": "Read records",
    "update:data": "Change a record",
    "delete:data": {"description": "Remove a record", "step_up": {"acr": ["mfa"], "max_age": 300}},
}
ROLES = {"viewer": {"grants": ["read:data"]}, "editor": {"inherits": ["viewer"], "grants": ["*:data"]}}
PLAIN: Json = {
    "profile": "plain",
    "audience": AUDIENCE,
    "algorithms": ["ES256"],
    "keys": {"jwks": {"keys": [PUBLIC]}},
    "authority": {"user": "roles-and-scopes", "machine": "scopes"},
}


def write(path: Path, issuers: Mapping[str, Json], **sections: Any) -> Path:
    """A policy of one document with these issuers."""
    document = {"permissions": PERMISSIONS, "roles": ROLES, **sections, "issuers": issuers}
    path.mkdir(parents=True, exist_ok=True)
    (path / "policy.json").write_text(json.dumps(document), encoding="utf-8")
    return path


def plain(**changes: Any) -> dict[str, Json]:
    """The usual issuer, with changes."""
    return {ISSUER: {**PLAIN, **changes}}


def of_profile(name: str, **changes: Any) -> dict[str, Json]:
    """An issuer of a provider, whose keys are nowhere."""
    about = profiles()[name]
    issuer = {
        "profile": name, "audience": AUDIENCE, "keys": NOWHERE,
        "authority": dict.fromkeys(about["kinds"], about.get("regimes", ["roles-and-scopes"])[0]),
        **({} if "algorithms" in about else {"algorithms": ["EdDSA"]}), **changes,
    }  # fmt: skip
    return {example(about.get("issuer", ["https://id.example.com/"])[0]): issuer}


def application(policy: Any, *, name: str = "shop", audit: Any = None, **options: Any) -> Flask:
    """It tells who asks, and reads, changes and removes records."""
    app = Flask(name, static_folder=None)
    authz = Authorizer(app, policy=policy, audit=audit, **options)
    app.add_url_rule("/me", "me", authenticated(_me))
    for verb in ("read", "update", "delete"):
        app.add_url_rule(f"/{verb}", verb, requires(f"{verb}:data")(_view(verb)))
    authz.seal()
    return app


def _me() -> Json:
    return {**as_dict(current_subject), "acr": current_subject.acr, "auth_time": current_subject.auth_time}


def _view(verb: str) -> Callable[[], str]:
    return lambda: f"{verb}: done"


def told(answer: Any) -> tuple[int, str]:
    """The status, and the reason of a refusal or else the body."""
    if answer.content_type == "application/problem+json":
        return answer.status_code, answer.get_json()["reason"]
    return answer.status_code, answer.get_data(as_text=True)


def lent(app: Flask, by: PolicyIssuer, /, **asked: Any) -> tuple[int, str]:
    """What somebody who may read gets, or somebody who differs a little."""
    return told(by.client(app, **{**READ, **asked}).get("/read"))
