"""Payments: submitted by one person and approved by another, which the policy's separation of duty sees to."""

from http import HTTPStatus

from flask import Blueprint, abort, url_for

from demo_app.body import amount, text
from demo_app.store import Row, changed, rows
from policy.flask import current_subject, requires

blueprint = Blueprint("payments", __name__, url_prefix="/api/payments")


@blueprint.get("/<int:payment_id>")
@requires(any_of=("create:payment", "approve:payment"))
def read(payment_id: int) -> Row:
    """One payment, for whoever submits or approves payments."""
    found = rows("SELECT * FROM payment WHERE id = ?", payment_id)
    return found[0] if found else abort(404, description="there is no such payment")


@blueprint.post("")
@requires("create:payment")
def submit() -> tuple[Row, int, dict[str, str]]:
    """Submit a payment: a payee and an amount in cents."""
    payee, cents = text("payee"), amount("cents")
    sql = "INSERT INTO payment (payee, cents, submitted_by) VALUES (?, ?, ?) RETURNING *"
    made = changed(sql, payee, cents, current_subject.id)
    assert made is not None, "an INSERT returns its row"
    return made, HTTPStatus.CREATED, {"Location": url_for("payments.read", payment_id=made["id"])}


@blueprint.post("/<int:payment_id>/approval")
@requires("approve:payment")
def approve(payment_id: int) -> Row:
    """Approve a payment, once."""
    sql = "UPDATE payment SET approved_by = ? WHERE id = ? AND approved_by IS NULL RETURNING *"
    approved = changed(sql, current_subject.id, payment_id)
    return approved or abort(404, description="there is no such payment waiting for approval")
