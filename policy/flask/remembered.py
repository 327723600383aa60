"""Routes that were found sound, so that a request need not look all of it up again; nothing that may have changed."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from werkzeug.routing import Rule

from policy.demand import Mark, Requires
from policy.engine import Policy
from policy.flask.marks import marks_of
from policy.flask.routes import Declarations, Route

AT_MOST: Final = 4096


class Demands(NamedTuple):
    """What a route demands; `are_narrow` says whether any of the marks asks for more than permissions."""

    marks: tuple[Mark, ...]
    are_narrow: bool


class _Known(NamedTuple):
    rule: Rule
    view: Callable[..., Any]
    carried: tuple[Mark, ...]
    declared: int
    rules: Policy
    demands: Demands


class RememberedRoutes:
    """By rule and method. A route counts as known while its view is the same function with the very same marks, nothing
    more was declared, and the policy is the same.

    Views of classes are not remembered: which of their functions runs may change at any time.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], _Known] = {}

    def find(
        self, rule: Rule, method: str, views: Mapping[str, Any], declared: Declarations, rules: Policy
    ) -> Demands | None:
        """What a route demands that was kept, if nothing of it has changed."""
        known = self._known.get((id(rule), method))
        if (
            known is None
            or known.rule is not rule
            or known.view is not views.get(rule.endpoint)
            or known.carried is not marks_of(known.view)
            or known.declared != declared.count
            or known.rules is not rules
        ):
            return None
        return known.demands

    def keep(self, route: Route, declared: Declarations, rules: Policy) -> Demands:
        """What a route demands that was found sound; kept, if its view is a function."""
        demands = Demands(route.marks, any(isinstance(mark, Requires) and _is_narrow(mark) for mark in route.marks))
        view = route.view
        if view is None or route.function is not view or hasattr(view, "view_class"):
            return demands
        if len(self._known) >= AT_MOST:
            self._known.clear()
        self._known[id(route.rule), route.method] = _Known(
            route.rule, view, marks_of(view), declared.count, rules, demands
        )
        return demands


def _is_narrow(mark: Requires) -> bool:
    return isinstance(mark.tenant, str) or mark.subject is not None or mark.resource is not None
