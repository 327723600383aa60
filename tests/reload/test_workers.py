"""A server with four workers under load while its policy changes; `make soak` does the same with a million requests."""

from collections import Counter

import pytest

from tests.soak import reloading, variants

pytest.importorskip("gunicorn", reason="gunicorn is not installed")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> reloading.Report:
    return reloading.run(tmp_path_factory.mktemp("workers"), requests=2_000, flips=1)


def test_no_worker_goes_on_by_an_old_policy(seen: reloading.Report) -> None:
    """Once the workers are said to have the new one, nothing is decided by the one before."""
    assert seen.stale == []


def test_no_policy_decides_that_was_never_accepted(seen: reloading.Report) -> None:
    """No half-copied folder, no bad edit, and none that drops what a route demands."""
    assert seen.foreign == set()
    assert {digest for _, digest in seen.answers.by} == set(seen.accepted)


def test_no_request_is_decided_by_a_mixture(seen: reloading.Report) -> None:
    """Each answer is what its policy says, whole."""
    assert seen.answers.mixtures == set()
    assert seen.answers.seen == {digest: variants.may(number) for number, digest in enumerate(seen.accepted)}


def test_a_worker_killed_after_a_bad_edit_comes_back_deciding(seen: reloading.Report) -> None:
    """By what was accepted last; no request was refused meanwhile."""
    assert seen.replaced == 1
    assert seen.answers.others == Counter()


def test_every_answer_has_its_record(seen: reloading.Report) -> None:
    """Those that were cut off by the killing may have been recorded without an answer."""
    assert 0 <= seen.recorded - seen.answered <= seen.answers.cut
