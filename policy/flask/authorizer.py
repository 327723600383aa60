"""The Flask extension: one hook before every request, and one after it that no answer escapes."""

import functools
import logging
import os
import re
import threading
import time
from collections.abc import Callable
from typing import Final

from flask import Flask, Response, request

from policy.audit import AuditLog, AuditSink
from policy.demand import Public
from policy.engine import Policy
from policy.errors import AuditUnavailable, PolicyError, TokenRefused
from policy.flask import http, seal
from policy.flask.bearer import bearer_token
from policy.flask.current import State, state
from policy.flask.marks import Marker
from policy.flask.routes import Declarations, Route, is_automatic_options, is_static_without_folder, route
from policy.guard import Clock, Guard
from policy.reasons import Reason
from policy.record import About
from policy.tokens import TokenVerifier

logger: Final = logging.getLogger("policy.flask")


class _Unset:
    """Says that an argument was not given, where `None` is an answer."""


_UNSET: Final = _Unset()
PathLike = str | os.PathLike[str]


class Authorizer:
    """Protects the endpoints of Flask applications.

    `Authorizer(app, policy="policies/", audit="var/audit/")`, or `init_app` in a factory, whose last line is `seal()`.
    `policy` is a folder, a file or a `Policy`; `audit` is a folder, an `AuditSink`, or `None` to keep nothing.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        policy: PathLike | Policy | None = None,
        audit: PathLike | AuditSink | _Unset | None = _UNSET,
        clock: Clock = time.time,
    ) -> None:
        self._declared = Declarations()
        self._enforcement: Enforcement | None = None
        if app is not None:
            self.init_app(app, policy=policy, audit=audit, clock=clock)

    def init_app(
        self,
        app: Flask,
        *,
        policy: PathLike | Policy | None = None,
        audit: PathLike | AuditSink | _Unset | None = _UNSET,
        clock: Clock = time.time,
    ) -> None:
        """Put the hooks in place; `PolicyError` where the policy, its keys or the arguments cannot be used."""
        if "policy" in app.extensions:
            raise PolicyError(f"the application `{app.name}` has an authorizer already")
        rules = _rules(policy)
        guard = Guard(rules, TokenVerifier(rules), _sink(audit), clock=clock)
        self._enforcement = Enforcement(app, guard, self._declared)
        app.extensions["policy"] = self._enforcement

    def declare(self, pattern: str, marker: Marker) -> None:
        """Say what an endpoint one does not own demands, or all of a blueprint: `declare("docs.*", requires("a"))`."""
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
        return _sealing(make)


def _sealing(make: Callable[..., Flask]) -> Callable[..., Flask]:
    @functools.wraps(make)
    def sealed(*args: object, **kwargs: object) -> Flask:
        app = make(*args, **kwargs)
        app.extensions["policy"].seal()
        return app

    return sealed


def _rules(policy: PathLike | Policy | None) -> Policy:
    if policy is None:
        raise PolicyError('no policy is given; add policy="policies/"')
    return policy if isinstance(policy, Policy) else Policy.load(policy)


def _sink(audit: PathLike | AuditSink | _Unset | None) -> AuditSink | None:
    if isinstance(audit, _Unset):
        raise PolicyError(
            'nothing says where decisions are kept; add audit="var/audit/", or audit=None to keep nothing'
        )
    return AuditLog(audit) if isinstance(audit, str | os.PathLike) else audit


class Enforcement:
    """Authorization of one application: its guard, its routes, and whether they are sealed."""

    def __init__(self, app: Flask, guard: Guard, declared: Declarations) -> None:
        self.guard: Final = guard
        self._app, self._declared = app, declared
        self._realm = re.sub(r"[^A-Za-z0-9_.-]", "-", app.name)
        self._lock = threading.Lock()
        self._sealed: bool | None = None
        self._known: dict[tuple[object, ...], bool] = {}
        app.before_request_funcs.setdefault(None, []).insert(0, self.before)
        app.after_request_funcs.setdefault(None, []).insert(0, self.after)

    def seal(self) -> None:
        """Check all routes; `PolicyError` with the whole list, and from then on every request is a 503."""
        found = seal.problems(self._app, self._declared, self.guard.rules, self.before)
        self._sealed = not found
        if found:
            raise PolicyError(found)

    def before(self) -> Response | None:
        """Decide the request: the answer that refuses it, or `None` for Flask to go on."""
        rule = request.url_rule
        if rule is None:
            return None
        current = state()
        current.hook_ran = True
        if not (self._holds() and seal.hook_is_first(self._app, self.before)):
            return self._refuse_all(Reason.NOT_SEALED)
        if is_automatic_options(rule, request.method) or is_static_without_folder(self._app, rule):
            return None
        wanted = route(self._app, self._declared, rule, request.method)
        if not self._is_sound(wanted):
            return self._refuse_all(Reason.ENDPOINT_UNDECLARED)
        if isinstance(wanted.marks[0], Public):
            current.enforced = wanted.marks
            return None
        return self._admit(wanted, current)

    def _admit(self, wanted: Route, current: State) -> Response | None:
        about = self._about()
        try:
            token = self._token(about)
            current.admission = self.guard.admit(token, wanted.marks, about=about)
        except TokenRefused as refusal:
            return http.token_refused(refusal, self._realm)
        except AuditUnavailable as error:
            logger.critical("%s", error)
            return http.unavailable(Reason.AUDIT_UNAVAILABLE)
        found = current.admission.outcome
        if not found.allowed:
            return http.refused(found, current.admission.id, self._realm)
        current.enforced = wanted.marks
        return None

    def _token(self, about: About) -> str:
        try:
            return bearer_token(request.headers.get("Authorization"))
        except TokenRefused as refusal:
            self.guard.refuse(refusal, about=about)
            raise

    def after(self, response: Response) -> Response:
        """Replace the answer of a request in which a tripwire tripped, or in which the hook was kept from running."""
        current = state()
        if current.tripped:
            return http.server_error(Reason.MARK_NOT_ENFORCED, current.trip_id)
        if request.url_rule is not None and not current.hook_ran and not seal.hook_is_first(self._app, self.before):
            return self._refuse_all(Reason.NOT_SEALED)
        return response

    def _holds(self) -> bool:
        """Whether the seal holds; the first request sets it where the application did not."""
        if self._sealed is None:
            with self._lock:
                if self._sealed is None:
                    try:
                        self.seal()
                    except PolicyError as error:
                        logger.critical("the application is not sealed:\n%s", error)
        return bool(self._sealed)

    def _is_sound(self, wanted: Route) -> bool:
        """Whether a route is declared rightly; those added after the seal are looked at when first asked for."""
        key = (wanted.rule.endpoint, wanted.method, wanted.function, wanted.marks)
        sound = self._known.get(key)
        if sound is None:
            found = list(seal.route_problems(wanted, self.guard.rules))
            for problem in found:
                logger.critical("%s", problem)
            sound = self._known[key] = not found
        return sound

    def _refuse_all(self, reason: Reason) -> Response:
        return http.unavailable(reason, self.note(reason, f"{request.method} {request.url_rule}"))

    def note(self, reason: Reason, detail: str) -> str:
        """Record a refusal that is the application's own doing; the id of the record, empty if it cannot be kept."""
        try:
            return self.guard.note(reason, detail, about=self._about())
        except AuditUnavailable as error:
            logger.critical("%s", error)
            return ""

    def _about(self) -> About:
        headers = request.headers
        return About(
            method=request.method,
            route=str(request.url_rule),
            request_id=headers.get("X-Request-ID", ""),
            trace_id=_trace_id(headers.get("traceparent", "")),
        )


def _trace_id(traceparent: str) -> str:
    """The trace id of a W3C `traceparent` header; empty where it has none."""
    parts = traceparent.split("-")
    found = parts[1] if len(parts) >= 4 else ""
    return found if len(found) == 32 and set(found) <= set("0123456789abcdef") else ""
