"""What an endpoint asks beyond permissions: whose address this is, in which tenant, and that its resource is there."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from flask import current_app
from werkzeug.exceptions import NotFound

from policy.demand import Mark, Requires
from policy.flask.current import State
from policy.reasons import Reason
from policy.subject import Subject

logger: Final = logging.getLogger("policy.flask")


def tenant_asked(marks: Sequence[Mark], arguments: Mapping[str, Any]) -> str | None:
    """The tenant that the address names, where a mark says which argument does."""
    names = [mark.tenant for mark in marks if isinstance(mark, Requires) and isinstance(mark.tenant, str)]
    return str(arguments[names[0]]) if names else None


def narrowed(marks: Sequence[Mark], subject: Subject, current: State) -> Reason | None:
    """A reason to refuse what the permissions allow: another subject's address, or a resource that is not there.

    What is loaded is kept in the state, the outermost mark's at last.
    """
    required = [mark for mark in marks if isinstance(mark, Requires)]
    if any(str(current.arguments[mark.subject]) != subject.id for mark in required if mark.subject):
        return Reason.SUBJECT_MISMATCH
    for mark in reversed(required):
        if mark.resource is not None and (reason := _load(mark.resource, mark, current)):
            return reason
    return None


def _load(load: Callable[..., Any], mark: Requires, current: State) -> Reason | None:
    try:
        current.resource = current_app.ensure_sync(load)(**current.arguments)
    except NotFound:
        return Reason.RESOURCE_NOT_FOUND
    except Exception:  # whatever a loader of the application's own raises is a 500, and never an allow
        logger.exception("`resource=` of `%s` failed", mark)
        return Reason.RESOURCE_UNAVAILABLE
    return Reason.RESOURCE_NOT_FOUND if current.resource is None else None
