"""Outcomes to HTTP answers: RFC 6750 section 3 and RFC 9449 section 7 for errors, RFC 9457 for bodies, RFC 9470."""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from flask import Response

from policy.decision import Decision
from policy.demand import Outcome
from policy.errors import TokenRefused
from policy.explain import applying_rules
from policy.flask.challenges import Challenges
from policy.model import StepUp
from policy.reasons import SENTENCES, Reason

logger: Final = logging.getLogger("policy.flask")
#: What is no `invalid_token`.
_CLIENT_ERROR: Final = {
    Reason.TOKEN_ABSENT: None,
    Reason.TOKEN_HEADER: "invalid_request",
    Reason.TOKEN_PROOF: "invalid_dpop_proof",
    Reason.TOKEN_PROOF_REPLAYED: "invalid_dpop_proof",
}


def problem(
    status: HTTPStatus,
    reason: Reason,
    *,
    id: str,  # noqa: A002
    detail: str = "",
    challenges: Iterable[str] = (),
) -> Response:
    """A `application/problem+json` answer; `id` is that of the record, `challenges` are those of `WWW-Authenticate`."""
    body = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail or SENTENCES[reason],
        "reason": reason.value,
        **({"decision": id} if id else {}),
    }
    response = Response(json.dumps(body) + "\n", status=status.value, content_type="application/problem+json")
    response.headers["Cache-Control"] = "no-store"
    for challenge in challenges:
        response.headers.add("WWW-Authenticate", challenge)
    return response


def token_refused(refusal: TokenRefused, challenges: Challenges) -> Response:
    """401, or 400 where the Authorization header itself is malformed."""
    error = _CLIENT_ERROR.get(refusal.reason, "invalid_token")
    status = HTTPStatus.BAD_REQUEST if error == "invalid_request" else HTTPStatus.UNAUTHORIZED
    return problem(status, refusal.reason, id=refusal.id, challenges=challenges.saying(error=error))


def refused(outcome: Outcome, id: str, challenges: Challenges) -> Response:  # noqa: A002
    """403 for a subject who may not; 401 where a stronger or more recent login would do."""
    decision = outcome.refused
    if decision is None:
        return _narrowed(outcome.reason, id, challenges)
    if decision.reason is Reason.STEP_UP_REQUIRED:
        entry = decision.policy.entries[decision.permission]
        said = challenges.saying(**_step_up(entry.step_up))
        return problem(HTTPStatus.UNAUTHORIZED, decision.reason, id=id, challenges=said)
    if outcome.missing_scopes:
        said = challenges.saying(error="insufficient_scope", scope=" ".join(outcome.missing_scopes))
        return problem(HTTPStatus.FORBIDDEN, decision.reason, id=id, challenges=said)
    detail = _message(decision) if decision.reason is Reason.DENIED_BY_RULE else ""
    return problem(HTTPStatus.FORBIDDEN, decision.reason, id=id, detail=detail, challenges=challenges.saying())


def _narrowed(reason: Reason, id: str, challenges: Challenges) -> Response:  # noqa: A002
    if reason is Reason.RESOURCE_NOT_FOUND:
        return problem(HTTPStatus.NOT_FOUND, reason, id=id)
    if reason is Reason.RESOURCE_UNAVAILABLE:
        return server_error(reason, id)
    return problem(HTTPStatus.FORBIDDEN, reason, id=id, challenges=challenges.saying())


def reshaped(response: Response, shape: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Response:
    """The same answer with another body; one that cannot be made is logged, and ours stays."""
    try:
        response.set_data(json.dumps(dict(shape(json.loads(response.get_data())))) + "\n")
    except Exception:  # a body of the application's own must not turn a refusal into anything else
        logger.exception("the function given to `problem` failed")
    return response


def _message(decision: Decision) -> str:
    rules = applying_rules(decision.policy, decision.subject, decision.permission, decision.tenant)
    return next((rule.message for rule in rules if rule.message), "")


def unavailable(reason: Reason, id: str = "") -> Response:  # noqa: A002
    """503: nobody can be answered now, and it is not the caller's doing."""
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, reason, id=id)


def server_error(reason: Reason, id: str = "") -> Response:  # noqa: A002
    """500: the application is wrong, and the function did not run."""
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, reason, id=id)


def _step_up(step_up: StepUp | None) -> dict[str, str | None]:
    """What the login has to be (RFC 9470 section 3)."""
    acr = " ".join(step_up.acr) if step_up and step_up.acr else None
    age = str(step_up.max_age) if step_up and step_up.max_age is not None else None
    return {"error": "insufficient_user_authentication", "acr_values": acr, "max_age": age}
