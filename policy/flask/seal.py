"""The seal: every route is declared, every permission is known, nothing stands before the hook."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from flask import Flask

from policy.compile import Compiled
from policy.demand import UNSAID, Public, Requires
from policy.errors import Problem
from policy.flask.marks import marks_above, name_of
from policy.flask.routes import Declarations, Route, routes
from policy.nearest import did_you_mean

_MEND = 'add `@requires("...")`, `@authenticated` or `@public(reason="...")` below its route'


class Hooks(NamedTuple):
    """What has to run before anything else: the decision, and before it the taking of the address's arguments."""

    before: Callable[..., Any]
    arguments: Callable[..., Any]


def problems(app: Flask, declared: Declarations, policy: Compiled, hooks: Hooks) -> tuple[Problem, ...]:
    """Everything that keeps an application from being sealed."""
    found = [
        *_hook_problems(app, hooks),
        *_unmatched(app, declared),
        *(problem for one in routes(app, declared) for problem in route_problems(one, policy)),
    ]
    return tuple(dict.fromkeys(found))


def route_problems(route: Route, policy: Compiled) -> Iterator[Problem]:
    """What is wrong with one method of one route."""
    above = [mark for mark in marks_above(route.view) if mark not in route.marks]
    for mark in above:
        yield _problem(route, f"the mark `{mark}` stands above the route of {_view(route)}", "move it below the route")
    if not (route.marks or above):
        yield _problem(route, f"nothing says who may call {_view(route)}", _mend(route))
    public = [mark for mark in route.marks if isinstance(mark, Public)]
    if public and len(route.marks) > 1:
        others = ", ".join(f"`{mark}`" for mark in route.marks if mark not in public)
        yield _problem(
            route, f"{_view(route)} is public and also demands {others or 'to be public'}", "remove one of them"
        )
    yield from _argument_problems(route, policy)
    for name in _permissions(route):
        if name not in policy.entries:
            nearest = did_you_mean(name, policy.entries).removeprefix("; ")
            yield _problem(route, f"{_view(route)} demands `{name}`, which the policy does not declare", nearest)


def _argument_problems(route: Route, policy: Compiled) -> Iterator[Problem]:
    """What `tenant=` and `subject=` name must be arguments of the route; and a tenant may have to be named."""
    required = [mark for mark in route.marks if isinstance(mark, Requires)]
    tenants = {mark.tenant for mark in required if mark.tenant is not UNSAID}
    named = {name for name in (*tenants, *(mark.subject for mark in required)) if isinstance(name, str)}
    for name in sorted(named - set(route.rule.arguments)):
        hint = did_you_mean(name, route.rule.arguments).removeprefix("; ")
        yield _problem(route, f"{_view(route)} names the argument `{name}`, which the route does not have", hint)
    if len(tenants) > 1:
        yield _problem(route, f"the marks of {_view(route)} ask for different tenants", "name one in all of them")
    if required and not tenants and policy.document.tenancy == "required":
        message = f'{_view(route)} asks for no tenant, and the policy has `"tenancy": "required"`'
        yield _problem(route, message, 'add `tenant="..."` to its mark, or `tenant=None`')


def _permissions(route: Route) -> Iterable[str]:
    return dict.fromkeys(name for mark in route.marks if isinstance(mark, Requires) for name in mark.permissions)


def _view(route: Route) -> str:
    if route.rule.endpoint.rpartition(".")[2] == "static":
        return "the static folder"
    return f"view `{_short_name(route.function)}`" if route.function else f"endpoint `{route.rule.endpoint}`"


def _short_name(function: Any) -> str:
    """The name without the functions around it; file and line say the rest."""
    return name_of(function).rpartition("<locals>.")[2]


def _mend(route: Route) -> str:
    file, _ = route.place
    if route.rule.endpoint.rpartition(".")[2] == "static":
        return f'add `authz.declare("{route.rule.endpoint}", public(reason="..."))`'
    declare = f'`authz.declare("{route.rule.endpoint}", requires("..."))`'
    return f"{_MEND}, or {declare}" if file else f"add {declare}"


def _problem(route: Route, message: str, hint: str = "") -> Problem:
    file, line = route.place
    return Problem(file=file, line=line, path=route.name, message=message, hint=hint)


def _hook_problems(app: Flask, hooks: Hooks) -> Iterator[Problem]:
    for kind, functions, own in _lines(app, hooks):
        if functions[:1] != [own]:
            name = name_of(functions[0]) if functions else None
            yield Problem(
                message=f"`{kind}` function `{name}` runs before authorization",
                hint=f"register it with `app.{kind}`, which appends, instead of inserting it first",
            )


def hooks_are_first(app: Flask, hooks: Hooks) -> bool:
    """Whether the hooks are still the first functions that Flask runs before a request."""
    before, taking = app.before_request_funcs.get(None), app.url_value_preprocessors.get(None)
    return bool(before and taking and before[0] == hooks.before and taking[0] == hooks.arguments)


def _lines(app: Flask, hooks: Hooks) -> Iterator[tuple[str, list[Any], Callable[..., Any]]]:
    yield "before_request", app.before_request_funcs.get(None, []), hooks.before
    yield "url_value_preprocessor", app.url_value_preprocessors.get(None, []), hooks.arguments


def _unmatched(app: Flask, declared: Declarations) -> Iterator[Problem]:
    for pattern in declared.unmatched(app.view_functions):
        hint = did_you_mean(pattern, app.view_functions).removeprefix("; ")
        yield Problem(message=f"`authz.declare` names `{pattern}`, which matches no endpoint", hint=hint)
