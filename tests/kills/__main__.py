"""The long run: `python -m tests.kills [KILLS]`. Prints what was seen; ends with 1 where an answer has no record."""

import sys
import tempfile
from pathlib import Path

from tests.kills import killing

KILLS = 300


def main() -> int:
    """Each durability, with one worker and with two."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else KILLS
    good = [_run(durability, workers, kills) for durability in ("every-decision", "batched") for workers in (1, 2)]
    _run("best-effort", 1, kills // 4)
    return 0 if all(good) else 1


def _run(durability: str, workers: int, kills: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        seen = killing.run(Path(folder), durability=durability, kills=kills, workers=workers, seed=kills)
    print(
        f"{durability}, {workers} worker(s) of 8 threads: {seen.kills} kills in {seen.seconds:.0f} s, "
        f"{seen.answered:,} answers received, {seen.cut} cut off; answers without a record: {seen.missing}, "
        f"records twice: {seen.twice}, torn lines set aside: {seen.torn}, files: {seen.files}, "
        f"findings: {len(seen.findings)}",
        flush=True,
    )
    return not (seen.missing or seen.twice or seen.findings)


if __name__ == "__main__":
    sys.exit(main())
