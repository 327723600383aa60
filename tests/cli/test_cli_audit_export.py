"""`policy audit export` writes records for other programs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from policy.cli import audit_export
from policy.review.export import record_lines
from tests.cli.conftest import Program
from tests.review.lines import BEGAN, decided, refused, write

LOG = Path("var/audit")


def names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


@pytest.fixture
def log(here: Path) -> Path:
    """Two decisions and a refused token."""
    write(LOG / "refused-1-1.jsonl", [refused(3)])
    return write(LOG / "decisions-1-1.jsonl", [decided(1), decided(2, now=BEGAN + 60)])


def test_each_format_is_written_to_a_file(program: Program, log: Path) -> None:
    """Which only its group may read, as the log itself."""
    for name in ("jsonl", "ecs", "parquet"):
        assert program("audit", "export", "--format", name, "--to", f"x.{name}") == (
            0, "", f"policy: wrote 3 records to x.{name}\n"
        )  # fmt: skip
        assert Path(f"x.{name}").stat().st_mode & 0o777 == 0o640
    lines = Path("x.jsonl").read_bytes().splitlines()
    assert lines[:2] == log.read_bytes().splitlines()[1:]
    events = [json.loads(each) for each in Path("x.ecs").read_text().splitlines()]
    assert [each["event"]["action"] for each in events] == ["request", "request", "refused"]
    assert duckdb.read_parquet("x.parquet").count("*").fetchall() == [(3,)]
    assert names() == ["var", "x.ecs", "x.jsonl", "x.parquet"]


def test_lines_can_go_to_standard_output(program: Program, log: Path) -> None:
    """Only of a time that is asked for; a table cannot."""
    ran = program("audit", "export", "--format", "jsonl", "--to", "-", "--since", "2026-11-28T00:01")
    assert (ran.status, ran.err) == (0, "policy: wrote 1 record to -\n")
    assert ran.out.encode() == log.read_bytes().splitlines(keepends=True)[2]
    assert program("audit", "export", "--format", "parquet", "--to", "-") == (
        2, "", "policy: a Parquet file cannot be written to standard output; give a file with `--to`\n"
    )  # fmt: skip


@pytest.mark.parametrize("name", ["jsonl", "ecs", "parquet"])
def test_no_file_is_overwritten(program: Program, log: Path, name: str) -> None:
    """Neither one that was there, nor one that somebody made meanwhile."""
    Path("x").write_text("mine")
    assert program("audit", "export", "--format", name, "--to", "x") == (
        2, "", "policy: `x` is there already; give another name, or remove it first\n"
    )  # fmt: skip
    assert Path("x").read_text() == "mine"


def test_a_file_that_came_to_be_meanwhile_stays(program: Program, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing half-written is left."""
    lines = record_lines

    def slow(*args: object, **more: object) -> object:
        Path("x").write_text("mine")
        return lines(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(audit_export, "record_lines", slow)
    assert program("audit", "export", "--format", "jsonl", "--to", "x").status == 2
    assert (Path("x").read_text(), names()) == ("mine", ["var", "x"])


@pytest.mark.parametrize("name", ["jsonl", "parquet"])
def test_a_damaged_log_is_told_and_leaves_no_file(program: Program, here: Path, name: str) -> None:
    """In words, and with what to do next; here as in every question to a log."""
    file = write(LOG / "decisions-1-1.jsonl.gz", [decided(at) for at in range(50)])
    file.write_bytes(file.read_bytes()[:-20])
    ran = program("audit", "export", "--format", name, "--to", "x")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("policy: `var/audit` cannot be read: ")
    assert ran.err.endswith("; `policy audit verify` says which file is damaged\n")
    assert names() == ["var"]
    for engine in ("duckdb", "plain"):
        ran = program("audit", "stats", "--engine", engine)
        assert (ran.status, ran.err.startswith("policy: `var/audit` cannot be read: ")) == (2, True)


def test_without_duckdb_there_is_no_parquet(program: Program, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the program says what to install."""
    monkeypatch.setattr(audit_export, "find_spec", lambda name: None)
    assert program("audit", "export", "--format", "parquet", "--to", "x") == (
        2, "", "policy: Parquet needs duckdb, which is not installed: `pip install 'claims-policy[replay]'`\n"
    )  # fmt: skip


def test_lines_need_little_memory_whatever_the_size(here: Path) -> None:
    """The address space of a process of its own is bounded: eighty megabytes of log pass through it."""
    record = decided(1, more={"standing": "x" * 4000})
    write(LOG / "a.jsonl", [record] * 20_000)
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_DATA, (60_000_000, 60_000_000));"
        "from policy.cli import main; sys.exit(main(['audit', 'export', '--format', 'jsonl', '--to', 'x']))"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "policy: wrote 20,000 records to x\n")
