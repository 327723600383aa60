"""A page of the documentation as a session: one reader, one empty folder, one shell, from its first block to its last.

What stands after the language on a fence says what is to be done with a block:

- `console`: each command is typed, and its output has to be the one that is shown;
- `json FILE` and `python FILE`: the block is saved, as the page says; without a name it is tried where it stands;
- `json` is loaded as a policy, unless its file lies beside the policy; `python` is run;
- `before`: another library's, which is not here, so it is not run; `python` has to compile;
- `text`: what the program above it prints.

In a command, `ID` is the id of the decision that was shown last.
"""

import atexit
import contextlib
import json
import multiprocessing
import os
import re
import runpy
import shlex
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from policy import Policy
from policy.cli import main
from tests.blocks import Block, assert_as_shown, environment, shown

#: Commands are called in processes forked from one that has read the library already: the reading is what takes long.
WARM: Final = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload(["policy.cli", "policy.flask", "pytest", __name__])
#: What the shell has to read: pipes, redirections, substitutions, patterns, several commands.
_FOR_THE_SHELL: Final = re.compile(r"[|&;<>`*?~()]|\$[^A-Za-z]")
_TAKEN: Final = re.compile(r"(?:export )?(\w+)=\$\((policy [^()|<>`]*)\)")
_DECIDED: Final = re.compile(r'"decision": "(\w{8})')
_PORT: Final = re.compile(r"(?<=127\.0\.0\.1:)(5000|8000)\b")


class Done(NamedTuple):
    """What came of a command: what it printed, on both streams, and its status."""

    status: int
    output: str


class Session:
    """Runs the blocks of one page in their order."""

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder
        self._variables: Final[dict[str, str]] = {"HOME": str(folder)}
        self._status = 0
        self._printed: str | None = None
        self._id = "ID"
        self._ports: Final = {"5000": _free_port(), "8000": _free_port()}
        self._served: Final[list[subprocess.Popen[bytes]]] = []

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._served:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)

    def run(self, block: Block) -> None:
        """Do what a block says, and hold it to what it shows."""
        printed, self._printed = self._printed, None
        if "before" in block.words:
            compile(block.text if block.language == "python" else "", f"line {block.line}", "exec")
        elif block.language == "console":
            self._console(block.text)
        elif block.language == "json":
            self._json(block)
        elif block.language == "python":
            self._python(block)
        elif block.language == "text" and printed is not None:
            assert_as_shown(printed, block.text)
        else:
            raise AssertionError(f"line {block.line}: nothing is known to do with a block of {block.language} here")

    def _save(self, block: Block, otherwise: str = "") -> Path:
        path = self.folder / (block.words[0] if block.words else otherwise)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        return path

    def _json(self, block: Block) -> None:
        path = self._save(block, otherwise=f"alone-{block.line}.json")
        if path.parent == self.folder and block.words:
            json.loads(block.text)
        else:
            Policy.load(path.parent if block.words else path)

    def _python(self, block: Block) -> None:
        path = self._save(block, otherwise=f"line_{block.line}.py")
        done = self._called("python", path.name)
        assert done.status == 0, done.output
        self._printed = done.output

    def _console(self, text: str) -> None:
        for command, wanted in shown(text):
            output = self.typed(command)
            assert_as_shown(output, wanted)
            assert wanted.strip("…\n") or self._status == 0, f"`{command}` ended with status {self._status}: {output}"

    def typed(self, command: str) -> str:
        """Run one command, and give what it prints."""
        command = _PORT.sub(lambda found: self._ports[found[1]], re.sub(r"\bID\b", self._id, command))
        if command.endswith(" &"):
            self._serve(command.removesuffix(" &"))
            self._status = 0
            return ""
        if taken := _TAKEN.fullmatch(command):
            done = self._called(*self._words(taken[2]))
            warnings, _, value = done.output.removesuffix("\n").rpartition("\n")
            self._variables[taken[1]] = value
            done = done._replace(output=f"{warnings}\n" if warnings else "")
        elif command.startswith(("policy ", "python ")) and not _FOR_THE_SHELL.search(command):
            done = self._called(*self._words(command))
        else:
            done = self._in_the_shell(command)
        self._status = done.status
        return self._as_on_the_page(done.output)

    def _words(self, command: str) -> Sequence[str]:
        return [re.sub(r"\$(\w+)", lambda found: self._variables[found[1]], word) for word in shlex.split(command)]

    def _as_on_the_page(self, output: str) -> str:
        for page, real in self._ports.items():
            output = output.replace(f"127.0.0.1:{real}", f"127.0.0.1:{page}")
        self._id = found[-1] if (found := _DECIDED.findall(output)) else self._id
        return output

    def _called(self, *words: str) -> Done:
        output = self.folder.with_suffix(".output")
        process = WARM.Process(target=_call, args=(words, self.folder, environment(**self._variables), output))
        process.start()
        process.join(60)
        assert process.exitcode is not None, f"`{shlex.join(words)}` does not end"
        return Done(process.exitcode, output.read_text(encoding="utf-8"))

    def _in_the_shell(self, command: str) -> Done:
        done = subprocess.run(
            ["bash", "-c", f"(exit {self._status}); {command}"], cwd=self.folder, env=environment(**self._variables),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout)

    def _serve(self, command: str) -> None:
        """Start a server in a group of its own, and wait until its port is open."""
        variables = environment(**self._variables, FLASK_RUN_PORT=self._ports["5000"])
        log = self.folder.with_suffix(".served")
        with log.open("wb") as file:
            process = subprocess.Popen(
                shlex.split(command), cwd=self.folder, env=variables, stdout=file, stderr=file, start_new_session=True
            )
        self._served.append(process)
        port = self._ports["8000" if self._ports["8000"] in command else "5000"]
        for _ in range(600):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int(port)), timeout=5):
                return
            time.sleep(0.05)  # until the port is open: there is nothing else to wait for
        raise AssertionError(f"`{command}` did not open its port")


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])


def _call(words: Sequence[str], folder: Path, variables: Mapping[str, str], output: Path) -> None:
    """In a process of its own: what `policy …` or `python FILE …` does, printed to a file."""
    with output.open("wb") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
            stream.reconfigure(encoding="utf-8", line_buffering=True)  # type: ignore[union-attr]
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.dont_write_bytecode = True
    with _as_the_interpreter_does():
        program, *sys.argv = words
        if program == "policy":
            sys.exit(main(sys.argv))
        sys.path.insert(0, str(folder))
        runpy.run_path(sys.argv[0], run_name="__main__")


@contextlib.contextmanager
def _as_the_interpreter_does() -> Iterator[None]:
    try:
        yield
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    finally:
        atexit._run_exitfuncs()  # a process that was forked to run this ends without them
