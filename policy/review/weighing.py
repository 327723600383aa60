"""What comes of the inputs of records, as texts: the policies that decided them, the proof, and the judgement."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from policy.engine import Policy
from policy.model import Issuer
from policy.review.ages import Ages
from policy.review.columns import LOGIN
from policy.review.judging import Decided, Disagreement, Judge, Judgement, Record, decided, disagreements
from policy.review.recorded import Finder
from policy.review.tally import Key, keys

#: What is written in place of an id that tells subjects apart no more.
_ALIKE: Final = frozenset({"masked", "dropped"})


class Label(NamedTuple):
    """What the subjects of some changed records are counted for."""

    keys: tuple[Key, ...]
    issuer: str
    alike: bool


class Weighed(NamedTuple):
    """What comes of some inputs. Without a judgement they are not proved, or it has to be known who asked and when."""

    record: Record
    judge: Judge | None = None
    wrong: tuple[Disagreement, ...] = ()
    judgement: Judgement | None = None

    @property
    def needs_who(self) -> bool:
        """Whether it matters who asked."""
        return self.judge is not None and self.record["subject"]["issuer"] in self.judge.needs_who

    @property
    def label(self) -> Label | None:
        """For what its subjects are counted; `None` where nothing changes."""
        if self.judgement is None or not self.judgement.changed:
            return None
        treated = self.record.get("treated", {}).get("subject.id")
        return Label(tuple(keys(self.judgement)), self.record["subject"]["issuer"], treated in _ALIKE)


class Weigher:
    """Weighs inputs with one new policy. `apart` tells what stands in lines of which it matters who asked, or when."""

    def __init__(self, new: Policy, finder: Finder) -> None:
        self._new, self._finder = new, finder
        self._judges: dict[str, Judge] = {}
        self.apart: set[str] = set()

    def weigh(self, inputs: str) -> Weighed | None:
        """What comes of inputs without the moment of a login; `None` where they are none.

        There is no judgement where it matters who asked, or when.
        """
        given = _given(inputs)
        judge = self._judge_of(given.record) if given is not None else None
        if given is None or judge is None:
            return None if given is None else Weighed(given.record)
        if _is_apart(given, judge):
            self.apart.add(_apart_by(given, judge))
            return Weighed(given.record, judge)
        return _weighed(given, judge)

    def weigh_apart(self, ages: Ages, inputs: str | None, who: str | None, kind: str | None) -> Weighed | None:
        """What comes of inputs of which it matters who asked, or when; `None` for all others."""
        age = None if kind is None else ages.one_of(kind)
        if inputs is None or (age is None and inputs.endswith(LOGIN)):
            return None
        given = _given(inputs, who, age)
        judge = self._judge_of(given.record) if given is not None else None
        if given is None or judge is None or not _is_apart(given, judge):
            return None
        return _weighed(given, judge)

    def ages(self) -> Ages:
        """The ages of logins that any of the policies tells apart."""
        return Ages([self._new, *(judge.old for judge in self._judges.values())])

    def notes(self) -> tuple[str, ...]:
        """What else differs, of which a log of decisions tells nothing."""
        return tuple(_notes(self._judges.values()))

    def _judge_of(self, record: Record) -> Judge | None:
        digest = record["policy"]
        if digest not in self._judges and (old := self._finder.find(digest)) is not None:
            self._judges[digest] = Judge(old, self._new)
        return self._judges.get(digest)


def _weighed(given: Decided, judge: Judge) -> Weighed:
    wrong = tuple(disagreements(judge.old, given))
    return Weighed(given.record, judge, wrong, None if wrong else judge.judge(given))


def _is_apart(given: Decided, judge: Judge) -> bool:
    """Whether it matters who asked, or when."""
    return given.subject.auth_time is not None or given.subject.issuer in judge.needs_who


def _given(inputs: str | None, who: str | None = None, age: float | None = None) -> Decided | None:
    """The record of these inputs, with a login so many seconds ago if they tell of one."""
    whole = inputs or ""
    return decided(f"{whole}0" if whole.endswith(LOGIN) else whole, who, None if age is None else repr(age))


def _apart_by(given: Decided, judge: Judge) -> str:
    """What stands in the lines of such records."""
    if given.subject.issuer in judge.needs_who:
        return f'"subject":{{"issuer":{json.dumps(given.subject.issuer)},'
    return LOGIN


def id_in(who: str | None) -> str | None:
    """The subject's id at the end of a record."""
    try:
        found = json.loads("{" + (who or "")[:-1]).get("id")
    except ValueError:
        return None
    return found if isinstance(found, str) else None


#: What decides whether a token is accepted, and nothing that its subject may do.
_ACCEPTANCE: Final = (
    "audience", "audience_claim", "algorithms", "keys", "types", "required", "rejected", "in_name", "proof",
)  # fmt: skip


def _notes(judges: Iterable[Judge]) -> Iterator[str]:
    """What else differs, of which a log of decisions tells nothing."""
    found: dict[str, None] = {}
    for judge in judges:
        for name in sorted(judge.old.document.issuers.keys() & judge.new.document.issuers.keys()):
            old, new = judge.old.document.issuers[name], judge.new.document.issuers[name]
            if _accepting(old) != _accepting(new):
                found[f"issuer `{name}` has its tokens accepted by other rules, which is not looked at here"] = None
    yield from found


def _accepting(issuer: Issuer) -> tuple[object, ...]:
    """What an issuer's tokens are accepted by; a file of keys is the same wherever the policy lies."""
    keys = issuer.keys
    named = {name: path.rpartition("/")[2] for name in ("jwks_file", "file") if (path := getattr(keys, name))}
    return (*(getattr(issuer, each) for each in _ACCEPTANCE if each != "keys"), replace(keys, **named))
