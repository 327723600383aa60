"""The documents of revocations that were read last, kept for a start at which they cannot be read."""

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from policy.document import Source

logger: Final = logging.getLogger("policy.revocation")


class Accepted:
    """`revoked-….json` in a folder, one for each path that documents are read from."""

    def __init__(self, folder: Path, path: Path) -> None:
        name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]
        self._file: Final = folder / f"revoked-{name}.json"

    def keep(self, sources: Sequence[Source]) -> None:
        """Keep the documents in place of those kept before; a folder that does not take them is only told of."""
        text = json.dumps([{"name": each.name, "text": each.text.decode()} for each in sources])
        draft = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(text, encoding="utf-8")
            draft.replace(self._file)
        except OSError as error:
            logger.critical("what is revoked could not be kept in `%s`: %s", self._file.parent, error)

    def sources(self) -> list[Source] | None:
        """The documents that were kept; `None` where there are none that can be read."""
        try:
            kept = json.loads(self._file.read_text("utf-8"))
            return [Source(each["name"], each["text"].encode()) for each in kept]
        except (OSError, ValueError, KeyError, TypeError):
            return None
