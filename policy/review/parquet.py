"""Records as one Parquet file, written by DuckDB in a stream: flat columns, for whatever reads tables."""

import json
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import duckdb

from policy.review.columns import COLUMNS, quoted, source
from policy.review.export import KINDS
from policy.review.grouping import OnProgress

_TEXTS: Final = "VARCHAR"
_MEMORY: Final = "2GB"
_LONGEST_LINE: Final = 16 * 2**20
#: No line of a log has this character, so nothing is split at it.
_NOWHERE: Final = "\x1f"
_POLL_SECONDS: Final = 0.2
_LINES: Final = (
    f"read_csv(?, columns = {{'line': 'VARCHAR'}}, header = false, auto_detect = false, delim = '{_NOWHERE}', "
    f"quote = '', escape = '', new_line = '\\n', max_line_size = {_LONGEST_LINE}, ignore_errors = true, "
    "strict_mode = false)"
)
#: What is read of a line; whatever else it has is left out.
_SHAPE: Final[dict[str, Any]] = {
    "seq": "BIGINT",
    "kind": _TEXTS,
    "id": _TEXTS,
    "now": "DOUBLE",
    "duration_us": "BIGINT",
    **dict.fromkeys(
        ("token", "request_id", "trace_id", "method", "route", "outcome", "reason", "detail", "tenant", "policy",
         "standing", "keys", "revocations"), _TEXTS,
    ),
    "permissions": [{"permission": _TEXTS, "allowed": "BOOLEAN", "reason": _TEXTS, "rules": [_TEXTS]}],
    "shadow": dict.fromkeys(("policy", "outcome", "reason", "failed"), _TEXTS),
    "capped": [_TEXTS],
    "treated": "MAP(VARCHAR, VARCHAR)",
    "counts": "MAP(VARCHAR, BIGINT)",
    "count": "BIGINT",
    "subject": {
        **dict.fromkeys(("id", "issuer", "kind", "tenant", "client", "authority", "acr"), _TEXTS),
        **{name: [_TEXTS] for name in ("roles", "scopes", "permissions", "groups")},
        **{name: [[_TEXTS]] for name in ("bound_roles", "assigned")},
        "without_groups": "BOOLEAN",
        "auth_time": "DOUBLE",
    },
}  # fmt: skip
_PAIR: Final = "list_transform(r.subject.{}, lambda p: {{'role': p[1], 'tenant': p[2]}})"
#: The columns of the file: what each holds, over the parsed record `r`.
COLUMNS_OF_THE_FILE: Final = {
    "time": "try_cast(moment as timestamptz)",
    "id": "r.id",
    "seq": "r.seq",
    "kind": "r.kind",
    "outcome": "r.outcome",
    "reason": "r.reason",
    "detail": "r.detail",
    "method": "r.method",
    "route": "r.route",
    "permissions": "list_transform(r.permissions, lambda p: p.permission)",
    "denied_permissions": "list_transform(list_filter(r.permissions, lambda p: not p.allowed), lambda p: p.permission)",
    "verdicts": "r.permissions",
    "rules": "list_distinct(flatten(list_transform(r.permissions, lambda p: p.rules)))",
    "tenant": "r.tenant",
    "policy": "r.policy",
    "subject_id": "r.subject.id",
    "subject_issuer": "r.subject.issuer",
    "subject_kind": "r.subject.kind",
    "subject_tenant": "r.subject.tenant",
    "client": "r.subject.client",
    "authority": "r.subject.authority",
    "roles": "r.subject.roles",
    "bound_roles": _PAIR.format("bound_roles"),
    "assigned_roles": _PAIR.format("assigned"),
    "scopes": "r.subject.scopes",
    "subject_permissions": "r.subject.permissions",
    "groups": "r.subject.groups",
    "without_groups": "case when r.subject is not null then coalesce(r.subject.without_groups, false) end",
    "acr": "r.subject.acr",
    "auth_time": "to_timestamp(r.subject.auth_time)",
    "token": "nullif(r.token, '')",
    "request_id": "nullif(r.request_id, '')",
    "trace_id": "nullif(r.trace_id, '')",
    "duration_us": "r.duration_us",
    "standing": "r.standing",
    "keys": "r.keys",
    "revocations": "r.revocations",
    "shadow_policy": "r.shadow.policy",
    "shadow_outcome": "r.shadow.outcome",
    "shadow_reason": "r.shadow.reason",
    "shadow_failed": "r.shadow.failed",
    "capped": "r.capped",
    "treated": "r.treated",
    "not_kept": "r.counts",
    "lost": "r.count",
}


def write_parquet(
    files: Sequence[Path], to: Path, *, since: str = "", until: str = "", progress: OnProgress | None = None
) -> int:
    """Write the records of a log; how many there are. What does not fit into memory goes to temporary files."""
    present = [str(file) for file in files if file.exists()]
    with tempfile.TemporaryDirectory(prefix="policy-export-") as folder, _connected(folder) as connection:
        _run(connection, _sql(to, since, until), present, progress)
        return int(connection.fetchone()[0])


def _connected(folder: str) -> Any:
    config: dict[str, Any] = {"memory_limit": _MEMORY, "temp_directory": folder, "preserve_insertion_order": False}
    connection = duckdb.connect(config=config)
    for setting in ("timezone = 'UTC'", "enable_progress_bar = true", "enable_progress_bar_print = false"):
        connection.execute(f"set {setting}")
    return connection


def _run(connection: Any, sql: str, files: Sequence[str], progress: OnProgress | None) -> None:
    """In a thread, while this one looks how far it is."""
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
        if progress is not None:
            progress(min(1.0, max(0.0, connection.query_progress() / 100)))
    if failed:
        raise failed[0]


def _sql(to: Path, since: str, until: str) -> str:
    kinds = ", ".join(map(quoted, KINDS))
    time = COLUMNS["time"].sql
    conditions = [f"{COLUMNS['kind'].sql} in ({kinds})", "json_valid(line)"]
    conditions += [f"{time} >= {quoted(since)}"] if since else []
    conditions += [f"{time} < {quoted(until)}"] if until else []
    parsed = (
        f"select {time} as moment, json_transform(line, {quoted(json.dumps(_SHAPE))}) as r "  # noqa: S608 - all is made here
        f"from {source(_LINES)} where {' and '.join(conditions)}"
    )
    columns = ", ".join(f'{sql} as "{name}"' for name, sql in COLUMNS_OF_THE_FILE.items())
    selected = f"select {columns} from ({parsed}) as parsed"  # noqa: S608
    return f"copy ({selected}) to {quoted(str(to))} (format parquet, compression zstd)"
