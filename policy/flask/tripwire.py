"""What happens when a marked function is about to run unenforced: it does not run, and nothing can hide that."""

import logging
from typing import Final, NoReturn

from flask import current_app, has_request_context
from werkzeug.exceptions import InternalServerError

from policy.demand import Mark
from policy.errors import MarkNotEnforced
from policy.flask.current import state
from policy.flask.http import server_error
from policy.reasons import Reason

logger: Final = logging.getLogger("policy.flask")


class _Tripped(MarkNotEnforced, InternalServerError):
    """In a request: answered as a 500, also where no authorizer was ever given to the application."""


def trip(mark: Mark, function: str) -> NoReturn:
    """Refuse to run a function: logged, recorded, and noted on the request, so that the answer is a 500."""
    text = f"`{function}` was called although its mark `{mark}` was not enforced"
    logger.critical(text)
    if not has_request_context():
        raise MarkNotEnforced(f"{text}: there is no request; a job calls `__wrapped__` and decides for itself")
    current, enforcement = state(), current_app.extensions.get("policy")
    if enforcement is None:
        logger.critical("the application `%s` has no authorizer: call authz.init_app(app, ...)", current_app.name)
    current.tripped = True
    current.trip_id = enforcement.note(Reason.MARK_NOT_ENFORCED, text) if enforcement else ""
    raise _Tripped(text, response=server_error(Reason.MARK_NOT_ENFORCED, current.trip_id))
