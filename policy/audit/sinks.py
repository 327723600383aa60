"""What a log of decisions is to those who write to it."""

from typing import Protocol


class AuditSink(Protocol):
    """Where lines go. `write` returns when the line is accepted and raises `AuditUnavailable` when it is not."""

    def write(self, line: str, *, refused: bool = False) -> None:
        """Accept one line of ASCII without its line break; `refused` lines are of tokens that were not accepted."""
