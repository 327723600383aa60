"""`policy token`: tokens for development, tokens taken apart, and tokens taken back."""

from policy.cli import token_inspect, token_issue, token_revoke
from policy.cli.arguments import Commands, group


def add(commands: Commands) -> None:
    """Add the parser of the group."""
    own = group(commands, "token", "issue a token for development, take one apart, or revoke")
    token_issue.add(own)
    token_inspect.add(own)
    token_revoke.add(own)
