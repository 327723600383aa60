"""The README, run as it stands: every command, every program, every output that it shows."""

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.blocks import ROOT, assert_as_shown, blocks_of, environment, run, shown

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = blocks_of(README)


def blocks(language: str) -> list[str]:
    return [block.text for block in BLOCKS if block.language == language]


class Served:
    """The README's application, started by its own command on a free port."""

    def __init__(self, folder: Path, command: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = port = str(free.getsockname()[1])
        words = [*command.removesuffix(" &").split(), "--port", port]
        self.process = subprocess.Popen(
            words, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def wait(self) -> None:
        for _ in range(600):
            assert self.process.poll() is None, "the application ended"
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5)
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)  # until the port is open: there is nothing else to wait for
        raise AssertionError("the application did not open its port")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


@pytest.fixture(scope="module")
def fifteen_lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder after the first command and the first program."""
    folder = tmp_path_factory.mktemp("fifteen")
    (command, _), *_ = shown(blocks("console")[1])
    assert run(folder, command).returncode == 0
    (folder / "app.py").write_text(blocks("python")[0], encoding="utf-8")
    return folder


def test_the_two_commands_are_targets_of_make() -> None:
    """They are run by the continuous integration itself; here only their names are held to be true."""
    commands = [command for command, _ in shown(blocks("console")[0])]
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert [command.split()[:2] for command in commands] == [["make", "demo"], ["make", "test"]]
    assert {"demo", "test"} <= set(targets)
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make demo KEEP=0" in ci
    assert "make check test" in ci


def test_the_smallest_policy_is_what_init_writes(fifteen_lines: Path) -> None:
    """Apart from the name of the schema."""
    written = json.loads((fifteen_lines / "policies" / "policy.json").read_text(encoding="utf-8"))
    del written["$schema"]
    assert written == json.loads(blocks("json")[0])


def test_the_first_requests_go_as_shown(fifteen_lines: Path) -> None:
    """The application, two tokens, a 403 and its explanation."""
    (start, _), *requests = shown(blocks("console")[2])
    served = Served(fifteen_lines, start)
    try:
        served.wait()
        token, answer = "", ""
        for command, output in requests:
            if command.startswith("TOKEN="):
                issued = run(fifteen_lines, command.removeprefix("TOKEN=$(").removesuffix(")"))
                token = issued.stdout.strip()
                continue
            answer = run(fifteen_lines, command.replace(":5000/", f":{served.port}/"), TOKEN=token).stdout
            assert_as_shown(answer, output)
        ((show, output),) = shown(blocks("console")[3])
        assert_as_shown(run(fifteen_lines, show.replace("ID", json.loads(answer)["decision"][:8])).stdout, output)
        ((verify, output),) = shown(blocks("console")[6])
        assert_as_shown(run(fifteen_lines, verify).stdout, output)
    finally:
        served.close()


def test_a_forgotten_decorator_stops_the_start_as_shown(fifteen_lines: Path, tmp_path: Path) -> None:
    """With the line to add."""
    folder = tmp_path / "forgotten"
    shutil.copytree(fifteen_lines, folder)
    text = (folder / "app.py").read_text(encoding="utf-8").replace('@requires("read:data")\n', "")
    (folder / "app.py").write_text(text, encoding="utf-8")
    ended = run(folder, "python app.py")
    assert ended.returncode == 1
    assert ended.stderr.endswith(f"policy.errors.PolicyError: {blocks('text')[0]}")


def test_the_routes_are_listed_as_shown(fifteen_lines: Path) -> None:
    """Those of the first program."""
    ((command, output),) = shown(blocks("console")[4])
    assert_as_shown(run(fifteen_lines, command).stdout, output)


@pytest.fixture
def whole_policy(tmp_path: Path) -> Path:
    """A folder with the README's second policy and a key for it."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "policy.json").write_text(blocks("json")[1], encoding="utf-8")
    command = "policy init --profile rfc9068 --issuer https://id.example.com/ --audience a --folder made"
    assert run(tmp_path, command).returncode == 0
    shutil.move(tmp_path / "made" / "issuer.jwks.json", tmp_path / "policies" / "keys.jwks.json")
    return tmp_path


def test_the_policy_is_checked_and_asked_as_shown(whole_policy: Path) -> None:
    """Each command with its whole output."""
    for command, output in shown(blocks("console")[5]):
        assert_as_shown(run(whole_policy, command).stdout, output)


def test_the_program_without_a_framework_prints_what_is_shown(whole_policy: Path) -> None:
    """Line by line."""
    (whole_policy / "job.py").write_text(blocks("python")[1], encoding="utf-8")
    assert run(whole_policy, "python job.py").stdout == blocks("text")[1]


def test_the_factory_makes_a_sealed_application(whole_policy: Path) -> None:
    """The whole program, and one request."""
    more = "".join(f"\nprint(create_app().test_client().get('{path}').status)\n" for path in ("/health", "/api/me"))
    (whole_policy / "factory.py").write_text(blocks("python")[2] + more, encoding="utf-8")
    assert run(whole_policy, "python factory.py").stdout == "200 OK\n401 UNAUTHORIZED\n"


def test_the_test_of_endpoints_passes(whole_policy: Path) -> None:
    """With the factory above it as `app.py`, and the plugin as the package brings it."""
    (whole_policy / "app.py").write_text(blocks("python")[2], encoding="utf-8")
    (whole_policy / "test_app.py").write_text(blocks("python")[3], encoding="utf-8")
    done = run(whole_policy, "pytest -q -p no:cacheprovider -W 'ignore:assertions not in test modules'")
    assert (done.returncode, done.stdout.splitlines()[-1].split(" in ")[0]) == (0, "1 passed"), done.stdout


def test_every_block_is_run_by_a_test_here() -> None:
    """A new block needs a test of its own."""
    counts = {block.language: len(blocks(block.language)) for block in BLOCKS}
    assert len(re.findall("```|~~~", README)) == 2 * len(BLOCKS)
    assert counts == {"console": 7, "json": 2, "python": 4, "text": 2}


def test_every_link_leads_somewhere() -> None:
    """To a file of the project."""
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
