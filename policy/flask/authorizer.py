"""The Flask extension as applications see it."""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Unpack

from flask import Flask

from policy.demand import UNSAID, Unsaid
from policy.errors import PolicyError
from policy.flask import command, gates
from policy.flask.enforcement import Enforcement, Shape
from policy.flask.marks import Marker, is_marker
from policy.flask.openapi import openapi_document
from policy.flask.options import Arguments, options
from policy.flask.routes import Declarations

_NOT_GIVEN: Final = object()


class Authorizer:
    """Protects the endpoints of Flask applications.

    `Authorizer(app, policy="policies/", audit="var/audit/")`, or `init_app` in a factory, whose last line is `seal()`.
    """

    def __init__(self, app: Flask | None = None, **arguments: Unpack[Arguments]) -> None:
        self._declared = Declarations()
        self._app: Flask | None = None
        self._enforcement: Enforcement | None = None
        self._shape: Shape | None = None
        if app is not None:
            self.init_app(app, **arguments)
        elif arguments:
            raise TypeError("an authorizer without an application takes no arguments: give them to init_app")

    def init_app(self, app: Flask, **arguments: Unpack[Arguments]) -> None:
        """Put the hooks in place; `PolicyError` where the policy, its keys or the arguments cannot be used."""
        if "policy" in app.extensions:
            raise PolicyError(f"the application `{app.name}` has an authorizer already")
        self._enforcement = Enforcement(app, options(app, **arguments), self._declared)
        self._enforcement.shape = self._shape
        app.extensions["policy"] = self._enforcement
        app.cli.add_command(command.group)
        self._app = app

    def declare(self, pattern: str, marker: Marker) -> None:
        """Say what an endpoint one does not own demands, or all of a blueprint: `declare("docs.*", requires("a"))`."""
        if not is_marker(marker):
            raise TypeError('declare takes an endpoint and a mark: declare("docs.*", requires("read:docs"))')
        self._declared.add(pattern, marker.mark)

    def seal(self) -> None:
        """Check the application initialised last as a whole; the factory's last line.

        `PolicyError` lists every route that is not declared, every permission that is not known, and whatever else
        would keep a view from being protected, each with the line that would mend it.
        """
        if self._enforcement is None:
            raise PolicyError("the authorizer has no application: call init_app(app, policy=..., audit=...) first")
        self._enforcement.seal()

    def factory(self, make: Callable[..., Flask]) -> Callable[..., Flask]:
        """Decorate an application factory: what it returns is sealed."""

        @functools.wraps(make)
        def sealed(*args: Any, **kwargs: Any) -> Flask:
            app = make(*args, **kwargs)
            if "policy" not in app.extensions:
                raise PolicyError(f"`{make.__qualname__}` gave its application no authorizer: call init_app in it")
            app.extensions["policy"].seal()
            return app

        return sealed

    def health(self) -> dict[str, Any]:
        """What the application initialised last decides by, and whether all its workers do, as JSON values.

        `standing` is `current`, `last-good` (a later edit of the folder is refused, for `problems`) or `last-accepted`
        (the folder was broken at the start); `revocations` say the same of what is revoked. `workers` are digests by
        process, `drift` says that they differ. `audit` is how this worker's folder of decisions does. `shadow`, where
        there is one, tells how often it disagreed here.
        """
        if self._enforcement is None:
            raise PolicyError("the authorizer has no application: call init_app(app, policy=..., audit=...) first")
        return self._enforcement.live.health()

    def openapi(self, app: Flask | None = None, *, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What the marks say, as an OpenAPI 3.1 document of the application initialised last, or of the one given.

        With a `document` that others made, Swagger 2.0 or OpenAPI 3, a copy of it: each of its operations that a route
        answers gets the `security` of that route and the refusals it does not describe; nothing else changes.
        `PolicyError` where a route is not declared, or where the document is none.
        """
        described = app or self._app
        if described is None:
            raise PolicyError("the authorizer has no application: call init_app(app, policy=..., audit=...) first")
        return openapi_document(described, document)

    def problem(self, shape: Shape) -> Shape:
        """Decorate a function that takes the body of a refusal and gives another; status and challenge stay."""
        self._shape = shape
        if self._enforcement is not None:
            self._enforcement.shape = shape
        return shape

    def require(self, *permissions: str, tenant: str | Unsaid | None = UNSAID, resource: Any = _NOT_GIVEN) -> None:
        """A gate in a view: go on only if the current subject may, else answer as a refused endpoint does.

        The tenant is that of the request unless one is given. `RuntimeError` where no subject is known.
        """
        _look_at(resource)
        gates.gate(permissions, tenant)

    def can(self, permission: str, *, tenant: str | Unsaid | None = UNSAID, resource: Any = _NOT_GIVEN) -> bool:
        """A probe in a view: whether the current subject may."""
        _look_at(resource)
        return gates.probe((permission,), tenant)[permission]

    def can_many(
        self, permissions: Iterable[str], *, tenant: str | Unsaid | None = UNSAID, resource: Any = _NOT_GIVEN
    ) -> dict[str, bool]:
        """Several probes, recorded as one."""
        _look_at(resource)
        return gates.probe(permissions, tenant)


def _look_at(resource: Any) -> None:
    if resource is not _NOT_GIVEN:
        gates.resource_is_unread(resource)
