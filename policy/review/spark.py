"""The engine for logs beyond one machine: the same question, asked of a Spark cluster."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from pyspark.sql import SparkSession

from policy.review.columns import DECIDED, Column
from policy.review.query import Group, OnProgress, query


class Spark:
    """Reads a log with Spark, in the session that is there or in one that Spark's own configuration makes."""

    name: Final = "spark"

    def __init__(self, session: Any = None) -> None:
        self._session = session or SparkSession.builder.appName("policy-review").getOrCreate()

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
        """The groups, as `Engine.groups` says; how far it is, Spark tells on a page of its own."""
        asked = query(by, kinds, since, until, containing, labels)
        present = [str(file.absolute()) for file in files if file.exists()]
        if not present:
            return
        session, views = (
            self._session,
            {"lines": f"policy_lines_{uuid4().hex}", "labels": f"policy_labels_{uuid4().hex}"},
        )
        lines = session.read.text(present, lineSep="\n").withColumnRenamed("value", "line")
        lines.createOrReplaceTempView(views["lines"])
        if labels is not None:
            labelled = session.createDataFrame(list(labels.items()), "labels_of string, label string")
            labelled.createOrReplaceTempView(views["labels"])
        sql = asked.sql(views["lines"], views["labels"] if labels is not None else "")
        try:
            for row in session.sql(_escaped(sql)).toLocalIterator():
                yield Group(tuple(row[:-4]), *row[-4:])
        finally:
            for view in views.values():
                session.catalog.dropTempView(view)
        if progress is not None:
            progress(1.0)


def _escaped(sql: str) -> str:
    """The question as Spark reads it: a backslash inside a literal stands there twice, and stands nowhere else."""
    return sql.replace("\\", "\\\\")
