"""The log of decisions through Python's logging, without what makes logging lose records silently."""

import contextlib
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any, Final

from policy.errors import AuditUnavailable

NAME: Final = "policy.audit"


class LoggingSink:
    """The logger `policy.audit`: INFO for allows, WARNING for denials and refused tokens.

    The message is the record's line. The record's fields are in `extra` under `policy`, for formatters that write
    JSON. A record is accepted when at least one handler took it and none failed. So a logger that is disabled or not
    enabled for the level, one without handlers, filters that drop the record, and a handler that reports an error
    (`Handler.handleError`) are all `AuditUnavailable`.

    What cannot be seen from here: what a handler does later (`QueueHandler`, `MemoryHandler`, anything that sends in
    the background), an error that a handler of one's own swallows without `handleError`, and a `FileHandler` of mode
    `w` that was closed. Handlers are called as `Logger.callHandlers` does; a replacement of that method is not.
    """

    def write(self, line: str, *, refused: bool = False) -> None:
        """Log one line; `AuditUnavailable` where nothing is known to have taken it."""
        fields = _fields(line)
        level = logging.INFO if not refused and fields.get("outcome") == "allow" else logging.WARNING
        try:
            _log(logging.getLogger(NAME), level, line, fields)
        except AuditUnavailable:
            raise
        except Exception as error:  # handlers, filters and formatters are anybody's code
            raise AuditUnavailable(f"the logger `{NAME}` takes no line: {error!r}") from error


def _log(logger: logging.Logger, level: int, line: str, fields: dict[str, Any]) -> None:
    word = logging.getLevelName(level)
    if not logger.isEnabledFor(level):
        raise AuditUnavailable(f"the logger `{NAME}` is disabled or not enabled for {word}; set its level to INFO")
    made = logger.makeRecord(NAME, level, __file__, 0, line, (), None, "write", {"policy": fields})
    passed = logger.filter(made)
    if not passed:
        raise AuditUnavailable(f"a filter of the logger `{NAME}` drops the record")
    entry = passed if isinstance(passed, logging.LogRecord) else made
    taken = [_handle(handler, entry) for handler in _handlers(logger) if level >= handler.level]
    if not any(taken):
        raise AuditUnavailable(f"the logger `{NAME}` has no handler that takes a record of level {word}; add one")


def _handlers(logger: logging.Logger) -> Iterator[logging.Handler]:
    """Those of the logger and of its parents that it propagates to, without those that keep nothing."""
    current: logging.Logger | None = logger
    while current is not None:
        yield from (handler for handler in current.handlers if not isinstance(handler, logging.NullHandler))
        current = current.parent if current.propagate else None


def _handle(handler: logging.Handler, entry: logging.LogRecord) -> bool:
    """Whether the handler took the record; `AuditUnavailable` where it failed."""
    with _failures(handler) as failures:
        taken = bool(handler.handle(entry))
    if failures:
        raise AuditUnavailable(f"a handler of the logger `{NAME}` failed: {handler!r}: {failures[0]!r}")
    return taken


@contextlib.contextmanager
def _failures(handler: logging.Handler) -> Iterator[list[BaseException | None]]:
    """What the handler reports while this lasts. It calls `handleError` instead of raising, and its own lock is held,
    so no other thread's record comes between."""
    found: list[BaseException | None] = []
    handler.acquire()
    try:
        usual, own = handler.handleError, "handleError" in vars(handler)

        def note(record: logging.LogRecord) -> None:
            found.append(sys.exception())
            usual(record)

        handler.handleError = note  # type: ignore[method-assign]
        try:
            yield found
        finally:
            del handler.handleError
            if own:
                handler.handleError = usual  # type: ignore[method-assign]
    finally:
        handler.release()


def _fields(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
