"""Request bodies: JSON objects whose members are what a view asks for; anything else is a 400."""

from typing import Any

from flask import abort, request


def text(name: str) -> str:
    """A text that is not blank."""
    value = _member(name)
    if not isinstance(value, str) or not value.strip():
        abort(400, description=f"the body must be a JSON object whose `{name}` is a text that is not blank")
    return value


def amount(name: str) -> int:
    """An integer above zero."""
    value = _member(name)
    if type(value) is not int or value < 1:
        abort(400, description=f"the body must be a JSON object whose `{name}` is an integer above 0")
    return value


def _member(name: str) -> Any:
    body = request.get_json()
    return body.get(name) if isinstance(body, dict) else None
