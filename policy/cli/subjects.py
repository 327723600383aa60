"""A subject shown: as JSON, and in a few lines."""

from typing import Any

from policy.subject import Subject


def as_dict(subject: Subject) -> dict[str, Any]:
    """The subject as JSON values: who it is, and everything that its token and the policy's assignments give it."""
    return {
        "id": subject.id,
        "issuer": subject.issuer or None,
        "kind": subject.kind,
        "client": subject.client,
        "tenant": subject.tenant,
        "roles": sorted(subject.roles),
        "bound_roles": sorted(map(list, subject.bound_roles)),
        "scopes": sorted(subject.scopes),
        "permissions": sorted(subject.permissions),
        "groups": None if subject.without_groups else sorted(subject.groups),
        "assigned": sorted(map(list, subject.assigned), key=str),
        "unasserted": [list(pair) for pair in subject.unasserted],
    }


def in_words(subject: Subject) -> str:
    """Who it is, on one line."""
    words = f"{subject.kind} `{subject.id}`"
    words += f" of `{subject.issuer}`" if subject.issuer else ""
    words += f", client `{subject.client}`" if subject.client is not None else ""
    return words + (f", tenant `{subject.tenant}`" if subject.tenant is not None else "")


def holdings(subject: Subject) -> list[tuple[str, str]]:
    """What it holds, as rows of a word and names; kinds of which it has none are left out."""
    rows = [
        ("roles", _listed(subject.roles)),
        ("roles by tenant", ", ".join(f"{role} in {tenant}" for role, tenant in sorted(subject.bound_roles))),
        ("assigned roles", ", ".join(sorted(_assigned(role, tenant) for role, tenant in subject.assigned))),
        ("scopes", _listed(subject.scopes)),
        ("permissions", _listed(subject.permissions)),
        ("groups", "left out by the token" if subject.without_groups else _listed(subject.groups)),
        ("not asserted", ", ".join(f"{kind} {name}" for kind, name in subject.unasserted)),
    ]
    return [(word, names) for word, names in rows if names]


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


def _assigned(role: str, tenant: str | None) -> str:
    return role if tenant is None else f"{role} in {tenant}"
