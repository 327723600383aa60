"""`policy audit`: what was decided."""

from policy.cli import audit_show
from policy.cli.arguments import Commands, group


def add(commands: Commands) -> None:
    """Add the parser of the group."""
    audit_show.add(group(commands, "audit", "read the log of decisions"))
