"""The application that is asked: it tells by which policy it decided, and what that policy allows."""

import os
import time
from pathlib import Path
from typing import Any

from flask import Flask

from policy.evaluate import decide
from policy.flask import Authorizer, current_decision, current_subject, public, requires
from tests.soak.variants import PERMISSIONS


def create_app(root: str) -> Flask:
    """Policy in `policies/`, log in `audit/`; asked for by the server's command line."""
    app = Flask("soak", static_folder=None)
    authz = Authorizer(app, policy=Path(root) / "policies", audit=Path(root) / "audit")

    @app.get("/state")
    @requires("read:data")
    def state() -> dict[str, Any]:
        rules, now = current_decision.policy, time.time()
        return {
            "process": os.getpid(),
            "policy": rules.digest,
            "may": [name for name in PERMISSIONS if decide(rules, current_subject, name, now=now)],
        }

    @app.get("/health")
    @public(reason="asked by the test")
    def health() -> dict[str, Any]:
        return authz.health()

    authz.seal()
    return app
