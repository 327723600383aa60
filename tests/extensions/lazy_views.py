"""A view that is imported at its first request."""


def index() -> str:
    """Not marked here: the application that loads it declares it."""
    return "loaded"
