"""Workers that are killed under load: each answer a client received has its record. `make kills` does it at length."""

from pathlib import Path

import pytest

from policy.audit.settings import Durability
from tests.kills import killing

pytest.importorskip("gunicorn", reason="gunicorn is not installed")


@pytest.mark.parametrize("durability", ["every-decision", "batched"])
def test_no_answer_is_without_its_record(tmp_path: Path, durability: Durability) -> None:
    """Two workers of eight threads, one killed at a random moment, again and again."""
    seen = killing.run(tmp_path, durability=durability, kills=8, workers=2)
    assert (seen.missing, seen.twice, seen.findings) == (0, 0, ())
    assert seen.answered > 50


def test_what_best_effort_loses_is_no_more_than_what_waited(tmp_path: Path) -> None:
    """It promises nothing, and what it writes is whole all the same."""
    seen = killing.run(tmp_path, durability="best-effort", kills=4)
    assert (seen.twice, seen.findings) == (0, ())
