"""Every route of an application and what it demands, read from the functions that Flask will run."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from flask import Blueprint, Flask
from flask.views import MethodView, View
from werkzeug.routing import Rule

from policy.demand import Mark
from policy.flask.marks import class_marks, marks_of

ANY_METHOD: Final = "ANY"
_FLASKS_OWN: Final = (Flask.send_static_file, Blueprint.send_static_file)


class Route(NamedTuple):
    """One method of one rule, the function behind it, and what it demands (nothing where it is not declared).

    `view` is what Flask has registered, which for a class is not yet the function that runs.
    """

    method: str
    rule: Rule
    view: Callable[..., Any] | None
    function: Callable[..., Any] | None
    marks: tuple[Mark, ...]

    @property
    def name(self) -> str:
        """The method and the pattern, as in messages and records."""
        return f"{self.method} {self.rule.rule}"

    @property
    def place(self) -> tuple[str, int]:
        """File and line of the function; empty and 0 where they are not known, or are those of a package."""
        function = inspect.unwrap(self.function) if self.function else None
        code = getattr(function, "__code__", None)
        if code is None or "site-packages" in code.co_filename:
            return "", 0
        return _short(code.co_filename), code.co_firstlineno


def _short(file: str) -> str:
    try:
        return str(Path(file).relative_to(Path.cwd()))
    except ValueError:
        return file


class Declarations:
    """What was declared for routes one does not own, by endpoint or by blueprint (`name.*`); `count` is how often."""

    def __init__(self) -> None:
        self._marks: dict[str, tuple[Mark, ...]] = {}
        self.count = 0

    def add(self, pattern: str, mark: Mark) -> None:
        """Declare one endpoint, or all of a blueprint; `ValueError` for any other pattern."""
        name = pattern.removesuffix(".*")
        if not name or "*" in name:
            raise ValueError(f"`{pattern}` is neither an endpoint nor a blueprint followed by `.*`")
        self._marks[pattern] = (*self._marks.get(pattern, ()), mark)
        self.count += 1

    def of(self, endpoint: str) -> tuple[Mark, ...]:
        """The marks declared for an endpoint."""
        return tuple(mark for pattern, marks in self._marks.items() if _covers(pattern, endpoint) for mark in marks)

    def unmatched(self, endpoints: Mapping[str, Any]) -> list[str]:
        """The patterns that match no endpoint."""
        return [pattern for pattern in self._marks if not any(_covers(pattern, name) for name in endpoints)]


def _covers(pattern: str, endpoint: str) -> bool:
    return endpoint == pattern or (pattern.endswith(".*") and endpoint.startswith(pattern[:-1]))


def routes(app: Flask, declared: Declarations) -> Iterator[Route]:
    """Every (route, method) that needs a declaration: all but Flask's automatic OPTIONS and empty static folders.

    A rule that only redirects never meets a view: what it leads to is a route of its own.
    """
    for rule in app.url_map.iter_rules():
        if not rule.build_only and rule.redirect_to is None and not is_static_without_folder(app, rule):
            for method in sorted(rule.methods or {ANY_METHOD}):
                if not (is_automatic_options(rule, method) or _is_get_again(app, rule, method)):
                    yield route(app, declared, rule, method)


def _is_get_again(app: Flask, rule: Rule, method: str) -> bool:
    """Whether a HEAD runs the very function that GET runs, so that nothing more is to be said of it."""
    view = app.view_functions.get(rule.endpoint)
    return method == "HEAD" and "GET" in (rule.methods or ()) and handler(view, "HEAD") is handler(view, "GET")


def route(app: Flask, declared: Declarations, rule: Rule, method: str) -> Route:
    """One method of one rule."""
    view = app.view_functions.get(rule.endpoint)
    function = handler(view, method)
    marks = (*declared.of(rule.endpoint), *_marks(view, function))
    return Route(method, rule, view, function, marks if len(marks) == 1 else tuple(dict.fromkeys(marks)))


def handler(view: Callable[..., Any] | None, method: str) -> Callable[..., Any] | None:
    """The function that runs: the view, or the method of its class; a HEAD without a function of its own runs GET's."""
    view_class = getattr(view, "view_class", None)
    if view_class is None or not issubclass(view_class, View):
        return view
    if not issubclass(view_class, MethodView):
        return cast("Callable[..., Any]", view_class.dispatch_request)
    found = getattr(view_class, method.lower(), None)
    own = found is not None or method != "HEAD"
    return cast("Callable[..., Any] | None", found if own else getattr(view_class, "get", None))


def _marks(view: Callable[..., Any] | None, function: Callable[..., Any] | None) -> tuple[Mark, ...]:
    view_class = getattr(view, "view_class", None)
    if view_class is None or function is view:
        return marks_of(view)
    return (*marks_of(view), *class_marks(view_class), *marks_of(function))


def is_automatic_options(rule: Rule, method: str) -> bool:
    """Whether Flask itself answers: only this OPTIONS is exempt, never one that the application wrote."""
    return method == "OPTIONS" and bool(getattr(rule, "provide_automatic_options", False))


def is_static_without_folder(app: Flask, rule: Rule) -> bool:
    """Whether the rule is Flask's automatic one for a static folder that does not exist, so that it can serve nothing.

    Only what Flask itself registered counts: a view or a `send_static_file` of the application's own is a route.
    """
    name, _, last = rule.endpoint.rpartition(".")
    owner = app.blueprints.get(name) if name else app
    if last != "static" or owner is None or owner.static_folder is None or Path(owner.static_folder).is_dir():
        return False
    own = "send_static_file" in vars(owner) or getattr(type(owner), "send_static_file", None) not in _FLASKS_OWN
    view = inspect.unwrap(app.view_functions[rule.endpoint])
    return not own and getattr(view, "__module__", "").startswith("flask.")
