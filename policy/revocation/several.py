"""Several places that know what is revoked, asked one after the other."""

from collections.abc import Sequence

from policy.errors import Problem
from policy.revoked import Facts
from policy.tokens.revoked import Revocations, problems_of


class Several:
    """A token is revoked where any of them says so; it is good only if all of them can be asked."""

    def __init__(self, places: Sequence[Revocations]) -> None:
        self._places = tuple(places)

    @property
    def problems(self) -> Sequence[Problem]:
        """Those of all of them."""
        return [problem for place in self._places for problem in problems_of(place)]

    def find(self, facts: Facts) -> str | None:
        """The first reason that is given."""
        for place in self._places:
            why = place.find(facts)
            if why is not None:
                return why
        return None
