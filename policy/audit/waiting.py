"""Records that were accepted and are on their way into the files of a log, or were left on that way."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from policy.audit.spool import PREFIX, lines_of


def spools(folder: Path) -> list[Path]:
    """The spools in a folder, of writers that live or have ended."""
    return sorted(path for path in folder.glob(f"{PREFIX}*") if path.is_file()) if folder.is_dir() else []


class Waiting:
    """Made before the files are read, so that a record that moves meanwhile is seen; twice is once."""

    def __init__(self, folder: Path) -> None:
        self._records: Final = {str(record.get("id")): record for record in _waiting(folder)}

    def seen(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record, which stands in a file."""
        if self._records:
            self._records.pop(str(record.get("id")), None)
        return record

    def rest(self) -> list[dict[str, Any]]:
        """Those that no file had."""
        return list(self._records.values())


def _waiting(folder: Path) -> Iterator[dict[str, Any]]:
    for path in spools(folder):
        with contextlib.suppress(OSError):
            for line in lines_of(path.read_bytes()):
                with contextlib.suppress(ValueError, RecursionError):
                    found = json.loads(line)
                    if isinstance(found, dict):
                        yield found
