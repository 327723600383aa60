"""Many threads, one policy that is replaced meanwhile; `make soak` does the same with ten million decisions."""

from pathlib import Path

import pytest

from tests.soak import threads


@pytest.mark.parametrize("number", [4, 16])
def test_threads_decide_rightly_while_the_policy_is_replaced(tmp_path: Path, number: int) -> None:
    """Each round of decisions is that of the policy with which it began."""
    seen = threads.run(tmp_path, threads=number, decisions=40_000, swaps=4)
    assert (seen.by.total(), dict(seen.wrong), seen.swaps) == (40_000, {}, 4)
