"""Signals for whoever wants to count or to be told; a receiver that fails is logged, and changes no answer."""

import logging
from typing import Any, Final

from blinker import NamedSignal, Namespace
from flask import Flask

logger: Final = logging.getLogger("policy.flask")
_signals: Final = Namespace()

decision_made: Final = _signals.signal("decision-made")
"""Sent with `kind` (request, gate, probe) and `admission` after each recorded decision."""
token_refused: Final = _signals.signal("token-refused")
"""Sent with `refusal`, a `TokenRefused`, after each recorded one."""
policy_reloaded: Final = _signals.signal("policy-reloaded")
"""Sent with `digest` and `previous` after a changed policy was taken."""


def send(signal: NamedSignal, app: Flask, **values: Any) -> None:
    """Tell all receivers."""
    for receiver in signal.receivers_for(app):
        try:
            receiver(app, **values)
        except Exception:  # a receiver of the application's own must not turn an answer into another
            logger.exception("a receiver of `%s` failed", signal.name)
