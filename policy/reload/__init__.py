"""A policy folder that changes while decisions are made: seen, taken whole or not at all, and kept for a next start."""

from policy.reload.kept import Kept
from policy.reload.snapshot import Snapshot, take
from policy.reload.watcher import Watcher

__all__ = ["Kept", "Snapshot", "Watcher", "take"]
