"""The tour, as people run it: in a process of its own, over real HTTP."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from demo_app.tour.client import Reply
from demo_app.tour.steps import CHAPTERS, PUBLIC, Step, nothing
from demo_app.tour.walk import Record, faults

REPOSITORY = Path(__file__).parents[2]
STEPS = [step for steps in CHAPTERS.values() for step in steps]
REFUSED = {"id": "1", "reason": "token-absent", "outcome": "deny"}
BODY = {"decision": "1", "reason": "token-absent"}


def command(root: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "demo_app.tour", "--port", "0", "--root", str(root), *arguments]


def tour(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(root, *arguments), cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
    )


def test_everything_is_as_told(root: Path) -> None:
    """The tour ends with 0, and its last line counts every step as told; nothing is written to standard error."""
    first = tour(root, "--once")
    assert first.stdout.splitlines()[-1] == f"{len(STEPS)} of {len(STEPS)} as told"
    assert (first.returncode, first.stderr) == (0, "")
    assert "\x1b" not in first.stdout


def test_the_tour_can_be_taken_twice(root: Path) -> None:
    """A second tour of the same folder finds its own records, not those of the first."""
    assert [tour(root, "--once").returncode for _ in range(2)] == [0, 0]


def test_a_policy_that_was_tampered_with_is_noticed(root: Path) -> None:
    """Without the deny rule a contractor gets through: the tour says so and ends with 1."""
    file = root / "policies" / "rules.json"
    document = json.loads(file.read_text("utf-8"))
    del document["rules"]
    file.write_text(json.dumps(document), "utf-8")
    ended = tour(root, "--once")
    assert ended.stdout.splitlines()[-1] == f"{len(STEPS) - 1} of {len(STEPS)} as told"
    assert ended.returncode == 1
    assert "told status 403, got 200" in ended.stdout


def test_a_policy_that_does_not_load_stops_the_start(root: Path) -> None:
    """A policy with a mistake is said with its place, and the tour ends with 2."""
    file = root / "policies" / "rules.json"
    file.write_text(file.read_text("utf-8").replace("update:data", "update:date"), "utf-8")
    ended = tour(root, "--once")
    assert (ended.returncode, ended.stderr) == (2, "")
    assert "unknown permission `update:date`" in ended.stdout


def test_the_service_stays_until_it_is_interrupted(root: Path) -> None:
    """After the tour the printed token works on the printed address, and Ctrl-C ends the process with 0."""
    with subprocess.Popen(command(root), cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        seen = ""
        while "Everybody's password" not in seen:
            seen += process.stdout.readline() or pytest.fail(f"it ended early:\n{seen}")
        url, token = re.search(r"http://127\.0\.0\.1:\d+", seen), re.search(r"^VERA=(.+)$", seen, re.MULTILINE)
        assert url is not None
        assert token is not None
        with urlopen(Request(f"{url[0]}/api/data", headers={"Authorization": f"Bearer {token[1]}"})) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0


@pytest.mark.parametrize(
    ("told", "reply", "record", "expected"),
    [
        ((401, "token-absent", ""), Reply(401, {}, BODY), REFUSED, []),
        ((200, PUBLIC, ""), Reply(200, {}, {}), None, []),
        ((200, "allowed", ""), Reply(200, {}, {}), None, ["told of a record, found none"]),
        ((401, PUBLIC, ""), Reply(401, {}, BODY), REFUSED, ["told of no record, found one"]),
        ((403, "token-absent", ""), Reply(401, {}, BODY), REFUSED, ["told status 403, got 401"]),
        ((401, "token-expired", ""), Reply(401, {}, BODY), REFUSED,
         ["told reason token-expired, recorded token-absent"]),
        ((401, "token-absent", "mfa"), Reply(401, {}, BODY), REFUSED, ["told that the answer shows `mfa`"]),
        ((401, "token-absent", ""), Reply(401, {}, {}), REFUSED,
         ["the answer names another decision than the record"]),
    ],
)  # fmt: skip
def test_each_difference_has_its_words(
    told: tuple[int, str, str], reply: Reply, record: Record | None, expected: list[str]
) -> None:
    """A step compares status, reason, wording and record, and says what differs."""
    status, reason, shows = told
    step = Step(who="nobody", credential=nothing, asks="GET /", status=status, reason=reason, shows=shows)
    assert list(faults(step, reply, record)) == expected
