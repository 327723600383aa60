"""The program as a whole: statuses, help, pipes, colour."""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

import pytest

from policy.cli import main, parser, schema
from policy.document import json_schema
from tests.cli.conftest import Program

PROGRAM = (sys.executable, "-m", "policy")


def commands(of: ArgumentParser) -> Iterator[ArgumentParser]:
    """All parsers that run something."""
    inner = [each for action in of._actions if isinstance(action.choices, dict) for each in action.choices.values()]
    if not inner:
        yield of
    for each in inner:
        yield from commands(each)


def test_every_command_has_help_with_an_example(program: Program) -> None:
    """The parser is data that documentation can be made from."""
    names = [each.prog for each in commands(parser())]
    assert names == [
        "policy init", "policy check", "policy can", "policy explain", "policy matrix", "policy routes",
        "policy token issue", "policy token inspect", "policy token revoke",
        "policy audit tail", "policy audit show", "policy audit stats", "policy audit unused", "policy audit suggest",
        "policy audit verify", "policy audit recover", "policy audit erase", "policy audit replay",
        "policy audit export", "policy schema",
    ]  # fmt: skip
    for each in commands(parser()):
        ran = program(*each.prog.split()[1:], "--help")
        assert (ran.status, ran.err) == (0, "")
        assert each.prog in ran.out.split("\nexample:\n  ")[1]
        assert all(action.help for action in each._actions)


@pytest.mark.parametrize("args", [(), ("nonsense",), ("token",), ("check",), ("explain", "x"), ("token", "issue")])
def test_a_call_that_is_wrong_shows_how_to_call_it(program: Program, args: tuple[str, ...]) -> None:
    """Usage and error go to standard error, with status 2."""
    ran = program(*args)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("usage: policy ")
    assert ran.err.splitlines()[-1].startswith("policy: ")


@pytest.mark.parametrize("now", ["-1", "nan", "inf", "1e99", "x"])
def test_a_time_is_a_time(program: Program, now: str) -> None:
    """Numbers that are no times are refused before anything is read."""
    ran = program("explain", f"--now={now}", "--token-file", "-", "read:data")
    assert ran.status == 2
    assert ran.err.endswith(f"policy: argument --now: `{now}` is not a time in seconds since 1970\n")


def test_the_schema_is_printed(program: Program) -> None:
    """It is the schema that documents are checked by."""
    assert json.loads(program("schema").out) == json_schema()


def test_an_interrupt_is_status_130(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a shell has it."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(schema, "json_schema", interrupted)
    assert program("schema") == (130, "", "")


def test_a_path_that_no_system_takes_is_status_2(program: Program, here: Path) -> None:
    """Whatever the arguments, there is no traceback."""
    ran = program("can", "--policy", "a\0b", "--authority", "roles", "x")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("policy: ")
    assert program("can", "--policy", "x" * 5000, "--authority", "roles", "x").status == 2


def test_colour_is_for_terminals_without_no_color(
    program: Program, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A denial is red, and whatever is aligned stays so."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["can", "--authority", "roles", "read:data"]) == 1
    assert capsys.readouterr().out.startswith("\x1b[31mdenied\x1b[0m read:data: no-role-grants-it\n")
    main(["can", "--authority", "roles", "--roles", "senior editor", "--list"])
    assert capsys.readouterr().out.splitlines()[1:] == [
        "\x1b[32mgranted\x1b[0m      update:data  Change a record",
        "\x1b[33mconditional\x1b[0m  delete:data  Remove a record (asks for a stronger or more recent login)",
    ]
    monkeypatch.setenv("NO_COLOR", "1")
    main(["can", "--authority", "roles", "read:data"])
    assert capsys.readouterr().out.startswith("denied read:data")


def test_an_id_cannot_forge_a_line(program: Program, folder: Path) -> None:
    """Control characters are escaped wherever they come from."""
    ran = program("can", "--authority", "roles", "--subject", "a\nallowed\x1b[0m", "read:data")
    assert "User `a\\u000aallowed\\u001b[0m` asks for `read:data`." in ran.out


def run(*args: str, cwd: Path, **env: str) -> "subprocess.CompletedProcess[str]":
    """The program in a process of its own."""
    given = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **env}
    return subprocess.run([*PROGRAM, *args], cwd=cwd, env=given, capture_output=True, text=True, check=False)


def test_it_runs_as_a_module(folder: Path) -> None:
    """`python -m policy` is the same program, with the same statuses."""
    fine = run("check", "policies", cwd=folder)
    assert (fine.returncode, fine.stderr, "\npolicies: sound: " in fine.stdout) == (0, "", True)
    denied = run("can", "--authority", "roles", "read:data", cwd=folder)
    assert (denied.returncode, denied.stderr) == (1, "")
    failed = run("can", "--authority", "roles", "read:dta", cwd=folder)
    assert (failed.returncode, failed.stderr) == (
        2, "policy: unknown permission `read:dta`; did you mean `read:data`?\n"
    )  # fmt: skip


def test_characters_that_the_terminal_lacks_are_escaped(folder: Path) -> None:
    """An id outside ASCII ends no command."""
    ran = run("can", "--authority", "roles", "--subject", "änne", "read:data", cwd=folder,
              PYTHONIOENCODING="ascii", PYTHONUTF8="0")  # fmt: skip
    assert (ran.returncode, ran.stderr) == (1, "")
    assert "User `\\xe4nne` asks" in ran.stdout


def test_a_closed_pipe_is_no_traceback(folder: Path) -> None:
    """`policy schema | head -1` ends quietly."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [*PROGRAM, "schema"], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as ran:
        assert ran.stdout is not None
        assert ran.stderr is not None
        ran.stdout.close()
        assert ran.stderr.read() == b""
    assert ran.returncode == 141


def test_it_does_not_import_flask(folder: Path) -> None:
    """The command line works where Flask is not installed."""
    code = "import sys; from policy.cli import main; main(['check', 'policies']); sys.exit('flask' in sys.modules)"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    assert subprocess.run([sys.executable, "-c", code], cwd=folder, env=env, check=False).returncode == 0
