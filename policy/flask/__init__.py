"""Authorization for Flask: mark a view with what it demands, and every request is decided before the view runs."""

try:
    import flask  # noqa: F401
except ModuleNotFoundError as error:  # pragma: no cover - the tests have Flask
    raise ModuleNotFoundError("policy.flask needs Flask: pip install 'claims-policy[flask]'") from error

from policy.flask.authorizer import Authorizer
from policy.flask.current import current_decision, current_resource, current_subject
from policy.flask.marks import authenticated, public, requires

__all__ = [
    "Authorizer",
    "authenticated",
    "current_decision",
    "current_resource",
    "current_subject",
    "public",
    "requires",
]
