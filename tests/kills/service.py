"""The application whose workers are killed."""

import os
from pathlib import Path

from flask import Flask

from policy import AuditLog
from policy.flask import Authorizer, requires


def create_app(root: str, durability: str) -> Flask:
    """Policy in `policies/`, log in `audit/`; asked for by the server's command line."""
    app = Flask("killed", static_folder=None)
    # files of a size at which they are followed by others during a run
    log = AuditLog(Path(root) / "audit", durability=durability, rotate_bytes=400_000)  # type: ignore[arg-type]
    authz = Authorizer(app, policy=Path(root) / "policies", audit=log, reload=None)

    @app.get("/data")
    @requires("read:data")
    def data() -> str:
        return str(os.getpid())

    authz.seal()
    return app
