"""Authorization of one application: a hook before every request, and one after it that no answer escapes."""

import logging
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Flask, Request, Response, request
from werkzeug.routing import Rule

from policy.demand import Public
from policy.engine import Policy
from policy.errors import AuditUnavailable, PolicyError, Problem, TokenRefused, Unavailable
from policy.flask import http, seal, signals
from policy.flask.bearer import credentials, known_bearer
from policy.flask.challenges import Challenges
from policy.flask.current import State, current_request, state, state_of
from policy.flask.lending import LentKeys
from policy.flask.live import Live
from policy.flask.marks import armed
from policy.flask.metadata import serve
from policy.flask.narrowing import narrowed, tenant_asked
from policy.flask.options import Options
from policy.flask.presenting import presented, token_elsewhere
from policy.flask.remembered import Demands, RememberedRoutes
from policy.flask.routes import Declarations, Route, is_automatic_options, is_static_without_folder, route
from policy.guard import Guard
from policy.reasons import Reason
from policy.record import About
from policy.subject import Subject

logger: Final = logging.getLogger("policy.flask")
Shape = Callable[[dict[str, Any]], Mapping[str, Any]]


class Enforcement:
    """The guard of one application, its routes, and whether they are sealed."""

    def __init__(self, app: Flask, given: Options, declared: Declarations) -> None:
        self.shape: Shape | None = None
        self.realm: Final = re.sub(r"[^A-Za-z0-9_.-]", "-", given.realm)
        self._app, self._declared, self._given = app, declared, given
        self.lent: Final = LentKeys()
        self.live: Final = Live(given, suits=self._suits, taken=self._taken)
        self._hooks: Final = seal.Hooks(self.before, self._take_arguments)
        self._lock = threading.Lock()
        self._sealed: bool | None = None
        self._broken: tuple[Problem, ...] = ()
        self._known: dict[tuple[object, ...], bool] = {}
        self._remembered: Final = RememberedRoutes()
        if given.resource is not None:
            serve(app, given.resource, lambda: self.guard.rules)
        app.url_value_preprocessors.setdefault(None, []).insert(0, self._take_arguments)
        app.before_request_funcs.setdefault(None, []).insert(0, self.before)
        app.after_request_funcs.setdefault(None, []).insert(0, self.after)

    @property
    def guard(self) -> Guard:
        """The guard in force; a request takes it once."""
        return self.lent.applied(self.live.guard)

    @property
    def declared(self) -> Declarations:
        """What was declared for routes of others."""
        return self._declared

    def seal(self) -> None:
        """Check all routes; `PolicyError` with the whole list, and from then on every request is a 503."""
        found = self.problems() or self._broken
        self._sealed, self._broken = not found, found
        if found:
            raise PolicyError(found)
        self._arm()
        self.live.sealed()

    def _arm(self) -> None:
        """Make tripwires of declared views, so that they cannot be called by others either."""
        views = self._app.view_functions
        for endpoint, view in list(views.items()):
            if marks := self._declared.of(endpoint):
                views[endpoint] = armed(view, marks)

    def problems(self) -> tuple[Problem, ...]:
        """What keeps the application from being sealed with the policy in force."""
        return self._suits(self.guard.rules)

    def _suits(self, rules: Policy) -> tuple[Problem, ...]:
        """What keeps the application from being sealed with a policy."""
        return seal.problems(self._app, self._declared, rules, self._hooks)

    def _taken(self, digest: str, previous: str) -> None:
        self._known = {}
        signals.send(signals.policy_reloaded, self._app, digest=digest, previous=previous)

    def _take_arguments(self, endpoint: str | None, arguments: dict[str, Any] | None) -> None:  # noqa: ARG002
        """Take the address's arguments before a preprocessor of the application can pop them."""
        state().arguments = dict(arguments or {})

    def before(self) -> Response | None:
        """Decide the request: the answer that refuses it, or `None` for Flask to go on."""
        asked = current_request()
        rule = asked.url_rule
        if rule is None:
            return None
        self.live.ensure_watching()
        current, guard = state_of(asked), self.guard
        current.hook_ran, current.guard, current.by = True, guard, self
        if not (self._holds() and seal.hooks_are_first(self._app, self._hooks)):
            return self._refuse_all(Reason.NOT_SEALED)
        if is_automatic_options(rule, asked.method) or is_static_without_folder(self._app, rule):
            return None
        found = self._remembered.find(rule, asked.method, self._app.view_functions, self._declared, guard.rules)
        if found is None and (found := self._look_up(rule, asked.method, guard.rules)) is None:
            return self._refuse_all(Reason.ENDPOINT_UNDECLARED)
        try:
            return self._enforce(guard, found, current, about_of(asked))
        except TokenRefused as refusal:
            signals.send(signals.token_refused, self._app, refusal=refusal)
            return self.shaped(http.token_refused(refusal, self.challenges()))
        except Unavailable as error:
            logger.critical("%s: %s", error.reason, error)
            return self.shaped(http.unavailable(error.reason, error.id))

    def _look_up(self, rule: Rule, method: str, rules: Policy) -> Demands | None:
        """What a route demands, `None` where it is not soundly declared."""
        wanted = route(self._app, self._declared, rule, method)
        return self._remembered.keep(wanted, self._declared, rules) if self._is_sound(wanted, rules) else None

    def _enforce(self, guard: Guard, wanted: Demands, current: State, about: About) -> Response | None:
        marks = wanted.marks
        if isinstance(marks[0], Public):
            if marks[0].identify and request.headers.get("Authorization"):
                current.subject = self._identify(guard, current, about)
            current.enforced = marks
            return None
        current.tenant = tenant_asked(marks, current.arguments) if wanted.are_narrow else None
        subject = self._identify(guard, current, about)
        narrow = (lambda: narrowed(marks, subject, current)) if wanted.are_narrow else None
        admission = guard.admit(
            subject, marks, tenant=current.tenant, about=about, narrow=narrow, arguments=current.arguments
        )
        signals.send(signals.decision_made, self._app, kind="request", admission=admission)
        if not admission.outcome.allowed:
            return self.shaped(http.refused(admission.outcome, admission.id, self.challenges()))
        current.subject, current.admission, current.enforced = subject, admission, marks
        return None

    def _identify(self, guard: Guard, current: State, about: About) -> Subject:
        verifier, given = guard.verifier, self._given
        header = current_request().environ.get("HTTP_AUTHORIZATION")
        if not verifier.demands_proof and (known := known_bearer(header, verifier.remembers)) is not None:
            current.scheme = "Bearer"
            return guard.identify(known, about=about)
        try:
            scheme, token = credentials(header, verifier.schemes)
        except TokenRefused as refusal:
            refusal.detail = refusal.detail or token_elsewhere()
            guard.refuse(refusal, about=about)
            raise
        current.scheme = scheme
        if not verifier.demands_proof:
            return guard.identify(token, about=about)
        how = presented(scheme, given.public_url, given.certificate_hash_header)
        return guard.identify(token, about=about, presented=how)

    def challenges(self) -> Challenges:
        """What a refusal of the current request says of how tokens are taken."""
        current, resource = state(), self._given.resource
        verifier = (current.guard or self.guard).verifier
        return Challenges(self.realm, verifier.schemes, current.scheme, resource.address if resource else "")

    def shaped(self, response: Response) -> Response:
        """The refusal with the body that the application gives it; status and headers stay as they are."""
        return response if self.shape is None else http.reshaped(response, self.shape)

    def after(self, response: Response) -> Response:
        """Replace the answer of a request in which a tripwire tripped, or in which the hook was kept from running."""
        asked = current_request()
        current = state_of(asked)
        if current.tripped:
            return http.server_error(Reason.MARK_NOT_ENFORCED, current.trip_id)
        if not current.hook_ran and asked.url_rule is not None and not seal.hooks_are_first(self._app, self._hooks):
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

    def _is_sound(self, wanted: Route, rules: Policy) -> bool:
        """Whether a route is declared rightly; those added after the seal are looked at when first asked for."""
        key = (wanted.rule.endpoint, wanted.rule.rule, wanted.function, wanted.marks, rules.digest)
        sound = self._known.get(key)
        if sound is None:
            found = list(seal.route_problems(wanted, rules))
            for problem in found:
                logger.critical("%s", problem)
            sound = self._known[key] = not found
        return sound

    def _refuse_all(self, reason: Reason) -> Response:
        id = self.note(reason, f"{request.method} {request.url_rule}", apart=True)  # noqa: A001
        return self.shaped(http.unavailable(reason, id))

    def note(self, reason: Reason, detail: str, *, apart: bool = False) -> str:
        """Record a refusal that is the application's own doing; the id of the record, empty if it cannot be kept."""
        try:
            return self.guard.note(reason, detail, about=self.about(), apart=apart)
        except AuditUnavailable as error:
            logger.critical("%s", error)
            return ""

    def about(self) -> About:
        """What a record says of the current request."""
        return about_of(current_request())


def about_of(asked: Request) -> About:
    """What a record says of a request; headers as the server gives them (PEP 3333)."""
    environ = asked.environ
    return About(
        asked.method,
        str(asked.url_rule),
        environ.get("HTTP_X_REQUEST_ID", ""),
        _trace_id(environ.get("HTTP_TRACEPARENT", "")),
    )


def _trace_id(traceparent: str) -> str:
    """The trace id of a W3C `traceparent` header; empty where it has none."""
    if not traceparent:
        return ""
    parts = traceparent.split("-")
    found = parts[1] if len(parts) >= 4 else ""
    return found if len(found) == 32 and set(found) <= set("0123456789abcdef") else ""
