"""Records through Python's logging: levels, plain and structured formatters, and the ways in which logging loses."""

import io
import json
import logging
import logging.handlers
import queue
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from pythonjsonlogger.json import JsonFormatter

from policy.audit import LoggingSink
from policy.errors import AuditUnavailable

ALLOW: dict[str, Any] = {"id": "a", "kind": "request", "outcome": "allow", "subject": {"id": "100 % \u00e4"}}
DENY = {"id": "b", "kind": "request", "outcome": "deny"}
ALLOWED, DENIED = json.dumps(ALLOW), json.dumps(DENY)
logger = logging.getLogger("policy.audit")


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """A root of its own for the logger, which afterwards is as it was."""
    above = logging.RootLogger(logging.WARNING)
    for name, value in {"parent": above, "handlers": [], "filters": [], "disabled": False}.items():
        monkeypatch.setattr(logger, name, value)
    level = logger.level
    logger.setLevel(logging.INFO)
    yield above
    logging.disable(logging.NOTSET)
    logger.setLevel(level)


def add(handler: logging.Handler, formatter: logging.Formatter | None = None) -> None:
    handler.setFormatter(formatter)
    logger.addHandler(handler)


def stream(formatter: logging.Formatter | None = None) -> io.StringIO:
    """What a handler writes to."""
    found = io.StringIO()
    add(logging.StreamHandler(found), formatter)
    return found


def lost(line: str = ALLOWED, *, refused: bool = False) -> str:
    """The message with which a line is not accepted."""
    with pytest.raises(AuditUnavailable) as caught:
        LoggingSink().write(line, refused=refused)
    return str(caught.value)


def test_a_plain_formatter_has_the_line() -> None:
    """Letter by letter, with the level that its outcome has."""
    out = stream(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    log = LoggingSink()
    log.write(ALLOWED)
    log.write(DENIED)
    log.write(ALLOWED, refused=True)
    log.write("no json %s")
    log.write("[" * 100_000)
    assert out.getvalue().splitlines() == [
        f"INFO policy.audit {ALLOWED}",
        f"WARNING policy.audit {DENIED}",
        f"WARNING policy.audit {ALLOWED}",
        "WARNING policy.audit no json %s",
        f"WARNING policy.audit {'[' * 100_000}",
    ]


def test_python_json_logger_has_the_fields() -> None:
    """As an object, not as a text in a text."""
    out = stream(JsonFormatter("%(levelname)s %(message)s"))
    LoggingSink().write(ALLOWED)
    assert json.loads(out.getvalue()) == {"levelname": "INFO", "message": ALLOWED, "policy": ALLOW}


def test_structlog_has_the_fields() -> None:
    """Its formatter for records of others, which reads `extra`."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
    )
    out = stream(formatter)
    LoggingSink().write(DENIED, refused=True)
    assert json.loads(out.getvalue()) == {"event": DENIED, "level": "warning", "policy": DENY}


def test_every_handler_up_to_the_root_gets_it(root: logging.Logger) -> None:
    """As from any other logger, whose levels are its own."""
    out, above = stream(), io.StringIO()
    root.addHandler(logging.StreamHandler(above))
    root.handlers[0].setLevel(logging.WARNING)
    for line in (ALLOWED, DENIED):
        LoggingSink().write(line)
    assert (out.getvalue(), above.getvalue()) == (f"{ALLOWED}\n{DENIED}\n", f"{DENIED}\n")


def test_a_logger_that_does_not_propagate_has_its_own_handlers_only(
    root: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the root has does not count then."""
    root.addHandler(logging.StreamHandler(above := io.StringIO()))
    LoggingSink().write(ALLOWED)
    monkeypatch.setattr(logger, "propagate", False)
    assert lost() == NO_HANDLER.format("INFO")
    assert above.getvalue() == f"{ALLOWED}\n"


NO_LEVEL = "the logger `policy.audit` is disabled or not enabled for {}; set its level to INFO"
NO_HANDLER = "the logger `policy.audit` has no handler that takes a record of level {}; add one"


def test_a_logger_without_handlers_loses_everything() -> None:
    """Denials too: logging's last resort is no log of decisions, and neither is a handler that drops all."""
    add(logging.NullHandler())
    assert (lost(), lost(DENIED)) == (NO_HANDLER.format("INFO"), NO_HANDLER.format("WARNING"))


@pytest.mark.parametrize(
    "arrange",
    [
        lambda: logger.setLevel(logging.WARNING),
        lambda: setattr(logger, "disabled", True),
        lambda: logging.disable(logging.INFO),
    ],
)
def test_a_logger_that_does_not_log_allows_accepts_none(arrange: Callable[[], None]) -> None:
    """Most configurations start at WARNING, or disable the loggers that they don't name."""
    out = stream()
    arrange()
    assert lost() == NO_LEVEL.format("INFO")
    assert out.getvalue() == ""


def test_a_level_above_warning_loses_denials() -> None:
    """They are at WARNING, and no lower."""
    stream()
    logger.setLevel(logging.ERROR)
    assert lost(DENIED) == NO_LEVEL.format("WARNING")


def test_handlers_of_a_higher_level_do_not_count() -> None:
    """The record must be taken by one, and others may leave it out."""
    high = logging.StreamHandler(io.StringIO())
    high.setLevel(logging.ERROR)
    add(high)
    assert lost() == NO_HANDLER.format("INFO")
    out = stream()
    LoggingSink().write(ALLOWED)
    assert out.getvalue() == f"{ALLOWED}\n"


def test_a_filter_that_drops_the_record_is_noticed() -> None:
    """On the logger, and on its only handler."""
    out = stream()
    logger.handlers[0].addFilter(lambda record: False)
    assert lost() == NO_HANDLER.format("INFO")
    logger.addFilter(lambda record: False)
    assert lost() == "a filter of the logger `policy.audit` drops the record"
    assert out.getvalue() == ""


@pytest.mark.parametrize("raising", [True, False])
def test_a_handler_that_fails_is_noticed_and_heals(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], raising: bool
) -> None:
    """Whether or not logging tells of it on standard error, which it does as for any other record."""
    monkeypatch.setattr(logging, "raiseExceptions", raising)
    out = stream()
    handler = logging.StreamHandler(closed := io.StringIO())
    closed.close()
    add(handler)
    message = lost()
    assert message == (
        f"a handler of the logger `policy.audit` failed: {handler!r}: ValueError('I/O operation on closed file')"
    )
    assert ("--- Logging error ---" in capsys.readouterr().err) is raising
    assert "handleError" not in vars(handler)
    handler.setStream(again := io.StringIO())
    LoggingSink().write(DENIED)
    assert (out.getvalue(), again.getvalue()) == (f"{ALLOWED}\n{DENIED}\n", f"{DENIED}\n")


def test_a_formatter_that_fails_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A format that asks for a field that there is not."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    stream(logging.Formatter("%(request_id)s %(message)s"))
    assert "failed: <StreamHandler" in lost()
    assert "Formatting field not found in record: 'request_id'" in lost()


class Own(logging.Handler):
    """A handler that raises, with an own way to handle errors."""

    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError("down")


def test_a_handler_that_raises_is_noticed() -> None:
    """Whatever it raises, the caller gets the one error that it knows."""
    add(Own())
    assert lost() == "the logger `policy.audit` takes no line: RuntimeError('down')"


def test_a_way_to_handle_errors_of_ones_own_is_kept() -> None:
    """It is called as ever, and stays where it was put."""
    seen: list[str] = []

    def handle(record: logging.LogRecord) -> None:
        seen.append(record.getMessage())

    out = io.StringIO()
    out.close()
    handler = logging.StreamHandler(out)
    handler.handleError = handle  # type: ignore[method-assign]
    add(handler)
    assert "failed: <StreamHandler" in lost()
    assert (seen, handler.handleError) == ([ALLOWED], handle)


def test_a_queue_that_is_full_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens to it behind the queue is not."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(maxsize=1)
    add(logging.handlers.QueueHandler(waiting))
    LoggingSink().write(ALLOWED)
    assert "Full()" in lost()
    assert waiting.get().getMessage() == ALLOWED


def test_a_filter_may_replace_the_record() -> None:
    """Where Python lets it, and where it does not the record is as it was."""
    out = stream(logging.Formatter("%(message)s"))

    def replace(record: logging.LogRecord) -> Any:
        changed = logging.makeLogRecord({**vars(record), "msg": "changed"})
        return changed if hasattr(logging, "getHandlerByName") else True

    logger.addFilter(replace)
    LoggingSink().write(ALLOWED)
    assert out.getvalue() in {"changed\n", f"{ALLOWED}\n"}
