"""Who can log in at the demo's issuer. It knows people and their roles; what a role may do is the policy's affair."""

from collections.abc import Mapping
from typing import Final

USERS: Final[Mapping[str, tuple[str, ...]]] = {
    "vera": ("viewer",),
    "edna": ("editor",),
    "ada": ("admin",),
    "carl": ("editor", "contractor"),
    "pia": ("payer",),
    "april": ("approver",),
    "sam": ("payer", "approver"),
}

#: The client through which people log in, and the scopes that they can let it have.
CONSOLE: Final = "console"
CONSOLE_SCOPES: Final = ("read:data", "create:data", "update:data", "delete:data", "reports",
                         "create:payment", "approve:payment")  # fmt: skip

#: Clients that act for themselves, and the scopes they were registered with.
MACHINES: Final[Mapping[str, tuple[str, ...]]] = {"nightly-report": ("reports",)}
