"""`policy audit verify` says whether a log is whole, and what is wrong where."""

import json
import re
from io import StringIO
from pathlib import Path

import pytest

from policy.audit.anchors import Head, anchor
from policy.cli import main
from tests.audit.chained import KEY, Writer
from tests.audit.tampered import lines_of, write
from tests.cli.conftest import Program

LOG = Path("var/audit")
NAME = "HS256 c70e29b1"


@pytest.fixture
def log(here: Path, monkeypatch: pytest.MonkeyPatch) -> Head:
    """A chain of two files, sealed and ended; the key is at hand in a variable and a file."""
    LOG.mkdir(parents=True)
    writer = Writer(LOG, "a", key=KEY, every=5).record(1200).rotate().record(2).end()
    monkeypatch.setenv("LOG_KEY", KEY.decode())
    Path("log.key").write_bytes(KEY + b"\n")
    return writer.head


def steady(text: str) -> str:
    """Times and rates left out."""
    return re.sub(r"; [\d.]+ s, [\d,]+ records/s", "; in no time", text)


CHAIN = (
    "decisions  aaaaaaaaaaaaaaaa  2 files  1,202 records  2026-11-28T00:00:00Z to 2026-11-28T00:20:02Z  "
    f"sealed with {NAME}"
)
WHOLE = "whole: 1 chain in 2 files, 1,202 records; in no time"
PROOFLESS = """\
No key and no anchor was given. A chain without them shows accidents and careless edits,
but whoever may write the folder could have written all of it anew.
"""


def test_a_whole_log_is_status_0(log: Head, program: Program) -> None:
    """With the key in a variable or a file, and with what was anchored."""
    anchor("heads.jsonl")(log)
    for key in ("env:LOG_KEY", "log.key"):
        done = program("audit", "verify", "--key", key, "--anchors", "heads.jsonl", "--strict")
        assert (done.status, done.err, steady(done.out)) == (0, "", f"{CHAIN}  ended\n\n{WHOLE}\n")


def test_without_key_and_anchor_it_is_said_what_that_proves(log: Head, program: Program) -> None:
    """A note, which is a finding only with `--strict`."""
    done = program("audit", "verify")
    assert (done.status, steady(done.out)) == (0, f"""\
{CHAIN}, not checked  ended

notes
  unchecked: checkpoints were sealed with {NAME}, and no key was given to check them

{WHOLE}
{PROOFLESS}""")  # fmt: skip
    assert program("audit", "verify", "--strict").status == 1


def test_without_an_anchor_it_is_said_what_does_not_show(log: Head, program: Program) -> None:
    """The key does not help against a cut tail."""
    done = program("audit", "verify", "--key", "log.key")
    last = "No anchor was given, so a tail that was cut shows only where another file tells of it."
    assert steady(done.out).splitlines()[-2:] == [WHOLE, last]


def test_findings_are_status_1_with_file_line_and_number(log: Head, program: Program) -> None:
    """And counted."""
    file = LOG / "decisions-a1.jsonl"
    lines = lines_of(file)
    write(file, [*lines[:4], lines[4].replace(b"word", b"sword"), *lines[5:10], *lines[11:]])
    done = program("audit", "verify", "--key", "log.key")
    assert done.status == 1
    assert steady(done.out).split("\n\n")[1:] == [
        "findings\n"
        "  decisions-a1.jsonl, line 5 (seq 4): changed: the line was changed: line 6 names another one before it\n"
        "  decisions-a1.jsonl, line 11 (seq 11): gap: seq 10 is missing before this line",
        "2 findings: 1 chain in 2 files, 1,201 records; in no time\n"
        "No anchor was given, so a tail that was cut shows only where another file tells of it.\n",
    ]


def test_the_document_holds_everything(log: Head, program: Program) -> None:
    """For another program."""
    write(LOG / "decisions-a2.jsonl", lines_of(LOG / "decisions-a2.jsonl")[:-1])
    anchor("heads.jsonl")(log)
    done = program("audit", "verify", "--key", "log.key", "--anchors", "heads.jsonl", "--json", "--jobs", "2")
    told = json.loads(done.out)
    told.pop("seconds")
    chain, (note, _) = told.pop("chains")[0], told.pop("notes")
    assert (done.status, chain["files"], chain["checked"], note["kind"]) == (
        1, ["decisions-a1.jsonl", "decisions-a2.jsonl"], True, "open",
    )  # fmt: skip
    message = f"the tail was cut: {log.time} the chain stood at seq {log.seq}, and ends with seq {log.seq - 1}"
    assert told == {
        "whole": False, "files": 2, "unlisted": 0, "lines": 1445, "records": 1202,
        "bytes": sum(file.stat().st_size for file in LOG.iterdir()),
        "findings": [
            {
                "kind": "cut", "message": message, "file": "decisions-a2.jsonl", "line": 0, "offset": None,
                "seq": log.seq, "writer": "a" * 16, "stream": "decisions",
            }
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--log", "no"], "the log at `no` cannot be read: no such file or directory"),
        (["--log", "."], "`.` holds no audit log: it has no *.jsonl file"),
        (["--key", "no"], "the key of the log cannot be read from `no`: no such file or directory"),
        (["--key", "env:NO"], "the environment has no variable `NO` with the key of the log; set it, or name another"),
        (["--anchors", "no"], "the anchors in `no` cannot be read: no such file or directory"),
    ],
)
def test_what_cannot_run_is_status_2(words: list[str], message: str, log: Head, program: Program) -> None:
    """It proves nothing, so it must not look like an answer."""
    done = program("audit", "verify", *words)
    assert (done.status, done.out, done.err) == (2, "", f"policy: {message}\n")


def test_names_cannot_forge_lines(here: Path, program: Program) -> None:
    """Of files, and of what their lines tell."""
    LOG.mkdir(parents=True)
    Writer(LOG, "a").end()
    (LOG / "x\n\x1b[2Jwhole.jsonl").write_bytes(b"hello\n")
    done = program("audit", "verify")
    assert r"  x\u000a\u001b[2Jwhole.jsonl: unchained: no line is of a chain, so nothing in it can be verified" in (
        done.out.splitlines()
    )


class Terminal(StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


def test_long_work_shows_a_bar_on_standard_error(log: Head, monkeypatch: pytest.MonkeyPatch) -> None:
    """All bytes of the files are counted; standard output has none of it."""
    monkeypatch.setattr("policy.cli.progress.QUIET", 0.0)
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    assert main(["audit", "verify", "--log", str(LOG)]) == 0
    assert re.search(r"\rverify  \[#+\.*\] +\d+%  [\d.]+ kB of [\d.]+ kB", terminal.getvalue())


def test_a_number_of_processes_is_one(log: Head, program: Program) -> None:
    """From 1 to 64."""
    for text in ("0", "65", "x", "9999999"):
        done = program("audit", "verify", "--jobs", text)
        assert done.status == 2
        assert f"`{text}` is not a number of processes from 1 to 64" in done.err
