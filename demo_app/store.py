"""Records and payments in SQLite, one connection a request."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from flask import Flask, abort, current_app, g

Row = dict[str, Any]

_SCHEMA: Final = """
    CREATE TABLE record (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, owner TEXT NOT NULL);
    CREATE TABLE payment (id INTEGER PRIMARY KEY AUTOINCREMENT, payee TEXT NOT NULL, cents INTEGER NOT NULL,
                          submitted_by TEXT NOT NULL, approved_by TEXT);
    INSERT INTO record (title, owner) VALUES
        ('Minutes of the first meeting', 'edna'), ('List of suppliers', 'edna'), ('Fire drill plan', 'ada');
    PRAGMA user_version = 1;
"""


def init_app(app: Flask, file: Path) -> None:
    """Use this file, made and filled with a few records if it is new."""
    app.config["DATABASE"] = file
    app.teardown_appcontext(_close)
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if not version:
            for statement in _SCHEMA.split(";"):
                database.execute(statement)
        database.execute("COMMIT")


def rows(sql: str, *values: object) -> list[Row]:
    """What a query finds."""
    return [dict(row) for row in _execute(sql, values)]


def changed(sql: str, *values: object) -> Row | None:
    """What a statement that ends in `RETURNING` changed, committed; `None` where it changed nothing."""
    with _database():
        found = _execute(sql, values).fetchone()
    return None if found is None else dict(found)


def _execute(sql: str, values: tuple[object, ...]) -> sqlite3.Cursor:
    try:
        return _database().execute(sql, values)
    except (OverflowError, UnicodeEncodeError):
        abort(400, description="a number or a text is one that the database cannot hold")


def _database() -> sqlite3.Connection:
    if "database" not in g:
        g.database = sqlite3.connect(current_app.config["DATABASE"])
        g.database.row_factory = sqlite3.Row
    database: sqlite3.Connection = g.database
    return database


def _close(_: BaseException | None) -> None:
    database = g.pop("database", None)
    if database is not None:
        database.close()
