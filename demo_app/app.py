"""The application factory: `flask --app demo_app run`."""

import time
from pathlib import Path
from typing import Any, Final

from flask import Flask, current_app
from werkzeug.exceptions import HTTPException

from demo_app import data, issuer, payments, store
from demo_app.vault import open_vault
from policy.flask import Authorizer, authenticated, current_subject, public

ROOT: Final = Path(__file__).parent.parent


def create_app(root: Path = ROOT) -> Flask:
    """The service. `root` holds its `policies/`, and gets a `var/` for keys, records and the log of decisions."""
    app = Flask("demo_app", static_folder=None)
    app.extensions["vault"] = open_vault(root / "var" / "demo")
    store.init_app(app, root / "var" / "demo" / "records.sqlite3")
    authz = Authorizer(app, policy=root / "policies", audit=root / "var" / "audit")
    app.extensions["authorizer"] = authz

    app.register_blueprint(data.blueprint)
    app.register_blueprint(payments.blueprint)
    app.register_blueprint(issuer.blueprint)
    app.add_url_rule("/health", view_func=health)
    app.add_url_rule("/api/me", view_func=me)
    app.register_error_handler(HTTPException, problem)

    authz.seal()
    return app


@public(reason="load balancers have no token, and it tells nothing about subjects or rules")
def health() -> dict[str, Any]:
    """Whether the service is up, and decides by the policy on disk: as all its workers do, or by different ones."""
    policy = current_app.extensions["authorizer"].health()
    return {"status": "ok", "policy": policy["standing"], "drift": policy["drift"]}


@authenticated
def me() -> dict[str, Any]:
    """Who am I, and what may I do: now, and after a stronger or more recent login."""
    rules = current_app.extensions["policy"].guard.rules
    may = rules.permissions_of(current_subject, now=time.time())
    return {
        "subject": current_subject.id,
        "kind": current_subject.kind,
        "may": sorted(may.granted),
        "may_after_step_up": sorted(may.conditional),
    }


def problem(error: HTTPException) -> tuple[dict[str, Any], int, dict[str, str]]:
    """The service's own errors in the shape of the library's refusals (RFC 9457)."""
    status = error.code or 500
    body = {"type": "about:blank", "title": error.name, "status": status, "detail": error.description}
    return body, status, {"Content-Type": "application/problem+json"}
