"""Problems as they are found: a place in a source and a message; and how they become the problems that are raised."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from policy.document.positions import lines
from policy.document.wording import JsonPath, path_text, quoted, without_surrogates
from policy.errors import Problem
from policy.nearest import nearest

HINTS_AT_MOST: Final = 20


class Place(NamedTuple):
    """A value or member of a source, by the source's number and the path in it."""

    source: int
    path: JsonPath = ()

    def to(self, *steps: str | int) -> "Place":
        """A place below this one."""
        return Place(self.source, self.path + steps)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    `near` is the name that was written and `among` those that may have been meant. A message that tells of a second
    place ends where that place is to be named, and `other` is it. `line` is given where it is known already.
    """

    place: Place
    message: str
    line: int | None = None
    near: str = ""
    among: Collection[str] = ()
    other: Place | None = None


class Findings:
    """A growing list of findings."""

    def __init__(self) -> None:
        self.found: Final[list[Finding]] = []
        self._spoilt: Final[set[Place]] = set()

    def add(
        self,
        place: Place,
        message: str,
        line: int | None = None,
        *,
        near: str = "",
        among: Collection[str] = (),
        other: Place | None = None,
    ) -> None:
        """Note one thing that is wrong."""
        if place not in self._spoilt:
            self.found.append(Finding(place, message, line, near, among, other))

    def spoil(self, place: Place, message: str, line: int) -> None:
        """Note what is so wrong at a place that nothing else is worth saying about it.

        From here on the place is known by its path without lone surrogates.
        """
        self.add(place, message, line)
        path = (without_surrogates(step) if isinstance(step, str) else step for step in place.path)
        self._spoilt.add(Place(place.source, tuple(path)))

    def problems(self, names: Sequence[str], texts: Sequence[bytes]) -> tuple[Problem, ...]:
        """Everything found, with lines, in document order; equal causes once with a count; the first with hints."""
        known = _lines(self.found, texts)
        line = {id(each): known[each.place] if each.line is None else each.line for each in self.found}
        groups: dict[tuple[int, JsonPath, str], list[Finding]] = {}
        for each in sorted(self.found, key=lambda each: (each.place.source, line[id(each)])):
            cause = (each.place.source, _kind_of(each.place.path), _message(each, names, known))
            groups.setdefault(cause, []).append(each)
        hints = _hints(group[0] for group in groups.values())
        return tuple(
            Problem(
                file=names[source],
                line=line[id(group[0])],
                path=path_text(group[0].place.path),
                message=message,
                hint=hints.get(id(group[0]), ""),
                count=len(group),
            )
            for (source, _, message), group in groups.items()
        )


def _lines(found: Iterable[Finding], texts: Sequence[bytes]) -> Mapping[Place, int]:
    wanted: dict[int, set[JsonPath]] = {}
    for each in found:
        if each.line is None:
            wanted.setdefault(each.place.source, set()).add(each.place.path)
        if each.other is not None:
            wanted.setdefault(each.other.source, set()).add(each.other.path)
    return {
        Place(source, path): line
        for source, paths in wanted.items()
        for path, line in lines(texts[source].decode(), paths).items()
    }


def _kind_of(path: JsonPath) -> JsonPath:
    """The path with `*` for names and indexes, so that the same mistake in another place has the same one."""
    return tuple("*" if index == 1 or isinstance(step, int) else step for index, step in enumerate(path))


def _message(finding: Finding, names: Sequence[str], known: Mapping[Place, int]) -> str:
    if finding.other is None:
        return finding.message
    return f"{finding.message} {names[finding.other.source]}, line {known[finding.other]}"


def _hints(found: Iterable[Finding]) -> dict[int, str]:
    hints: dict[int, str] = {}
    asked = 0
    for each in found:
        if asked == HINTS_AT_MOST:
            break
        if each.among:
            asked += 1
            name = nearest(each.near, each.among)
            hints.update({id(each): f"did you mean {quoted(name)}?"} if name else {})
    return hints
