"""Keys of a log as they are named on the command line."""

from policy.audit.seals import KeySource


def key_source(text: str) -> KeySource:
    """`env:NAME` is a variable of the environment, anything else a file."""
    kind, _, name = text.partition(":")
    return {"env": name} if kind == "env" and name else {"file": text}
