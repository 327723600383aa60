"""The roles that assignments give where it may not be known who asks."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from policy.assignments import Assigned
from policy.compile import Compiled
from policy.model import Assignment, Kind
from policy.subject import NONE, Subject

Names = frozenset[str]
Given = frozenset[tuple[str, str | None]]


class Asking(NamedTuple):
    """Whom assignments are looked up for; `None` is an id or a client that is not known, `""` no client at all.

    `groups` are those it certainly has, and `perhaps` those it may have too.
    """

    id: str | None
    kind: Kind
    client: str | None
    groups: Names
    perhaps: Names = NONE


class Giving:
    """The assignments of one issuer in one policy."""

    def __init__(self, rules: Compiled, issuer: str) -> None:
        self._all: Final = [each for each in rules.document.assignments if each.issuer == issuer]
        self._assigned: Final[Assigned] = rules.assigned[issuer]
        self._seen: dict[Asking, Given] = {}
        self.groups: Final[Names] = self._assigned.groups
        self.names_who: Final = any(each.subject is not None or each.client is not None for each in self._all)
        self.pairs: Final = frozenset((each[1:5], role) for each in self._all for role in each.roles)

    def least(self, asking: Asking) -> Given:
        """What is given in any case."""
        return self._assigned.find(asking.id or "", asking.kind, asking.client or None, asking.groups)[0]

    def most(self, asking: Asking) -> Given:
        """What may be given."""
        if asking.id is not None and asking.client is not None:
            groups = asking.groups | asking.perhaps
            return self._assigned.find(asking.id, asking.kind, asking.client or None, groups)[0]
        if asking not in self._seen:
            fitting = (each for each in self._all if _may_fit(each, asking))
            self._seen[asking] = frozenset((role, each.tenant) for each in fitting for role in each.roles)
        return self._seen[asking]


def _may_fit(given: Assignment, asking: Asking) -> bool:
    for_anybody = given.subject is None and given.group is None
    return (
        (given.subject is None or asking.id is None or _names(given.subject, asking.id))
        and (given.client is None or asking.client is None or given.client == asking.client)
        and (given.group is None or given.group in asking.groups or given.group in asking.perhaps)
        and not (for_anybody and asking.kind != "machine")
    )


def _names(pattern: str, id: str) -> bool:  # noqa: A002 - the word of the record
    return id.startswith(pattern[:-1]) and len(id) >= len(pattern) if pattern[-1:] == "*" else pattern == id


def holding(subject: Subject, given: Iterable[tuple[str, str | None]], id: str) -> Subject:  # noqa: A002
    """The subject, of this id, with these assigned roles."""
    pairs = frozenset(given)
    unbound = frozenset(role for role, tenant in pairs if tenant is None)
    bound = frozenset((role, tenant) for role, tenant in pairs if tenant is not None)
    return subject._replace(id=id, assigned=pairs, held=subject.roles | unbound, bound=subject.bound_roles | bound)
