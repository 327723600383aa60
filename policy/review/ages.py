"""How old a login was, as far as policies tell one age from another, so that records of like ages are one group."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from policy.compile import Compiled
from policy.review.columns import Column, age

#: A login of a subject without an issuer may lie so many seconds in the future.
_LEEWAY: Final = 30


class Ages:
    """The ages, in seconds, from which on or up to which these policies decide otherwise.

    A kind of age is written as one digit for each of them: whether an age reaches it, or does not pass it.
    """

    def __init__(self, policies: Iterable[Compiled]) -> None:
        least, most = {-_LEEWAY}, set[int]()
        for rules in policies:
            least.update(-leeway for leeway in rules.leeways.values())
            asked = (permission.step_up for permission in rules.document.permissions.values())
            most.update(each.max_age for each in asked if each is not None and each.max_age is not None)
        self._least: Final = sorted(least)
        self._most: Final = sorted(most)

    @property
    def column(self) -> Column:
        """The kind of age of each line that tells of a login; `None` in others."""
        digits = [f"case when age >= {each} then '1' else '0' end" for each in self._least]
        digits += [f"case when age <= {each} then '1' else '0' end" for each in self._most]
        sql = f"case when age is not null then {' || '.join(digits)} end"
        return Column("age", sql, self._read)

    def _read(self, line: bytes) -> bytes | None:
        seconds = age(line)
        return None if seconds is None else self.kind(seconds).encode()

    def kind(self, seconds: float) -> str:
        """What kind of age this is."""
        digits = [*(seconds >= each for each in self._least), *(seconds <= each for each in self._most)]
        return "".join(str(int(each)) for each in digits)

    def one_of(self, kind: str) -> float | None:
        """An age of this kind; `None` where there is none."""
        edges = sorted({*self._least, *self._most})
        between = [(one + other) / 2 for one, other in pairwise(edges)]
        ages = (*edges, *between, edges[0] - 1.0, edges[-1] + 1.0)
        return next((float(each) for each in ages if self.kind(each) == kind), None)
