"""Keys that are fetched: where from, how, and how long they are good for. Nothing here runs before its first use."""

from policy.tokens.remote.keys import RemoteKeys
from policy.tokens.remote.source import remote_keys

__all__ = ["RemoteKeys", "remote_keys"]
