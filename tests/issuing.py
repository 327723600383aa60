"""A real issuer for tests: a key pair, its public JWKS, and signed tokens."""

import json
import time
from pathlib import Path
from typing import Any

from policy.tokens.issue import generate_key, sign

ISSUER = "https://issuer.example/"
PRIVATE, PUBLIC = generate_key("ES256", kid="test-key")

DOCUMENT: dict[str, Any] = {
    "permissions": {
        "read:data": "Read records",
        "update:data": "Change a record",
        "delete:data": {"description": "Remove a record", "step_up": {"acr": ["mfa"], "max_age": 300}},
        "create:payment": "Submit a payment",
        "approve:payment": "Approve a payment",
    },
    "roles": {
        "viewer": {"grants": ["read:*"]},
        "editor": {"inherits": ["viewer"], "grants": ["update:data"]},
        "admin": {"inherits": ["editor"], "grants": ["delete:data"]},
        "contractor": {},
        "payer": {"grants": ["create:payment"]},
        "approver": {"grants": ["approve:payment"]},
    },
    "scopes": {"data.full": {"grants": ["*:data"]}},
    "rules": [
        {
            "id": "no-contractors",
            "effect": "deny",
            "permissions": ["update:data"],
            "roles": ["contractor"],
            "message": "Contractors may not change records",
        }
    ],
    "constraints": [
        {"id": "payer-or-approver", "kind": "separation-of-duty", "roles": ["payer", "approver"], "limit": 1}
    ],
    "issuers": {
        ISSUER: {
            "profile": "plain",
            "audience": "https://api.example.com",
            "algorithms": ["ES256"],
            "keys": {"jwks": {"keys": [PUBLIC]}},
            "authority": {"user": "roles-and-scopes", "machine": "scopes"},
        }
    },
}


def write_policy(folder: Path, **sections: Any) -> Path:
    """A folder with one document; sections given replace those of the usual one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.json").write_text(json.dumps({**DOCUMENT, **sections}), encoding="utf-8")
    return folder


def token(*, key: str = PRIVATE, kid: str | None = "test-key", typ: str = "at+jwt", **claims: Any) -> str:
    """A signed token, valid for an hour unless the claims say otherwise; a claim that is `None` is left out."""
    now = int(time.time())
    usual = {"iss": ISSUER, "sub": "alice", "aud": "https://api.example.com", "iat": now, "exp": now + 3600}
    given = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    return sign(given, key=key, algorithm="ES256", kid=kid, typ=typ)


def bearer(**claims: Any) -> dict[str, str]:
    """The headers of a request with such a token."""
    return {"Authorization": f"Bearer {token(**claims)}"}


VIEWER: dict[str, Any] = {"roles": ["viewer"], "scope": "read:data"}
