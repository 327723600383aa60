"""A whole log replayed: what is reported is what comes of deciding record by record."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from policy.audit import AuditLog
from policy.demand import Requires
from policy.engine import Policy
from policy.guard import Guard
from policy.reasons import Reason
from policy.reload.kept import Kept
from policy.reload.snapshot import take
from policy.review.columns import COLUMNS, text
from policy.review.grouping import engine
from policy.review.judging import Judge, decided, disagreements
from policy.review.recorded import Beside, Finder, Given
from policy.review.replay import Window, replay
from policy.review.tally import Example
from policy.tokens import TokenVerifier
from tests.review.lines import BEGAN, head, line, refused, write
from tests.review.lines import decided as made_up
from tests.review.worlds import NOW, TENANTS, freedom, marks, recorded, rules, token

OLD_LINE = b'{"v":1,"kind":"request","id":"0f","time":"2026-01-01T00:00:00.000000Z"}'


def asked_of(policies: list[Policy], chance: random.Random, many: int) -> Iterator[dict[str, Any]]:
    """Records of these policies, most of them alike, of a few people."""
    tokens = [token(chance) for _ in range(6)]
    demands = [marks(chance) for _ in range(4)]
    for number in range(many):
        by, claims, asked = chance.choice(policies), chance.choice(tokens), chance.choice(demands)
        narrowed = chance.choice((None, None, None, Reason.SUBJECT_MISMATCH))
        now, tenant = NOW + chance.choice((0, 100, 250)), chance.choice((None, None, *TENANTS))
        made = recorded(by, claims, asked, tenant, now, number=number, narrowed=narrowed, masked=chance.random() < 0.2)
        if made is not None:
            changed = made.replace('"allowed":true', '"allowed":false', 1) if chance.random() < 0.1 else made
            yield json.loads(changed)


class Naive:
    """The report, made by deciding record by record, with everything held in memory."""

    def __init__(self, finder: Finder, new: Policy) -> None:
        self.finder, self.new = finder, new
        self.sums: Counter[str] = Counter()
        self.changes: dict[tuple[str, str], list[tuple[str, str, str | None]]] = defaultdict(list)
        self.roles: dict[str, Counter[str]] = defaultdict(Counter)
        self.routes: dict[str, Counter[str]] = defaultdict(Counter)
        self.causes: dict[str, list[str]] = defaultdict(list)
        self.opened: Counter[str] = Counter()
        self.disagreeing: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        self.unproved: dict[str, list[str]] = defaultdict(list)

    def take(self, record: dict[str, Any]) -> None:
        inputs, who = (text(COLUMNS[name].read(line(record))) for name in ("inputs", "who"))
        given = decided(inputs or "", who, repr(record["now"]))
        assert given is not None
        self.sums["records"] += 1
        old = self.finder.find(record["policy"])
        if old is None:
            self.unproved[record["policy"]].append(record["id"])
        elif found := list(disagreements(old, given)):
            self.sums["disagreements"] += 1
            for each in found:
                self.disagreeing[each].append(record["id"])
        else:
            self.sums["proved"] += 1
            self.judge(record, Judge(old, self.new).judge(given))

    def judge(self, record: dict[str, Any], found: Any) -> None:
        subject = record["subject"]
        whole = [
            ("", found.allowed, found.now),
            *((each.permission, each.allowed, each.now) for each in found.verdicts),
        ]
        changes = [(name, "gained" if now.allowed else "lost") for name, was, now in whole if now.allowed is (not was)]
        for key in changes:
            masked = record.get("treated", {}).get("subject.id") == "masked"
            self.changes[key].append((record["id"], subject["id"], None if masked else subject["issuer"]))
        self.sums["changed"] += bool(changes)
        for name, way in changes:
            if not name:
                for role in {*subject["roles"], *(pair[0] for pair in subject["bound_roles"] + subject["assigned"])}:
                    self.roles[role][way] += 1
                self.routes[f"{record['method']} {record['route']}"][way] += 1
        unknown = [(name, now) for name, _, now in whole if now.allowed is None]
        self.sums["undetermined"] += bool(unknown)
        for cause in {cause for _, now in unknown for cause in now.causes}:
            self.causes[cause].append(record["id"])
        self.opened.update(name for name, _ in unknown if name)

    def change(self, name: str, way: str) -> dict[str, Any]:
        found = self.changes.get((name, way), [])
        people = {(issuer, subject) for _, subject, issuer in found if issuer is not None}
        return {"records": len(found), "subjects": len(people)}

    def report(self) -> dict[str, Any]:
        ways = ("gained", "lost")
        return {
            "policy": self.new.digest,
            **{name: self.sums[name] for name in ("records", "proved", "changed", "undetermined", "disagreements")},
            "outcome": {way: self.change("", way) for way in ways},
            "permissions": {
                name: {way: self.change(name, way) for way in ways}
                for name in {name for name, _ in self.changes if name}
            },
            "roles": {name: {way: counted[way] for way in ways} for name, counted in self.roles.items()},
            "routes": {name: {way: counted[way] for way in ways} for name, counted in self.routes.items()},
            "causes": {name: summed(ids) for name, ids in self.causes.items()},
            "undetermined_permissions": dict(self.opened),
            "disagreeing": [
                {"permission": each[0], "recorded": each[1], "derived": each[2], **summed(ids)}
                for each, ids in sorted(self.disagreeing.items())
            ],
            "unproved": {digest: summed(ids) for digest, ids in self.unproved.items()},
        }  # fmt: skip


def summed(ids: list[str]) -> dict[str, Any]:
    return {"records": len(ids), "example": min(ids)}


def without_examples(report: dict[str, Any]) -> dict[str, Any]:
    """Only the examples of changes are left out: those are looked at by another test."""
    ways = [report["outcome"], *report["permissions"].values()]
    for change in (each[way] for each in ways for way in ("gained", "lost")):
        del change["examples"]
    return {name: value for name, value in report.items() if name not in ("skipped", "notes")}


def world(folder: Path, seed: int) -> tuple[list[Path], Policy, Finder, list[dict[str, Any]]]:
    """A log in two files, one of them compressed, of two policies that are at hand and one that is not."""
    chance = random.Random(seed)
    free, fixed = freedom(chance), chance.random()
    lost, new, *old = (rules(chance, fixed, free) for _ in range(4))
    made = list(asked_of([*old * 5, lost], chance, 150))
    half = len(made) // 2
    files = [write(folder / "decisions-1.jsonl", made[:half]), write(folder / "decisions-2.jsonl.gz", made[half:])]
    return files, new, Finder([Given(old)]), made


@pytest.mark.parametrize(("name", "seeds"), [("plain", range(40)), ("duckdb", range(40, 48))])
def test_a_report_is_what_comes_of_deciding_record_by_record(name: str, seeds: Iterable[int], tmp_path: Path) -> None:
    """Whatever was reduced on the way there, and however often the log was read."""
    seen: Counter[str] = Counter()
    for seed in seeds:
        files, new, finder, made = world(tmp_path / str(seed), seed)
        naive = Naive(finder, new)
        for record in made:
            naive.take(record)
        wanted = naive.report()
        assert without_examples(replay(files, new, finder, engine(name)).as_dict()) == wanted, seed
        seen.update({key: bool(value) for key, value in wanted.items()})
    assert min(seen.values()) > 0


def test_engines_report_the_same(tmp_path: Path) -> None:
    """With the examples."""
    for seed in range(48, 52):
        files, new, finder, _ = world(tmp_path / str(seed), seed)
        one, other = (replay(files, new, finder, engine(name)).as_dict() for name in ("plain", "duckdb"))
        assert one == other


VIEWER = {"permissions": {"read:data": ""}, "roles": {"viewer": {"grants": ["read:data"]}}}
ISSUER = {
    "profile": "plain", "audience": "api", "algorithms": ["HS256"], "keys": {"env": "SECRET"},
    "authority": {"user": "roles"},
}  # fmt: skip


def policy_at(path: Path, **sections: Any) -> Policy:
    path.write_text(json.dumps({**VIEWER, "issuers": {"https://idp.example": ISSUER}, **sections}))
    return Policy.load(path)


@pytest.fixture
def policies(tmp_path: Path) -> tuple[Policy, Policy]:
    """One that lets viewers read, and one that does not."""
    nothing = {"permissions": {"read:data": ""}, "roles": {"viewer": {}}}
    return policy_at(tmp_path / "old.json"), policy_at(tmp_path / "new.json", **nothing)


def viewed(number: int, old: Policy, who: str, **others: Any) -> dict[str, Any]:
    return made_up(number, digest=old.digest, id=who, subject={"roles": ["viewer"]}, **others)


def test_examples_are_the_records_with_the_smallest_ids(tmp_path: Path, policies: tuple[Policy, Policy]) -> None:
    """Of other subjects each; subjects are counted over all records."""
    old, new = policies
    made = [viewed(number, old, f"user{number % 7}") for number in reversed(range(100))]
    report = replay([write(tmp_path / "decisions.jsonl", made)], new, Finder([Given([old])]), engine("plain"))
    change = {
        "records": 100,
        "subjects": 7,
        "examples": [{"record": f"{number:032x}", "subject": f"user{number}"} for number in range(3)],
    }
    assert report.as_dict()["permissions"] == {
        "read:data": {"gained": {"records": 0, "subjects": 0, "examples": []}, "lost": change}
    }


def test_lines_that_hold_no_decision_are_counted_by_what_they_are(
    tmp_path: Path, policies: tuple[Policy, Policy]
) -> None:
    """Of the chain, refused, of an older version, torn; and what is no record at all."""
    old, new = policies
    whole = line(viewed(1, old, "alice"))
    torn = b"\n".join((OLD_LINE, b"hello", b'{"v":2,"kind":"new"}', whole[:-3], whole[:200]))
    file = write(tmp_path / "decisions.jsonl", [refused(2), viewed(3, old, "bob"), head("lost", 4, BEGAN)], torn=torn)
    report = replay([file], new, Finder([Given([old])]), engine("plain"))
    assert (report.records, report.proved, report.changed, dict(report.skipped)) == (
        1, 1, 1, {"of the chain": 1, "without a decision": 1, "of version 1": 1, "unreadable": 4,
                  "that tell of lost records": 1},
    )  # fmt: skip
    assert not report.is_complete


def test_only_records_of_the_window_count(tmp_path: Path, policies: tuple[Policy, Policy]) -> None:
    """From a time on, and before another."""
    old, new = policies
    made = [viewed(number, old, "alice", now=BEGAN + number * 3600) for number in range(48)]
    file = write(tmp_path / "decisions.jsonl", made)
    window = Window("2026-11-28T06", "2026-11-29")
    report = replay([file], new, Finder([Given([old])]), engine("plain"), window=window)
    assert report.changes["", "lost"].records == report.records == 18


def test_what_a_guard_wrote_is_proved_by_what_is_kept_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policies: tuple[Policy, Policy]
) -> None:
    """A log of a real guard, found again with nothing but its folder."""
    monkeypatch.setenv("SECRET", "secret " * 10)
    old, new = policies
    Kept(tmp_path / "audit" / "policies").keep(take(tmp_path / "old.json"), old.digest)
    log = AuditLog(tmp_path / "audit")
    guard = Guard(old, TokenVerifier(old), log)
    for role in ("viewer", "viewer", "stranger"):
        subject = old.subject("https://idp.example", {"sub": role, "roles": [role]})
        guard.admit(subject, [Requires(permissions=("read:data",))])
    log.close()
    files = sorted((tmp_path / "audit").glob("decisions*"))
    report = replay(files, new, Finder([Beside(tmp_path / "audit")]), engine("plain"))
    assert (report.records, report.proved, report.changed, report.disagreements) == (3, 3, 2, 0)


def test_an_issuer_that_takes_other_tokens_is_told(tmp_path: Path) -> None:
    """A log of decisions does not show which tokens another policy would refuse."""
    old = policy_at(tmp_path / "old.json")
    new = policy_at(tmp_path / "new.json", issuers={"https://idp.example": {**ISSUER, "audience": "other"}})
    file = write(tmp_path / "decisions.jsonl", [viewed(1, old, "alice")])
    report = replay([file], new, Finder([Given([old])]), engine("plain"))
    assert report.is_quiet
    assert report.notes == (
        "issuer `https://idp.example` has its tokens accepted by other rules, which is not looked at here",
    )


def test_a_login_that_is_no_moment_is_unreadable(tmp_path: Path, policies: tuple[Policy, Policy]) -> None:
    """It is found when ages are looked at, and then it is no record."""
    old, new = policies
    broken = line(viewed(1, old, "alice")).replace(b',"client"', b',"auth_time":"x","client"')
    file = write(tmp_path / "decisions.jsonl", [viewed(2, old, "bob")], torn=broken + b"\n")
    for name in ("plain", "duckdb"):
        report = replay([file], new, Finder([Given([old])]), engine(name)).as_dict()
        assert (report["records"], report["proved"], report["skipped"]) == (1, 1, {"of the chain": 1, "unreadable": 1})


def test_a_login_that_grew_too_old_counts_only_for_who_came_too_late(tmp_path: Path) -> None:
    """Records that are alike but for their moment may come out in two ways."""
    asked = {"step_up": {"max_age": 300}}
    old = policy_at(tmp_path / "old.json", permissions={"read:data": {"step_up": {"max_age": 3600}}})
    new = policy_at(tmp_path / "new.json", permissions={"read:data": asked})
    held = {"roles": ["viewer"], "auth_time": BEGAN}
    made = [
        made_up(number, digest=old.digest, id=who, now=BEGAN + seconds, subject=held)
        for number, (who, seconds) in enumerate((("alice", 10), ("bob", 301), ("bob", 500), ("carol", 300)))
    ]
    file = write(tmp_path / "decisions.jsonl", made)
    for name in ("plain", "duckdb"):
        change = replay([file], new, Finder([Given([old])]), engine(name)).changes["read:data", "lost"]
        assert (change.records, len(change.seen)) == (2, 1)
        assert change.examples == [Example(f"{1:032x}", "bob")]
