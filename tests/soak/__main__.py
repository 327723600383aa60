"""The long runs: `python -m tests.soak`. Prints what was seen; ends with 1 where anything was not as it should be."""

import sys
import tempfile
import time
from pathlib import Path

from tests.soak import reloading, threads, variants

REQUESTS, FLIPS = 1_000_000, 40
DECISIONS, SWAPS = 10_000_000, 100


def main() -> int:
    """All of them, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        good = [_threads(Path(folder), number) for number in (4, 16)]
    with tempfile.TemporaryDirectory() as folder:
        good.append(_reloading(Path(folder)))
    return 0 if all(good) else 1


def _threads(root: Path, number: int) -> bool:
    began = time.monotonic()
    seen = threads.run(root / str(number), threads=number, decisions=DECISIONS, swaps=SWAPS)
    print(
        f"{number} threads: {seen.by.total():,} decisions by {len(seen.by)} policies, replaced {seen.swaps} times, "
        f"wrong: {seen.wrong.total()}, {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return not seen.wrong and seen.swaps == SWAPS and seen.by.total() == DECISIONS


def _reloading(root: Path) -> bool:
    seen = reloading.run(root, requests=REQUESTS, flips=FLIPS)
    whole = seen.answers.seen == {digest: variants.may(number) for number, digest in enumerate(seen.accepted)}
    print(
        f"{reloading.WORKERS} workers: {seen.answered:,} answers in {seen.seconds:.0f} s by {len(seen.accepted)} "
        f"policies; longest lag {max(seen.lags):.2f} s; decided after all workers had a newer one: {len(seen.stale)}; "
        f"by a policy never accepted: {len(seen.foreign)}; by a mixture: {len(seen.answers.mixtures)}; "
        f"other answers: {dict(seen.answers.others)}; connections cut: {seen.answers.cut}; "
        f"recorded: {seen.recorded:,}",
        flush=True,
    )
    unrecorded = not 0 <= seen.recorded - seen.answered <= seen.answers.cut
    faults = (seen.stale, seen.foreign, seen.answers.mixtures, seen.answers.others, unrecorded, not seen.replaced)
    return whole and max(seen.lags) < 2 and not any(faults)


if __name__ == "__main__":
    sys.exit(main())
