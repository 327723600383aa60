"""From what an application gives as `audit=` to the sink that it means."""

import inspect
import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from policy.audit.log import AuditLog
from policy.audit.logger import LoggingSink
from policy.audit.sinks import AuditSink
from policy.audit.stdout import StdoutSink
from policy.errors import PolicyError

NAMED: Final[Mapping[str, Callable[[], AuditSink]]] = MappingProxyType({"stdout": StdoutSink, "logging": LoggingSink})
_CHOICES: Final = (
    'a folder, "stdout", "logging", an object with `write(line, *, refused=False)`, or None to keep nothing'
)


def sink(audit: str | os.PathLike[str] | AuditSink | None) -> AuditSink | None:
    """The sink that is meant: `"stdout"`, `"logging"`, any other text or path for a folder, or a sink itself.

    A folder that is called like a name is given as `"./stdout"` or as a path. `None` keeps nothing. `PolicyError` for
    anything else.
    """
    if audit is None:
        return None
    if isinstance(audit, str):
        return NAMED[audit]() if audit in NAMED else AuditLog(_folder(audit))
    if isinstance(audit, os.PathLike):
        return AuditLog(_folder(os.fspath(audit)))
    _check(audit)
    return audit


def _folder(path: Any) -> str:
    if not isinstance(path, str):
        raise PolicyError(f"audit={path!r} is not a path of text; give {_CHOICES}")
    if not path.strip() or "\0" in path:
        raise PolicyError(f"audit={path!r} names no folder; give {_CHOICES}")
    meant = path.strip().casefold()
    if meant in NAMED and path != meant:
        raise PolicyError(f'audit="{path}" is no name of a sink; did you mean "{meant}"? a folder would be "./{path}"')
    return path


def _check(audit: Any) -> None:
    """What has no suitable `write` would fail at the first request."""
    name = audit.__name__ if isinstance(audit, type) else type(audit).__name__
    if isinstance(audit, type):
        raise PolicyError(f"audit={name} is a class; give an object of it, such as audit={name}(...)")
    if not callable(getattr(audit, "write", None)):
        raise PolicyError(f"audit= is of type `{name}`, which has no `write`; give {_CHOICES}")
    if not _takes_refused(audit.write):
        raise PolicyError(f"audit= is of type `{name}`, whose `write` takes no `refused=`; give {_CHOICES}")


def _takes_refused(write: Callable[..., object]) -> bool:
    try:
        inspect.signature(write).bind("", refused=False)
    except TypeError:
        return False
    except ValueError:  # it does not tell
        return True
    return True
