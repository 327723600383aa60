"""One run: so many texts for each parser, counted; a text that brings about any other exception is kept in a file."""

import hashlib
import logging
import time
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as with_seed

from tests.fuzz.mutating import Mutator
from tests.fuzz.parsers import Parser, said_well
from tests.fuzz.strategies import texts_for

_logger: Final = logging.getLogger("policy.tokens")
KEPT_AT_MOST: Final = 5
"""Texts kept for one parser: the first of them are worth a look, a thousand are not."""


class Counted(NamedTuple):
    """What came of the texts for one parser. `failures` are the files that hold those that it could not take."""

    parser: str
    good: int
    refused: int
    failed: int
    seconds: float
    failures: tuple[Path, ...]

    @property
    def texts(self) -> int:
        """How many there were."""
        return self.good + self.refused + self.failed


class Tally:
    """Counts as it goes."""

    def __init__(self, parser: Parser, folder: Path) -> None:
        self._parser, self._folder = parser, folder
        self._began = time.monotonic()
        self.counts = {"good": 0, "refused": 0, "failed": 0}
        self.failures: list[Path] = []

    def take(self, text: bytes) -> None:
        """Have the parser read one text."""
        try:
            outcome = "good" if said_well(self._parser, text) else "refused"
        except Exception:  # whatever it is, it is what was looked for
            outcome = "failed"
            self._keep(text, traceback.format_exc())
        self.counts[outcome] += 1

    def _keep(self, text: bytes, why: str) -> None:
        if len(self.failures) >= KEPT_AT_MOST:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{self._parser.name.replace(' ', '-')}-{hashlib.sha256(text).hexdigest()[:12]}"
        path = self._folder / f"{name}.bin"
        path.write_bytes(text)
        path.with_suffix(".txt").write_text(why, encoding="utf-8", errors="backslashreplace")
        self.failures.append(path)

    def counted(self) -> Counted:
        """The sum."""
        seconds = time.monotonic() - self._began
        return Counted(self._parser.name, **self.counts, seconds=seconds, failures=tuple(self.failures))


def run(parser: Parser, *, mutated: int, generated: int, seed: int, folder: Path) -> Counted:
    """Texts by the mutator, then texts by hypothesis."""
    tally, mutator = Tally(parser, folder), Mutator(f"{seed} {parser.name}")
    _logger.disabled = True  # faults of published keys are logged, each time
    try:
        for _ in range(mutated):
            tally.take(mutator.text_for(parser))
        if generated:
            _generate(parser, tally, generated, seed)
    finally:
        _logger.disabled = False
    return tally.counted()


def _generate(parser: Parser, tally: Tally, number: int, seed: int) -> None:
    @with_seed(seed)
    @settings(
        max_examples=number, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(texts_for(parser))
    def every(text: bytes) -> None:
        tally.take(text)

    every()


def table(rows: Iterable[Counted]) -> str:
    """The counts, a line for each parser and one for the sum."""
    found = list(rows)
    total = Counted(
        "in all", sum(row.good for row in found), sum(row.refused for row in found), sum(row.failed for row in found),
        sum(row.seconds for row in found), (),
    )  # fmt: skip
    lines = [f"{'parser':<16}{'texts':>12}{'good':>12}{'refused':>12}{'failed':>8}{'seconds':>9}"]
    lines += [
        f"{row.parser:<16}{row.texts:>12,}{row.good:>12,}{row.refused:>12,}{row.failed:>8,}{row.seconds:>9.0f}"
        for row in (*found, total)
    ]
    return "\n".join(lines)
