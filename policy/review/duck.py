"""The engine of one machine: DuckDB, embedded. Its memory is bounded; what does not fit goes to temporary files."""

import tempfile
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb

from policy.review.columns import DECIDED, Column
from policy.review.query import Group, OnProgress, query

MEMORY: Final = "2GB"
_ROWS: Final = 10_000
_LONGEST_LINE: Final = 16 * 2**20
#: No line of a log has this character, so nothing is split at it.
_NOWHERE: Final = "\x1f"
_POLL_SECONDS: Final = 0.2


class Duck:
    """Reads a log with DuckDB, with all processors."""

    name: Final = "duckdb"

    def __init__(self, memory: str = MEMORY) -> None:
        self._memory = memory

    def groups(
        self,
        files: Sequence[Path],
        by: Sequence[str | Column],
        *,
        kinds: Collection[str] | None = DECIDED,
        since: str = "",
        until: str = "",
        containing: Sequence[str] = (),
        labels: Mapping[str, str] | None = None,
        progress: OnProgress | None = None,
    ) -> Iterator[Group]:
        """The groups, as `Engine.groups` says."""
        asked = query(by, kinds, since, until, containing, labels)
        present = [str(file) for file in files if file.exists()]
        if not present:
            return
        with tempfile.TemporaryDirectory(prefix="policy-review-") as folder, self._connected(folder) as connection:
            if labels is not None:
                _place(connection, labels)
            _run(connection, asked.sql(_LINES, "labels" if labels is not None else ""), present, progress)
            while rows := connection.fetchmany(_ROWS):
                yield from (Group(tuple(row[:-4]), *row[-4:]) for row in rows)

    def _connected(self, folder: str) -> Any:
        connection = duckdb.connect(
            config={"memory_limit": self._memory, "temp_directory": folder, "preserve_insertion_order": False}
        )
        connection.execute("set enable_progress_bar = true")  # else nothing tells how far a question is
        connection.execute("set enable_progress_bar_print = false")
        return connection


_LINES: Final = (
    f"read_csv(?, columns = {{'line': 'VARCHAR'}}, header = false, auto_detect = false, delim = '{_NOWHERE}', "
    f"quote = '', escape = '', new_line = '\\n', max_line_size = {_LONGEST_LINE}, ignore_errors = true, "
    "strict_mode = false)"
)


def _place(connection: Any, labels: Mapping[str, str]) -> None:
    connection.execute(
        "create temp table labels as select unnest(?::varchar[]) as labels_of, unnest(?::varchar[]) as label",
        [list(labels), list(labels.values())],
    )


def _run(connection: Any, sql: str, files: Sequence[str], progress: OnProgress | None) -> None:
    """Run the question; with `progress` in a thread, while this one looks how far it is."""
    if progress is None:
        connection.execute(sql, [files])
        return
    failed: list[BaseException] = []

    def work() -> None:
        try:
            connection.execute(sql, [files])
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_POLL_SECONDS)
        progress(min(1.0, max(0.0, connection.query_progress() / 100)))
    if failed:
        raise failed[0]
