"""`policy audit`: what was decided."""

from policy.cli import audit_erase, audit_recover, audit_replay, audit_show, audit_stats, audit_tail, audit_verify
from policy.cli.arguments import Commands, group


def add(commands: Commands) -> None:
    """Add the parsers of the group."""
    inner = group(commands, "audit", "read the log of decisions")
    audit_tail.add(inner)
    audit_show.add(inner)
    audit_stats.add(inner)
    audit_verify.add(inner)
    audit_recover.add(inner)
    audit_erase.add(inner)
    audit_replay.add(inner)
