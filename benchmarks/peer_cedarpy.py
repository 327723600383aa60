"""cedarpy in its quickest form: a handful of policies, with the rules as data of the entities, and all parsed once."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import cedarpy

from benchmarks.engine import Engine, Way
from benchmarks.expansion import Named, named
from benchmarks.workloads import EVERYONE, Kind, Request, Workload

POLICIES_A: Final = 'permit(principal, action == Action::"read", resource) when { principal in resource.readers };'
POLICIES_B: Final = """
permit(principal, action, resource) when { principal in resource.granted };
permit(principal, action, resource) when { context.named };
forbid(principal, action, resource) when { resource.closed };
forbid(principal, action, resource) when { principal in resource.denied };
"""
USE: Final = {"type": "Action", "id": "use"}
Entity = dict[str, Any]


def write(workload: Workload, folder: Path) -> None:
    """The policies as text, the entities as JSON."""
    (folder / "policy.cedar").write_text(POLICIES_A if workload.kind == "A" else POLICIES_B, encoding="utf-8")
    entities = _entities_a(workload) if workload.kind == "A" else _entities_b(workload)
    (folder / "entities.json").write_text(json.dumps(list(entities)), encoding="utf-8")


def _uid(kind: str, name: str) -> dict[str, str]:
    return {"type": kind, "id": name}


def _entity(kind: str, name: str, parents: Iterable[str] = (), **attributes: Any) -> Entity:
    return {"uid": _uid(kind, name), "attrs": attributes, "parents": [_uid("Role", parent) for parent in parents]}


def _references(roles: Iterable[str]) -> list[Any]:
    return [{"__entity": _uid("Role", role)} for role in sorted(roles)]


def _entities_a(workload: Workload) -> Iterable[Entity]:
    for permission, roles in named(workload.permissions, workload.roles, ()).items():
        yield _entity("Data", permission.split(":")[1], readers=_references(roles.granted))
    yield from (_entity("Role", name) for name in workload.roles)
    yield from (_entity("User", user, roles) for user, roles in workload.users.items())


def _entities_b(workload: Workload) -> Iterable[Entity]:
    yield from (_entity("Role", name, role.inherits) for name, role in workload.roles.items())
    for permission, roles in named(workload.permissions, workload.roles, workload.denies).items():
        yield _entity("Permission", permission, **_attributes(roles))


def _attributes(roles: Named) -> dict[str, Any]:
    denied = roles.denied - {EVERYONE}
    closed = EVERYONE in roles.denied
    return {"granted": _references(roles.granted), "denied": _references(denied), "closed": closed}


def load(kind: Kind, folder: Path) -> Sequence[Way]:
    """Policies and entities parsed, as they can be used for any number of requests."""
    policies = cedarpy.PolicySet.from_str((folder / "policy.cedar").read_text(encoding="utf-8"))
    entities = cedarpy.Entities.from_json_str((folder / "entities.json").read_text(encoding="utf-8"))

    def of_users(batch: Sequence[Any]) -> Iterator[bool]:
        return (cedarpy.is_authorized(request, policies, entities).allowed for request in batch)

    def of_roles(batch: Sequence[Any]) -> Iterator[bool]:
        return (_united(cedarpy.is_authorized_batch(requests, policies, entities)) for requests in batch)

    if kind == "A":
        return (Way("cedarpy, rules as data", _prepare_a, of_users),)
    return (Way("cedarpy, rules as data", _prepare_b, of_roles),)


def _united(results: Iterable[Any]) -> bool:
    """One answer of those for each role: a forbid, which a default denial is not told from but by its reasons, wins."""
    allowed = False
    for result in results:
        if result.allowed:
            allowed = True
        elif result.diagnostics.reasons:
            return False
    return allowed


def _prepare_a(request: Request) -> dict[str, Any]:
    action, resource = request.permission.split(":")
    return {
        "principal": _uid("User", request.claims["sub"]),
        "action": _uid("Action", action),
        "resource": _uid("Data", resource),
    }


def _prepare_b(request: Request) -> list[dict[str, Any]]:
    """A batch of the token's roles: an entity for the caller would have to be added to all others at each request."""
    context = json.dumps({"named": request.permission in request.claims["scope"].split()})
    shared = {"action": USE, "resource": _uid("Permission", request.permission), "context": context}
    return [{"principal": _uid("Role", role), **shared} for role in request.claims["roles"]]


ENGINE: Final = Engine("cedarpy", write, load)
