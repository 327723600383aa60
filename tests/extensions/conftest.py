"""The application and the authorizer of the tests of the Flask extension."""

from tests.flask.conftest import app, protect

__all__ = ["app", "protect"]
