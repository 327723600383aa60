"""Records: who may do what with them is said by one mark a view, and decided before the view runs."""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, abort, url_for

from demo_app.body import text
from demo_app.store import Row, changed, rows
from policy.flask import current_subject, requires

NO_RECORD: Final = "there is no such record"

blueprint = Blueprint("data", __name__, url_prefix="/api")


@blueprint.get("/data")
@requires("read:data")
def index() -> list[Row]:
    """All records."""
    return rows("SELECT * FROM record ORDER BY id")


@blueprint.get("/data/<int:record_id>")
@requires("read:data")
def read(record_id: int) -> Row:
    """One record."""
    found = rows("SELECT * FROM record WHERE id = ?", record_id)
    return found[0] if found else abort(404, description=NO_RECORD)


@blueprint.post("/data")
@requires("create:data")
def create() -> tuple[Row, int, dict[str, str]]:
    """Add a record, owned by whoever adds it."""
    made = changed("INSERT INTO record (title, owner) VALUES (?, ?) RETURNING *", text("title"), current_subject.id)
    assert made is not None, "an INSERT returns its row"
    return made, HTTPStatus.CREATED, {"Location": url_for("data.read", record_id=made["id"])}


@blueprint.put("/data/<int:record_id>")
@requires("update:data")
def update(record_id: int) -> Row:
    """Give a record another title."""
    return changed("UPDATE record SET title = ? WHERE id = ? RETURNING *", text("title"), record_id) or abort(
        404, description=NO_RECORD
    )


@blueprint.delete("/data/<int:record_id>")
@requires("delete:data")
def delete(record_id: int) -> tuple[str, int]:
    """Remove a record."""
    changed("DELETE FROM record WHERE id = ? RETURNING id", record_id) or abort(404, description=NO_RECORD)
    return "", HTTPStatus.NO_CONTENT


@blueprint.get("/report")
@requires("read:data", "read:report")
def report() -> list[Row]:
    """How many records each owner has: two permissions, which the scope `reports` covers under one name."""
    return rows("SELECT owner, count(*) AS records FROM record GROUP BY owner ORDER BY owner")
