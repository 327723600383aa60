"""Marks: they say what a view demands and decide nothing. A marked function is a tripwire until a hook enforced it."""

import functools
import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol, TypeVar, cast

from flask import has_request_context
from flask.views import View, http_method_funcs

from policy.demand import UNSAID, Authenticated, Mark, Public, Requires, Unsaid
from policy.flask.current import state
from policy.flask.tripwire import trip
from policy.permissions import is_permission

Target = TypeVar("Target", bound=Callable[..., Any])

_ATTRIBUTE: Final = "__policy_marks__"
#: On a function: the marks that were put around it. If it is what Flask runs, those above it are never enforced.
_ABOVE: Final = "__policy_marks_above__"


def is_marker(value: object) -> bool:
    """Whether something was made by `requires` or `public`, or is `authenticated`."""
    return isinstance(value, _Marker)


class Marker(Protocol):
    """A decorator for views and view classes; also what `Authorizer.declare` takes for views one does not own."""

    mark: Mark

    def __call__(self, target: Target, /) -> Target:
        """Mark a view function, a method or a `flask.views.View` class."""


class _Marker:
    def __init__(self, mark: Mark) -> None:
        self.mark = mark

    def __call__(self, *targets: Target) -> Target:
        if len(targets) != 1 or not callable(targets[0]):
            raise TypeError(f"{self!r} goes above a view as it is, without calling it")
        (target,) = targets
        if isinstance(target, type):
            return cast("Target", _marked_class(target, self.mark))
        if not inspect.isroutine(target):
            raise TypeError(f"{self.mark} marks functions and view classes, not {target!r}")
        return cast("Target", _marked(target, self.mark))

    def __repr__(self) -> str:
        return f"@{self.mark}"


def requires(
    *permissions: str,
    any_of: Sequence[str] = (),
    tenant: str | Unsaid | None = UNSAID,
    subject: str | None = None,
    resource: Callable[..., Any] | None = None,
) -> Marker:
    """Demand all of the permissions, or any one of `any_of`; marks that are stacked must all be met.

    `tenant` and `subject` name arguments of the address that must equal the subject's tenant and its id; `tenant=None`
    says that no tenant is asked for. `resource` is a function, async or not, that takes the arguments of the address
    by keyword and gives the resource, or `None` where there is none; it is called only for those who may.

    `TypeError` where nothing is named, `ValueError` where a name is not a permission: patterns belong in a policy.
    """
    names = tuple(any_of) or permissions
    if not names or (permissions and any_of) or isinstance(any_of, str):
        raise TypeError('requires takes permissions, such as requires("read:data"), or any_of=("a", "b")')
    for name in names:
        if callable(name):
            raise TypeError('requires needs to know which permission: @requires("read:data")')
        if not isinstance(name, str):
            raise TypeError(f"requires takes permissions by name, not {name!r}")
        if not is_permission(name):
            why = "patterns count in policies only" if "*" in name else "letters, digits and `_.-`, joined by `:`"
            raise ValueError(f"`{name}` is not a permission: {why}")
    return _Marker(Requires(permissions=names, any_of=bool(any_of), tenant=tenant, subject=subject, resource=resource))


def public(*targets: object, reason: str = "", identify: bool = False) -> Marker:
    """Ask nobody who they are: the token is not read. `reason` says why that is right.

    With `identify=True` a good token makes `current_subject`, a bad one is a 401, and none is nobody.
    """
    if targets or not reason.strip():
        raise TypeError('public needs the reason why nobody is asked: @public(reason="...")')
    return _Marker(Public(reason=reason, identify=identify))


authenticated: Final[Marker] = _Marker(Authenticated())
"""Demand a valid token and nothing else."""


def marks_of(function: Any) -> tuple[Mark, ...]:
    """The marks a function carries, outermost first; wrappers made with `functools.wraps` carry what they wrap."""
    return tuple(getattr(function, "__dict__", {}).get(_ATTRIBUTE, ()))


def marks_above(function: Any) -> tuple[Mark, ...]:
    """The marks put around a function that it does not carry itself."""
    carried = marks_of(function)
    return tuple(mark for mark in getattr(function, "__dict__", {}).get(_ABOVE, ()) if mark not in carried)


def class_marks(view_class: type) -> tuple[Mark, ...]:
    """The marks of a class and of all it inherits from."""
    return tuple(mark for one in view_class.__mro__ for mark in one.__dict__.get(_ATTRIBUTE, ()))


def _marked(function: Callable[..., Any], mark: Mark) -> Callable[..., Any]:
    wrapper = _wrapper(function, mark)
    wrapper.__dict__[_ATTRIBUTE] = (mark, *marks_of(function))
    wrapper.__dict__.pop(_ABOVE, None)
    inner: Any = function
    while inner is not None:
        with suppress(AttributeError):  # a built-in function cannot be noted on, nor is it ever marked twice
            inner.__dict__[_ABOVE] = (mark, *inner.__dict__.get(_ABOVE, ()))
        inner = getattr(inner, "__wrapped__", None)
    return wrapper


def armed(view: Callable[..., Any], marks: Sequence[Mark]) -> Callable[..., Any]:
    """A view one does not own as a tripwire for marks that it does not carry itself."""
    missing = [mark for mark in marks if mark not in marks_of(view)]
    for mark in reversed(missing):
        inner, view = view, _wrapper(view, mark)
        view.__dict__[_ATTRIBUTE] = (mark, *marks_of(inner))
        view.__dict__.pop(_ABOVE, None)
    return view


def _wrapper(function: Callable[..., Any], mark: Mark) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def awaiting(*args: Any, **kwargs: Any) -> Any:
            _expect(mark, function)
            return await function(*args, **kwargs)

        return awaiting

    @functools.wraps(function)
    def calling(*args: Any, **kwargs: Any) -> Any:
        _expect(mark, function)
        return function(*args, **kwargs)

    return calling


def _expect(mark: Mark, function: Callable[..., Any]) -> None:
    if isinstance(mark, Public):
        return
    if not has_request_context() or not state().has_enforced(mark):
        trip(mark, f"{getattr(function, '__module__', '')}.{name_of(function)}")


def name_of(function: Any) -> str:
    """What messages call a function; an object that can be called may have a name, and else has that of its class."""
    named = (getattr(function, "__qualname__", None), getattr(function, "__name__", None))
    return str(named[0] or named[1] or type(function).__qualname__)


def _marked_class(view_class: type, mark: Mark) -> type:
    """Mark a class: its methods, and those of all that inherit from it, become tripwires."""
    if not issubclass(view_class, View):
        raise TypeError(f"{mark} marks functions and subclasses of flask.views.View, not `{view_class.__qualname__}`")
    setattr(view_class, _ATTRIBUTE, (mark, *view_class.__dict__.get(_ATTRIBUTE, ())))
    _guard_methods(view_class, (mark,))
    inherited = view_class.__dict__.get("__init_subclass__")

    def init_subclass(cls: type[View], /, **kwargs: Any) -> None:
        if inherited is not None:
            inherited.__get__(None, cls)(**kwargs)
        else:
            super(view_class, cls).__init_subclass__(**kwargs)
        _guard_methods(cls, (mark,))

    view_class.__init_subclass__ = classmethod(init_subclass)  # type: ignore[assignment]
    return view_class


def _guard_methods(view_class: type[View], marks: tuple[Mark, ...]) -> None:
    """Put tripwires around what a class itself says a request runs, and around the dispatch it inherits."""
    for name in ("dispatch_request", *http_method_funcs):
        function = view_class.__dict__.get(name)
        if function is None and name == "dispatch_request":
            function = view_class.dispatch_request
        if inspect.isfunction(function):
            for mark in marks:
                function = _wrapper(function, mark)
            setattr(view_class, name, function)
