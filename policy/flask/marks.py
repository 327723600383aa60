"""Marks: they say what a view demands and decide nothing. A marked function is a tripwire until a hook enforced it."""

import functools
import inspect
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeVar, cast

from flask import has_request_context
from flask.views import View

from policy.demand import UNSAID, Authenticated, Mark, Public, Requires, Unsaid
from policy.flask.current import state
from policy.flask.tripwire import trip
from policy.permissions import is_permission

Target = TypeVar("Target", bound=Callable[..., Any])

_ATTRIBUTE: Final = "__policy_marks__"
#: Every tripwire made in this process, so that a mark left above a route can be told at the seal.
made: Final[weakref.WeakSet[Callable[..., Any]]] = weakref.WeakSet()


class Marker(Protocol):
    """A decorator for views and view classes; also what `Authorizer.declare` takes for views one does not own."""

    mark: Mark

    def __call__(self, target: Target, /) -> Target:
        """Mark a view function, a method or a `flask.views.View` class."""


class _Marker:
    def __init__(self, mark: Mark) -> None:
        self.mark = mark

    def __call__(self, target: Target, /) -> Target:
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
        if not isinstance(name, str):
            raise TypeError(f"requires takes permissions by name, not {name!r}")
        if not is_permission(name):
            raise ValueError(f"`{name}` is not a permission: segments of letters, digits, `_`, `.`, `-`, joined by `:`")
    return _Marker(Requires(permissions=names, any_of=bool(any_of), tenant=tenant, subject=subject, resource=resource))


def public(*, reason: str, identify: bool = False) -> Marker:
    """Ask nobody who they are: the token is not read. `reason` says why that is right.

    With `identify=True` a good token makes `current_subject`, a bad one is a 401, and none is nobody.
    """
    if not reason.strip():
        raise ValueError("public takes the reason why nobody is asked")
    return _Marker(Public(reason=reason, identify=identify))


authenticated: Final[Marker] = _Marker(Authenticated())
"""Demand a valid token and nothing else."""


def marks_of(function: Any) -> tuple[Mark, ...]:
    """The marks a function carries, outermost first; wrappers made with `functools.wraps` carry what they wrap."""
    return tuple(getattr(function, "__dict__", {}).get(_ATTRIBUTE, ()))


def class_marks(view_class: type) -> tuple[Mark, ...]:
    """The marks of a class and of all it inherits from."""
    return tuple(mark for one in view_class.__mro__ for mark in one.__dict__.get(_ATTRIBUTE, ()))


def _marked(function: Callable[..., Any], mark: Mark) -> Callable[..., Any]:
    wrapper = _wrapper(function, mark)
    wrapper.__dict__[_ATTRIBUTE] = (mark, *marks_of(function))
    made.add(wrapper)
    return wrapper


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
    if not has_request_context() or mark not in state().enforced:
        trip(mark, f"{function.__module__}.{function.__qualname__}")


def _marked_class(view_class: type, mark: Mark) -> type:
    """Mark a class: its `as_view`, which subclasses inherit, makes tripwires."""
    if not issubclass(view_class, View):
        raise TypeError(f"{mark} marks functions and subclasses of flask.views.View, not `{view_class.__qualname__}`")
    first = _ATTRIBUTE not in view_class.__dict__
    setattr(view_class, _ATTRIBUTE, (mark, *view_class.__dict__.get(_ATTRIBUTE, ())))
    if first:
        inherited = view_class.as_view.__func__  # type: ignore[attr-defined]

        def as_view(cls: type[View], name: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
            view: Callable[..., Any] = inherited(cls, name, *args, **kwargs)
            missing = [one for one in class_marks(cls) if one not in marks_of(view)]
            return functools.reduce(_marked, reversed(missing), view)

        view_class.as_view = classmethod(as_view)  # type: ignore[assignment, method-assign]
    return view_class
