"""What `audit=` may be: a folder, a name, a sink; and everything else is told at the start."""

import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from policy.audit import AuditLog, LoggingSink, StdoutSink, records, sink
from policy.errors import AuditUnavailable, PolicyError
from tests.audit.reading import kept

CHOICES = 'a folder, "stdout", "logging", an object with `write(line, *, refused=False)`, or None'


class Own:
    """A sink of an application's own."""

    def write(self, line: str, *, refused: bool = False) -> None:
        """Take it."""


class Forgetful:
    """Not a sink: it can't be told of a refused token."""

    def write(self, line: str) -> None:
        """Take it."""


def test_names_folders_and_sinks(tmp_path: Path) -> None:
    """Each as it is meant; a folder called like a name is given as a path."""
    assert sink(None) is None
    assert type(sink("stdout")) is StdoutSink
    assert type(sink("logging")) is LoggingSink
    own = Own()
    assert sink(own) is own
    for given in ("var/audit/", "stdot", "log", "./stdout", "logging/", Path("stdout"), tmp_path):
        found = sink(given)
        assert isinstance(found, AuditLog)
        assert found.folder == Path(given)


def test_a_folder_by_text_takes_lines(tmp_path: Path) -> None:
    """The text is all that it needs."""
    found = sink(str(tmp_path / "audit"))
    assert found is not None
    found.write('{"id": "a"}')
    assert kept(tmp_path / "audit") == [{"id": "a"}]


class Bytes:
    """A path that is none of text."""

    def __fspath__(self) -> bytes:
        return b"var"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("STDOUT", 'audit="STDOUT" is no name of a sink; did you mean "stdout"? a folder would be "./STDOUT"'),
        ("Logging", 'audit="Logging" is no name of a sink; did you mean "logging"? a folder would be "./Logging"'),
        (" stdout", 'audit=" stdout" is no name of a sink; did you mean "stdout"? a folder would be "./ stdout"'),
        ("", f"audit='' names no folder; give {CHOICES} to keep nothing"),
        (" ", f"audit=' ' names no folder; give {CHOICES} to keep nothing"),
        ("a\0b", f"audit='a\\x00b' names no folder; give {CHOICES} to keep nothing"),
        (Bytes(), f"audit=b'var' is not a path of text; give {CHOICES} to keep nothing"),
        (b"var", f"audit= is of type `bytes`, which has no `write`; give {CHOICES} to keep nothing"),
        (False, f"audit= is of type `bool`, which has no `write`; give {CHOICES} to keep nothing"),
        (Own, "audit=Own is a class; give an object of it, such as audit=Own(...)"),
        (Forgetful(), f"audit= is of type `Forgetful`, whose `write` takes no `refused=`; give {CHOICES} to keep nothing"),  # noqa: E501
        (io.StringIO(), f"audit= is of type `StringIO`, whose `write` takes no `refused=`; give {CHOICES} to keep nothing"),  # noqa: E501
    ],
)  # fmt: skip
def test_anything_else_is_told_at_the_start(given: Any, message: str) -> None:
    """Rather than at the first request, or at the first refused token."""
    with pytest.raises(PolicyError) as caught:
        sink(given)
    assert str(caught.value) == message


def test_a_write_that_does_not_tell_what_it_takes_is_believed() -> None:
    """Some functions written in other languages have no signature."""

    class Untold(Own):
        pass

    own = Untold()
    own.write = dict  # type: ignore[method-assign, assignment]
    assert sink(own) is own


def test_standard_output_gets_one_line_a_record(capsys: pytest.CaptureFixture[str]) -> None:
    """Decisions and refused tokens alike, at once."""
    log = StdoutSink()
    log.write('{"id": "a"}')
    assert capsys.readouterr().out == '{"id": "a"}\n'
    log.write('{"id": "b"}', refused=True)
    assert capsys.readouterr().out == '{"id": "b"}\n'


class Slow(io.TextIOBase):
    """A stream that takes its time, and that knows when it is written by two threads."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.busy = threading.Lock()

    def write(self, text: str) -> int:
        assert self.busy.acquire(blocking=False)
        self.lines.append(text)
        self.busy.release()
        return len(text)


def test_threads_print_one_line_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also through different sinks, for there is one standard output."""
    stream = Slow()
    monkeypatch.setattr(sys, "stdout", stream)

    def work(name: int) -> None:
        log = StdoutSink()
        for number in range(200):
            log.write(f"{name}-{number}")

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(stream.lines) == sorted(f"{name}-{number}\n" for name in range(8) for number in range(200))


def test_a_closed_standard_output_is_an_error_that_heals(monkeypatch: pytest.MonkeyPatch) -> None:
    """After it, the first line begins a new one, whatever was left of another."""
    log = StdoutSink()
    closed = io.StringIO()
    closed.close()
    for broken, message in ((closed, "I/O operation on closed file"), (None, "the process has none")):
        monkeypatch.setattr(sys, "stdout", broken)
        with pytest.raises(AuditUnavailable, match=f"^standard output takes no line: {message}"):
            log.write("a")
    whole = io.StringIO()
    monkeypatch.setattr(sys, "stdout", whole)
    log.write("b")
    log.write("c")
    assert whole.getvalue() == "\nb\nc\n"


def test_a_line_outside_ascii_is_not_accepted() -> None:
    """Records are ASCII; half of a character is not printed."""
    ran = run_real("print_lines('a', 'ä', 'b')", stdout=subprocess.PIPE)
    assert (ran.returncode, ran.stdout, ran.stderr.count(b"AuditUnavailable")) == (0, b"a\n\nb\n", 1)


PRINT_LINES = """
import sys
from policy.audit import StdoutSink
from policy.errors import AuditUnavailable
from tests.audit.reading import kept
from tests.audit.reading import kept
log = StdoutSink()
def print_lines(*lines):
    for line in lines:
        try:
            log.write(line)
        except AuditUnavailable as error:
            print("AuditUnavailable:", error, file=sys.stderr)
"""


def run_real(code: str, **options: Any) -> "subprocess.CompletedProcess[bytes]":
    """Some lines in a process with a standard output of its own."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", PRINT_LINES + code]
    return subprocess.run(command, env=env, stderr=subprocess.PIPE, timeout=60, check=False, **options)


def test_a_broken_pipe_is_an_error_and_leaves_nothing_behind() -> None:
    """Nothing is left in a buffer that would fail once more at the end of the process."""
    reading, writing = os.pipe()
    os.close(reading)
    ran = run_real("print_lines('a', 'b')", stdout=writing)
    os.close(writing)
    message = b"AuditUnavailable: standard output takes no line: [Errno 32] Broken pipe\n"
    assert (ran.returncode, ran.stderr) == (0, message * 2)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_standard_output_is_an_error() -> None:
    """The real one, not a stand-in."""
    with Path("/dev/full").open("wb") as full:
        ran = run_real("print_lines('a')", stdout=full)
    message = b"AuditUnavailable: standard output takes no line: [Errno 28] No space left on device\n"
    assert (ran.returncode, ran.stderr) == (0, message)


def test_the_real_standard_output_gets_what_was_printed_and_then_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the system takes a line in pieces."""
    real = os.write
    with (tmp_path / "out").open("w") as out:
        for name in ("stdout", "__stdout__"):
            monkeypatch.setattr(sys, name, out)
        out.write("printed\n")
        monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:3]))
        StdoutSink().write('{"id": "a"}')
        assert (tmp_path / "out").read_text() == 'printed\n{"id": "a"}\n'


def test_what_was_printed_before_comes_first() -> None:
    """Records go past Python's buffer, but not before what stands in it; children print as well."""
    code = """
import os
print("printed")
print_lines('{"id": "a"}' + "x" * 100_000)
print("more")
if os.fork() == 0:
    print_lines("child")
    os._exit(0)
os.wait()
print_lines("b")
"""
    ran = run_real(code, stdout=subprocess.PIPE)
    whole = b'{"id": "a"}' + b"x" * 100_000
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout.splitlines() == [b"printed", whole, b"more", b"child", b"b"]


def test_the_lines_of_the_sinks_are_records(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What was printed can be read as a log."""
    StdoutSink().write('{"id": "a", "reason": "allowed"}')
    (tmp_path / "log.jsonl").write_text(capsys.readouterr().out)
    assert list(records(tmp_path / "log.jsonl")) == [json.loads('{"id": "a", "reason": "allowed"}')]
