"""Where the shadow policy would have answered otherwise, in the log."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Program

LOG = Path("var/audit")


def record(number: int, outcome: str, **more: Any) -> dict[str, Any]:
    return {"v": 2, "kind": "request", "id": f"{number}" * 32, "time": f"2027-01-15T08:00:0{number}.250000Z",
            "outcome": outcome, "reason": "x", "permissions": [], "subject": {"id": "alice"}, **more}  # fmt: skip


RECORDS = [
    record(1, "allow", shadow={"policy": "d", "outcome": "deny", "reason": "scope-missing"}),
    record(2, "deny", shadow={"policy": "d", "outcome": "allow", "reason": "allowed"}),
    record(3, "allow", shadow={"policy": "d", "outcome": "allow", "reason": "allowed"}),
    record(4, "deny", shadow={"policy": "d", "outcome": "deny", "reason": "scope-missing"}),
    record(5, "allow", shadow={"policy": "d", "failed": "KeyError in decide"}),
    record(6, "allow"),
    record(7, "allow", shadow="nonsense"),
    record(8, "deny", kind="refused"),
]


@pytest.fixture(autouse=True)
def log(here: Path) -> None:
    LOG.mkdir(parents=True)
    (LOG / "decisions-1-1.jsonl").write_text("".join(json.dumps(each) + "\n" for each in RECORDS))


@pytest.mark.parametrize(
    ("words", "found"), [(("--disagreeing",), "12"), (("--disagreeing", "--outcome", "deny"), "2"), ((), "12345678")]
)
def test_tail_shows_where_the_shadow_policy_disagrees(program: Program, words: tuple[str, ...], found: str) -> None:
    """Only the other answer counts: not another reason, and not that there was no answer."""
    done = program("audit", "tail", "--json", *words)
    assert "".join(json.loads(line)["id"][0] for line in done.out.splitlines()) == found
