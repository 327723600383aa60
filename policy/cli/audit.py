"""`policy audit`: what was decided."""

from typing import Final

from policy.cli import (
    audit_erase,
    audit_export,
    audit_recover,
    audit_replay,
    audit_show,
    audit_stats,
    audit_suggest,
    audit_tail,
    audit_unused,
    audit_verify,
)
from policy.cli.arguments import Commands, group

_COMMANDS: Final = (
    audit_tail,
    audit_show,
    audit_stats,
    audit_unused,
    audit_suggest,
    audit_verify,
    audit_recover,
    audit_erase,
    audit_replay,
    audit_export,
)


def add(commands: Commands) -> None:
    """Add the parsers of the group."""
    inner = group(commands, "audit", "read the log of decisions")
    for each in _COMMANDS:
        each.add(inner)
