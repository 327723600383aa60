"""What a replay found, summed up."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from policy.review.bounds import LOGIN
from policy.review.judging import COMBINATION, Disagreement, Judgement, Record
from policy.review.rereading import ASSERTS, CUT, GROUPS, READING, TREATED

EXAMPLES: Final = 3
Way = Literal["gained", "lost"]
#: What is meant: the outcome of a record where the permission is empty, else one permission of it.
Key = tuple[str, Way]

WHY: Final[Mapping[str, str]] = {
    LOGIN: "the new policy asks about the login, and nothing of it was recorded",
    GROUPS: "the new policy gives roles to groups that were not recorded",
    ASSERTS: "the new policy lets the issuer say more, and not all that it said was recorded",
    CUT: "the new policy knows names for which the record had no room",
    TREATED: "the new policy gives roles to subjects or clients, and who asked was not recorded as it was",
    READING: "the new policy reads the issuer's claims in another way",
    COMBINATION: "whether all or any one of the permissions were asked for was not recorded",
}


class Example(NamedTuple):
    """A record by its id, and its subject; that is empty where the record does not tell."""

    record: str
    subject: str


@dataclass(slots=True)
class Change:
    """How many records change in one way, for how many subjects, and some of them, each of another subject."""

    records: int = 0
    seen: set[int] = field(default_factory=set)
    examples: list[Example] = field(default_factory=list)

    def see(self, issuer: str, subject: str | None, record: str) -> None:
        """One of the records is this subject's; `None` where subjects can't be told apart."""
        if subject is not None:
            self.seen.add(hash((issuer, subject)))
        found: dict[str, Example] = {}
        for each in sorted((*self.examples, Example(record, subject or ""))):
            found.setdefault(each.subject or each.record, each)
        self.examples = list(found.values())[:EXAMPLES]

    def as_dict(self) -> dict[str, Any]:
        """The change as JSON values."""
        examples = [{"record": each.record, "subject": each.subject or None} for each in self.examples]
        return {"records": self.records, "subjects": len(self.seen), "examples": examples}


@dataclass(slots=True)
class Sum:
    """How many records are of one kind, and the smallest id of them."""

    records: int = 0
    example: str = ""

    def add(self, records: int, example: str) -> None:
        """So many more."""
        self.records += records
        self.example = min(self.example, example) if self.example and example else self.example or example

    def as_dict(self) -> dict[str, Any]:
        """The sum as JSON values."""
        return {"records": self.records, "example": self.example}


@dataclass(slots=True)
class Report:
    """What a replay found.

    `records` hold a decision; of these `proved` came out again as they are recorded, `disagreeing` did not, and the
    policies of the `unproved` were not found. `changed` are proved ones of which any answer changes for certain,
    `undetermined` those of which any answer cannot be told. `changes` are by permission, with the outcome under the
    empty text. `skipped` counts lines that hold no decision.
    """

    digest: str
    records: int = 0
    proved: int = 0
    changed: int = 0
    undetermined: int = 0
    disagreements: int = 0
    disagreeing: dict[Disagreement, Sum] = field(default_factory=dict)
    unproved: dict[str, Sum] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    changes: dict[Key, Change] = field(default_factory=dict)
    roles: dict[str, Counter[Way]] = field(default_factory=dict)
    routes: dict[str, Counter[Way]] = field(default_factory=dict)
    causes: dict[str, Sum] = field(default_factory=dict)
    open_permissions: Counter[str] = field(default_factory=Counter)
    notes: tuple[str, ...] = ()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing changes and everything that could be proved was."""
        return not (self.changed or self.disagreeing)

    @property
    def is_complete(self) -> bool:
        """Whether every record was proved, and is known to change or not."""
        missing = any(self.skipped[word] for word in (UNREADABLE, OLDER, LOST))
        return not (self.unproved or self.undetermined or missing)

    def add(self, record: Record, judgement: Judgement, count: int, example: str) -> None:
        """So many records come out so."""
        for key in keys(judgement):
            self.changes.setdefault(key, Change()).records += count
        self.changed += count if judgement.changed else 0
        way = way_of(judgement.allowed, judgement.now.allowed)
        if way:
            self._place(record, way, count)
        self._leave_open(judgement, count, example)

    def give_up(self, word: str) -> None:
        """What was taken for a record and is neither proved nor anything else is a line of this kind."""
        told = self.proved + self.disagreements + sum(each.records for each in self.unproved.values())
        self.skipped[word] += self.records - told
        self.records = told

    def _place(self, record: Record, way: Way, count: int) -> None:
        given = record["subject"]
        names = {*given["roles"], *(each[0] for each in (*given["bound_roles"], *given["assigned"]))}
        for role in names:
            self.roles.setdefault(role, Counter())[way] += count
        self.routes.setdefault(f"{record['method']} {record['route']}".strip(), Counter())[way] += count

    def _leave_open(self, judgement: Judgement, count: int, example: str) -> None:
        answers = [judgement.now, *(each.now for each in judgement.verdicts)]
        self.undetermined += count if any(each.allowed is None for each in answers) else 0
        for cause in {cause for each in answers for cause in each.causes if each.allowed is None}:
            self.causes.setdefault(cause, Sum()).add(count, example)
        for verdict in judgement.verdicts:
            self.open_permissions[verdict.permission] += count if verdict.now.allowed is None else 0

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        names = sorted({name for name, _ in self.changes if name})
        return {
            "policy": self.digest,
            "records": self.records,
            "proved": self.proved,
            "changed": self.changed,
            "undetermined": self.undetermined,
            "outcome": self._both(""),
            "permissions": {name: self._both(name) for name in names},
            "roles": {name: _counts(self.roles[name]) for name in sorted(self.roles)},
            "routes": {name: _counts(self.routes[name]) for name in sorted(self.routes)},
            "causes": {name: self.causes[name].as_dict() for name in sorted(self.causes)},
            "undetermined_permissions": {name: count for name, count in sorted(self.open_permissions.items()) if count},
            "disagreements": self.disagreements,
            "disagreeing": [
                {**each._asdict(), **self.disagreeing[each].as_dict()} for each in sorted(self.disagreeing)
            ],
            "unproved": {digest: self.unproved[digest].as_dict() for digest in sorted(self.unproved)},
            "skipped": {word: count for word, count in sorted(self.skipped.items()) if count},
            "notes": list(self.notes),
        }

    def _both(self, name: str) -> dict[str, Any]:
        return {way: self.changes.get((name, way), Change()).as_dict() for way in WAYS}


WAYS: Final[tuple[Way, Way]] = ("gained", "lost")
#: Lines without a decision to replay.
UNREADABLE, OLDER, UNDECIDED_LINES, CHAIN_LINES = "unreadable", "of version 1", "without a decision", "of the chain"
LOST: Final = "that tell of lost records"


def way_of(before: bool, after: bool | None) -> Way | None:
    """Which way an answer changes; `None` where it does not, or not for certain."""
    return None if after is None or after is before else "gained" if after else "lost"


def keys(judgement: Judgement) -> Iterator[Key]:
    """All that changes."""
    if way := way_of(judgement.allowed, judgement.now.allowed):
        yield "", way
    for verdict in judgement.verdicts:
        if way := way_of(verdict.allowed, verdict.now.allowed):
            yield verdict.permission, way


def _counts(counted: Counter[Way]) -> dict[str, int]:
    return {way: counted[way] for way in WAYS}
