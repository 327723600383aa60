"""Finished files of a log are compressed, and what may go of them goes: verified first, and told in the log."""

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from policy.audit import files
from policy.audit.compression import compress
from policy.audit.housekeeping import retire
from policy.audit.ids import new_id
from policy.audit.seals import Checker
from policy.audit.verification import told
from policy.audit.verification.reading import first_line
from policy.errors import ClaimsPolicyError
from policy.record import VERSION, line, moment

logger: Final = logging.getLogger("policy.log")
_LOCK: Final = ".tidying"
_END: Final = b',"kind":"end",'
_LONGEST_END: Final = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """Whether finished files are compressed, and how long they are kept: in days, and in bytes of all together."""

    compress: bool = False
    keep_days: float | None = None
    keep_bytes: int | None = None
    checker: Checker | None = None

    @property
    def is_there_work(self) -> bool:
        """Whether anything is ever to be done."""
        return self.compress or self.keep_days is not None or self.keep_bytes is not None


class Tidying:
    """Tidies a folder beside the answering of requests; of several processes, one at a time.

    `tell` puts a line into the log and returns when it is on the disk: no file goes before the log tells of it.
    """

    def __init__(
        self, folder: Path, rules: Rules, tell: Callable[[bytes], None], *, clock: Callable[[], float]
    ) -> None:
        self._folder, self._rules, self._tell, self._clock = folder, rules, tell, clock

    def start(self) -> None:
        """Tidy in a thread of its own, if there ever is anything to do."""
        if self._rules.is_there_work:
            try:
                threading.Thread(target=self.run, name="policy-tidying", daemon=True).start()
            except RuntimeError as error:
                logger.error("the log in `%s` is not tidied: %s", self._folder, error)

    def run(self) -> None:
        """Tidy once. What does not work is logged, and tried again the next time."""
        try:
            with _alone(self._folder) as is_alone:
                if is_alone:
                    self._compress_all()
                    self._retire()
        except (OSError, ClaimsPolicyError) as error:
            logger.error("the log in `%s` is not tidied: %s", self._folder, error)

    def _compress_all(self) -> None:
        for path in finished(self._folder) if self._rules.compress else ():
            try:
                compress(path)
            except OSError as error:
                logger.error("`%s` is not compressed: %s", path, error)

    def _retire(self) -> None:
        rules, now = self._rules, self._clock()
        if rules.keep_days is None and rules.keep_bytes is None:
            return
        for each in retire(
            self._folder, keep_days=rules.keep_days, keep_bytes=rules.keep_bytes, checker=rules.checker, now=now,
            kept=_say_kept,
        ):  # fmt: skip
            head = {"v": VERSION, "kind": "retired", "id": new_id(), "time": moment(now)}
            self._tell(line({**head, **each.as_dict()}).encode("ascii"))
            each.remove()
            logger.info("`%s` was verified and removed", each.path)


def _say_kept(path: Path, reason: str) -> None:
    logger.critical("`%s` is not removed: %s", path, reason)


def finished(folder: Path) -> list[Path]:
    """The files of decisions that get no more lines, and are not compressed yet, the oldest first."""
    parts: dict[str, dict[int, Path]] = {}
    for path in sorted(folder.iterdir()):
        if files.LOG_FILE.fullmatch(path.name) and not path.name.endswith(".gz"):
            with suppress(OSError):
                begin = told.begin(first_line(path))
                if begin is not None and begin.stream == "decisions":
                    parts.setdefault(begin.writer, {})[begin.part] = path
    return sorted(
        path for chain in parts.values() for part, path in chain.items() if part < max(chain) or _has_ended(path)
    )


def _has_ended(path: Path) -> bool:
    with path.open("rb") as content:
        content.seek(max(0, os.fstat(content.fileno()).st_size - _LONGEST_END))
        lines = content.read().splitlines(keepends=True)
    return bool(lines) and lines[-1].endswith(b"\n") and _END in lines[-1]


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether no other process tidies this folder now."""
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing alone does not, where a child has it too
        os.close(descriptor)
