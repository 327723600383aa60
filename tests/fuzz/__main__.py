"""`python -m tests.fuzz [TEXTS [SEED]]`: a million texts unless told; ends with 1 if a parser could not take one."""

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from tests.fuzz.campaign import Counted, run, table
from tests.fuzz.parsers import PARSERS

TEXTS: Final = 1_000_000
PROCESSES: Final = 2
FOLDER: Final = Path("var") / "fuzz"
#: Parts of the whole: what anybody can send gets most, what takes long gets least.
SHARES: Final = {
    "token": 20, "header": 14, "authorization": 16, "proof": 10, "jwks": 10, "published jwks": 10, "metadata": 8,
    "document": 7, "revocations": 5,
}  # fmt: skip
GENERATED: Final = 0.06
"""The part that hypothesis makes: it is slow, and finds other things."""


def one(number: int, texts: int, seed: int) -> Counted:
    """All texts for one parser."""
    parser = PARSERS[number]
    share = texts * SHARES[parser.name] // 100
    generated = int(share * GENERATED)
    return run(parser, mutated=share - generated, generated=generated, seed=seed, folder=FOLDER)


def main(texts: int = TEXTS, seed: int | None = None) -> int:
    """Run all parsers, print what came of it."""
    chosen = int(time.time()) if seed is None else seed
    print(f"seed {chosen}", flush=True)
    with ProcessPoolExecutor(PROCESSES) as processes:
        found = list(processes.map(partial(one, texts=texts, seed=chosen), range(len(PARSERS))))
    print(table(found))
    for row in found:
        for path in row.failures:
            print(f"{row.parser} could not take {path}; why is beside it in {path.with_suffix('.txt').name}")
    return 1 if any(row.failed for row in found) else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
