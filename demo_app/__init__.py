"""A small records service: the whole library at work in one Flask application that runs alone and offline."""

from demo_app.app import create_app

__all__ = ["create_app"]
