"""Every route of an application as values: what it demands, who reaches it, and what is wrong with it. Never raises."""

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from flask import Flask
from flask.cli import NoAppException, ScriptInfo

from policy.demand import Mark, Public, Requires
from policy.engine import Policy
from policy.errors import ClaimsPolicyError, PolicyError, Problem
from policy.flask.enforcement import Enforcement
from policy.flask.routes import Declarations, Route, routes
from policy.flask.seal import route_problems

Access = Literal["undeclared", "public", "authenticated", "protected"]
#: Groups of names of which one of each is needed: no group asks for nothing, an empty group can't be met.
Reach = tuple[tuple[str, ...], ...]
#: The names that cover a permission; `None` where nobody needs any.
Covering = frozenset[str] | None
COUNTS_ROLES: Final = frozenset({"roles", "roles-and-scopes"})
COUNTS_SCOPES: Final = frozenset({"scopes", "roles-and-scopes"})


class ApplicationNotFound(ClaimsPolicyError):
    """There is no application where one was looked for, or it could not be made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """One method of one rule.

    `demands` are its marks as they are written. `roles` and `scopes` are what reaches it, `None` where it asks for
    neither or where no issuer's authority counts them; deny rules and constraints may still forbid.
    """

    method: str
    rule: str
    endpoint: str
    blueprint: str
    file: str
    line: int
    access: Access
    demands: tuple[str, ...]
    permissions: tuple[str, ...]
    roles: Reach | None
    scopes: Reach | None
    problems: tuple[Problem, ...]

    @property
    def name(self) -> str:
        """The method and the pattern, as in messages and records."""
        return f"{self.method} {self.rule}"

    @property
    def place(self) -> str:
        """File and line of the function; empty where they are not known."""
        return f"{self.file}:{self.line}" if self.file else ""

    def as_dict(self) -> dict[str, Any]:
        """The route as JSON values."""
        return {
            "method": self.method, "rule": self.rule, "endpoint": self.endpoint, "blueprint": self.blueprint,
            "file": self.file, "line": self.line, "access": self.access, "demands": list(self.demands),
            "permissions": list(self.permissions), "roles": _lists(self.roles), "scopes": _lists(self.scopes),
            "problems": [str(problem) for problem in self.problems],
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """An application's routes, by rule and method, and what is wrong with it besides them."""

    application: str
    digest: str
    routes: tuple[Listed, ...]
    problems: tuple[Problem, ...]

    @property
    def everything_wrong(self) -> tuple[Problem, ...]:
        """All problems, those of routes first."""
        found = [problem for one in self.routes for problem in one.problems]
        return tuple(dict.fromkeys([*found, *self.problems]))

    def number(self, access: Access) -> int:
        """How many routes are of a kind."""
        return sum(one.access == access for one in self.routes)

    def as_dict(self) -> dict[str, Any]:
        """The listing as JSON values."""
        return {
            "application": self.application,
            "policy": self.digest or None,
            "sound": not self.everything_wrong,
            "routes": [one.as_dict() for one in self.routes],
            "problems": [str(problem) for problem in self.problems],
        }


def application(path: str) -> Flask:
    """The application that `flask --app` would take for this: `module`, `module:name` or `module:factory()`.

    `PolicyError` as the application raises it, `ApplicationNotFound` for anything else that keeps it from being made.
    """
    try:
        return ScriptInfo(app_import_path=path, set_debug_flag=False).load_app()
    except PolicyError:
        raise
    except NoAppException as error:
        raise ApplicationNotFound(error.format_message()) from error
    except Exception as error:  # whatever an application raises while it is made is told with its place
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{last.filename}, line {last.lineno}"
        raise ApplicationNotFound(f"`{path}` could not be made: {where}: {type(error).__name__}: {error}") from error


def listing(app: Flask) -> Listing:
    """All routes of an application, sealed or not, with an authorizer or without."""
    enforcement: Enforcement | None = app.extensions.get("policy")
    if enforcement is None:
        problem = Problem(message=f"the application `{app.name}` has no authorizer", hint="call init_app(app, ...)")
        found = tuple(_listed(one, None) for one in _sorted(routes(app, Declarations())))
        return Listing(application=app.name, digest="", routes=found, problems=(problem,))
    rules = enforcement.guard.rules
    found = tuple(_listed(one, rules) for one in _sorted(routes(app, enforcement.declared)))
    of_routes = {problem for one in found for problem in one.problems}
    besides = tuple(problem for problem in enforcement.problems() if problem not in of_routes)
    return Listing(application=app.name, digest=rules.digest, routes=found, problems=besides)


def _sorted(found: Iterable[Route]) -> list[Route]:
    return sorted(found, key=lambda one: (one.rule.rule, one.method, one.rule.endpoint))


def _listed(one: Route, rules: Policy | None) -> Listed:
    file, line = one.place
    return Listed(
        method=one.method,
        rule=one.rule.rule,
        endpoint=one.rule.endpoint,
        blueprint=one.rule.endpoint.rpartition(".")[0],
        file=file,
        line=line,
        access=access(one.marks),
        demands=tuple(str(mark) for mark in one.marks),
        permissions=tuple(dict.fromkeys(name for mark in _required(one.marks) for name in mark.permissions)),
        roles=_reach(one.marks, rules, COUNTS_ROLES, _roles),
        scopes=_reach(one.marks, rules, COUNTS_SCOPES, _scopes),
        problems=_problems(one, rules),
    )


def _problems(one: Route, rules: Policy | None) -> tuple[Problem, ...]:
    """What the seal would say; without a policy only that nothing is declared, which takes none to see."""
    if rules is None:
        file, line = one.place
        message = "nothing says who may call it"
        return () if one.marks else (Problem(file=file, line=line, path=one.name, message=message),)
    return tuple(dict.fromkeys(route_problems(one, rules)))


def access(marks: Sequence[Mark]) -> Access:
    """What the marks of a route amount to, as the hook takes them."""
    if not marks:
        return "undeclared"
    if isinstance(marks[0], Public):
        return "public"
    return "protected" if _required(marks) else "authenticated"


def _required(marks: Iterable[Mark]) -> list[Requires]:
    return [mark for mark in marks if isinstance(mark, Requires)]


def _reach(
    marks: Sequence[Mark], rules: Policy | None, counting: frozenset[str], covering: Callable[[Policy, str], Covering]
) -> Reach | None:
    """One group for each permission demanded, one for all of an `any_of`; `covering` gives `None` for everyone."""
    if rules is None or access(marks) in ("undeclared", "public") or not _regimes(rules) & counting:
        return None
    groups: list[Covering] = []
    for mark in _required(marks):
        sets = [covering(rules, name) if name in rules.entries else frozenset() for name in mark.permissions]
        groups += [_united(sets)] if mark.any_of else sets
    return tuple(tuple(sorted(group)) for group in _smallest(group for group in groups if group is not None))


def _roles(rules: Policy, name: str) -> Covering:
    return None if rules.entries[name].everyone else rules.roles_granting(name)


def _scopes(rules: Policy, name: str) -> Covering:
    return rules.entries[name].scopes


def _regimes(rules: Policy) -> frozenset[str]:
    """The authorities that some issuer declares; without an issuer, a subject made by hand may have any."""
    declared = {regime for issuer in rules.issuers.values() for regime in issuer.authority.values()}
    return frozenset(declared) or COUNTS_ROLES | COUNTS_SCOPES


def _united(sets: Iterable[Covering]) -> Covering:
    found: set[str] = set()
    for one in sets:
        if one is None:
            return None
        found |= one
    return frozenset(found)


def _smallest(groups: Iterable[frozenset[str]]) -> Iterator[frozenset[str]]:
    """Leave out groups that are met whenever another is."""
    distinct = list(dict.fromkeys(groups))
    return (one for one in distinct if not any(other < one for other in distinct))


def _lists(reach: Reach | None) -> list[list[str]] | None:
    return None if reach is None else [list(group) for group in reach]
