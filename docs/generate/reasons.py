"""The reasons that this version gives, each with its sentence and the status that a caller sees."""

from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Final

import policy
from docs.generate.tables import code, table
from policy.errors import TokenRefused, Unavailable
from policy.flask.challenges import Challenges
from policy.flask.http import token_refused
from policy.reasons import SENTENCES, Reason

_UNAUTHORIZED: Final = (Reason.STEP_UP_REQUIRED,)
_NOT_FOUND: Final = (Reason.RESOURCE_NOT_FOUND,)
_SERVER_ERROR: Final = (Reason.MARK_NOT_ENFORCED, Reason.RESOURCE_UNAVAILABLE)
_UNAVAILABLE: Final = (
    *(each.reason for each in Unavailable.__subclasses__()),
    Reason.ENDPOINT_UNDECLARED,
    Reason.NOT_SEALED,
)


def as_markdown() -> str:
    """Two tables: reasons of a decision or an application, and reasons of a token."""
    tokens = [reason for reason in given() if reason.startswith("token-")]
    ours = [reason for reason in given() if reason not in tokens]
    return f"### Of decisions and of the application\n\n{_table(ours)}\n### Of tokens\n\n{_table(tokens)}"


def given() -> list[Reason]:
    """The reasons that some code gives: the others belong to what is not there yet."""
    sources = [path for path in Path(policy.__file__).parent.rglob("*.py") if path.name != "reasons.py"]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    return [reason for reason in Reason if f"Reason.{reason.name}" in text]


def _table(reasons: Iterable[Reason]) -> str:
    rows = [(code(reason.value), SENTENCES[reason], _status(reason)) for reason in reasons]
    return table(("reason", "what it says", "status"), rows)


def _status(reason: Reason) -> str:
    if reason is Reason.ALLOWED:
        return "the view's own"
    if reason.startswith("token-"):
        return str(token_refused(TokenRefused(reason), Challenges("")).status_code)
    groups = {401: _UNAUTHORIZED, 404: _NOT_FOUND, 500: _SERVER_ERROR, 503: _UNAVAILABLE}
    found = next((status for status, group in groups.items() if reason in group), HTTPStatus.FORBIDDEN)
    return str(int(found))
