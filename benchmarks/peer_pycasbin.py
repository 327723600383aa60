"""pycasbin in its quickest form: the enforcer that indexes rules by object and action, wildcards written out."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import casbin

from benchmarks.engine import Engine, Way
from benchmarks.expansion import named
from benchmarks.workloads import EVERYONE, Kind, Request, Workload

MODEL_A: Final = """[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.obj == p.obj && r.act == p.act && g(r.sub, p.sub)
"""
MODEL_B: Final = """[request_definition]
r = roles, obj, act, named
[policy_definition]
p = role, obj, act, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = p.obj == r.obj && p.act == r.act && meets(r.roles, p.role, r.named)
"""
#: What stands for every caller, and for one whose token names the permission itself; neither is a role's name.
ANYONE, NAMED_IN_TOKEN = "*", "@named"


def write(workload: Workload, folder: Path) -> None:
    """The model, and the rules as lines."""
    (folder / "model.conf").write_text(MODEL_A if workload.kind == "A" else MODEL_B, encoding="utf-8")
    lines = _lines_a(workload) if workload.kind == "A" else _lines_b(workload)
    (folder / "policy.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _lines_a(workload: Workload) -> Iterable[str]:
    for name, role in workload.roles.items():
        for action, resource in (grant.split(":") for grant in role.grants):
            yield f"p, {name}, {resource}, {action}"
    for user, roles in workload.users.items():
        yield from (f"g, {user}, {role}" for role in roles)


def _lines_b(workload: Workload) -> Iterable[str]:
    for permission, roles in named(workload.permissions, workload.roles, workload.denies).items():
        action, resource = permission.split(":")
        yield f"p, {NAMED_IN_TOKEN}, {resource}, {action}, allow"
        yield from (f"p, {role}, {resource}, {action}, allow" for role in sorted(roles.granted))
        yield from (f"p, {role or ANYONE}, {resource}, {action}, deny" for role in sorted(roles.denied))
    for name, role in workload.roles.items():
        yield from (f"g, {name}, {junior}" for junior in role.inherits)


def load(kind: Kind, folder: Path) -> Sequence[Way]:
    """The enforcer over the written files."""
    enforcer = casbin.FastEnforcer(str(folder / "model.conf"), str(folder / "policy.csv"), cache_key_order=(1, 2))
    inherits = enforcer.get_role_manager().has_link

    def meets(roles: list[str], wanted: str, named_in_token: bool) -> bool:
        if wanted == NAMED_IN_TOKEN:
            return named_in_token
        return wanted == ANYONE or any(inherits(role, wanted) for role in roles)

    def answers(batch: Sequence[tuple[Any, ...]]) -> Iterator[bool]:
        return (enforcer.enforce(*each) for each in batch)

    if kind == "B":
        enforcer.add_function("meets", meets)
    return (Way("pycasbin FastEnforcer", _prepare_a if kind == "A" else _prepare_b, answers, slow=True),)


def _prepare_a(request: Request) -> tuple[Any, ...]:
    action, resource = request.permission.split(":")
    return request.claims["sub"], resource, action


def _prepare_b(request: Request) -> tuple[Any, ...]:
    action, resource = request.permission.split(":")
    return request.claims["roles"], resource, action, request.permission in request.claims["scope"].split()


assert EVERYONE == "", "`role or ANYONE` counts on it"
ENGINE: Final = Engine("pycasbin", write, load)
