"""Cases by others, read where they lie, and policies made of them."""

import gzip
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from policy import Policy, Subject
from policy.document import Source, read

Json = dict[str, Any]
Vectors = Callable[[str], Any]

ISSUER = "https://id.example.com/"
ISSUERS: Json = {
    ISSUER: {
        "profile": "plain", "audience": "api", "algorithms": ["ES256"], "keys": {"jwks_file": "keys.jwks.json"},
        "authority": {"user": "roles"},
    }
}  # fmt: skip


@pytest.fixture(name="vectors", scope="session")
def _vectors(shared: Path) -> Vectors:
    """Reads a JSON file of the shared cases, compressed or not; a file that is not there skips the test."""

    def load(name: str) -> Any:
        path = shared / "vectors" / name
        if not path.is_file():
            pytest.skip(f"there is no {path}")
        raw = path.read_bytes()
        return json.loads(gzip.decompress(raw) if name.endswith(".gz") else raw)

    return load


def compiled(**sections: Any) -> Policy:
    """The policy with these sections and an issuer under whose authority roles alone count."""
    document = {name: content for name, content in {**sections, "issuers": ISSUERS}.items() if content}
    return Policy(read([Source(name="policy.json", text=json.dumps(document).encode())]))


def assigned(roles: Mapping[str, Iterable[str]], tenant: str | None = None) -> list[Json]:
    """One assignment for each subject with its roles, in a tenant if one is given."""
    bound = {} if tenant is None else {"tenant": tenant}
    return [
        {"issuer": ISSUER, "subject": subject, "roles": sorted(names), **bound}
        for subject, names in roles.items()
        if names
    ]


def person(rules: Policy, name: str) -> Subject:
    """The subject whose token says nothing but this name: its roles come from the policy's assignments."""
    return rules.subject(ISSUER, {"sub": name})
