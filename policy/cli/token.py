"""`policy token`: tokens for development, and tokens taken apart."""

from policy.cli import token_inspect, token_issue
from policy.cli.arguments import Commands, group


def add(commands: Commands) -> None:
    """Add the parser of the group."""
    own = group(commands, "token", "issue a token for development, or take one apart")
    token_issue.add(own)
    token_inspect.add(own)
