"""What the policy language has but this version does not: refused by name, so that nobody takes it for a typing error.

To support one of these, give it a shape and strike it out here.
"""

from collections.abc import Mapping
from typing import Final

from policy.document.wording import JsonPath

NO_SECRETS: Final = "a secret never stands in a policy: name its variable by `env`, or its file by `file`"

IN_KEYS: Final = "where keys are fetched from stands in `keys`"

#: Path patterns, `*` standing for one step.
UNSUPPORTED: Final[Mapping[JsonPath, str]] = {
    ("rules", "*", "when"): "conditions (`when`) are not supported by this version",
    ("resources",): "resource types (`resources`) are not supported by this version",
    ("permissions", "*", "resource"): "resource types (`resource`) are not supported by this version",
    ("invariants",): "invariants (`invariants`) are not supported by this version",
    (
        "revocations",
    ): "`revocations` stand in a document of their own, named `revocations.json` or `….revocations.json`",
    ("issuers", "*", "jwks_uri"): IN_KEYS,
    ("issuers", "*", "discovery"): IN_KEYS,
    **{
        ("issuers", "*", "keys", name): NO_SECRETS
        for name in ("secret", "key", "k", "value", "password", "shared_secret")
    },
}


def refusal(path: JsonPath) -> str | None:
    """Why the key at this path is refused, if it is one that a later version knows."""
    for pattern, words in UNSUPPORTED.items():
        if len(pattern) == len(path) and all(p in ("*", step) for p, step in zip(pattern, path, strict=True)):
            return words
    return None
