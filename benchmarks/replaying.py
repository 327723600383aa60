"""How quickly a log is replayed: `python -m benchmarks.replaying [RECORDS] [--engine plain] [--step-up]`.

Makes a log of 20,000 users with 30 roles, 200 permissions and 60 routes, chained, and replays it in a fresh process.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from policy.audit.chain import START
from policy.demand import Requires, outcome
from policy.engine import Policy
from policy.record import About, moment
from policy.recording import Recorder
from policy.reload.kept import Kept
from policy.reload.snapshot import take
from policy.subject import Subject

USERS: Final = 20_000
PROFILES: Final = 300
ROLES: Final = 30
ROUTES: Final = 60
RESOURCES: Final = 50
VERBS: Final = ("read", "write", "delete", "list")
FILE_RECORDS: Final = 250_000
BATCH: Final = 10_000
ISSUER: Final = "https://login.example.com/realms/main"
BEGAN: Final = 1_795_824_000.0
PER_SECOND: Final = 400
CLIENT: Final = ',"client":'


class Person(NamedTuple):
    """One user: which profile it has, and how a record ends that tells of it."""

    profile: int
    who: bytes


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the log, replay it, and say how long that took."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="replaying-", dir=options.folder) as folder:
        began = time.perf_counter()
        size = make(Path(folder), options.records, step_up=options.step_up)
        seconds = time.perf_counter() - began
        print(f"made {options.records:,} records, {size / 1e6:,.0f} MB, in {seconds:.1f} s", flush=True)
        return replay(Path(folder), options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replaying", description="How quick is a replay?")
    parser.add_argument("records", nargs="?", type=int, default=1_000_000, metavar="RECORDS")
    parser.add_argument("--engine", default="duckdb", help="duckdb, spark or plain (duckdb)")
    parser.add_argument("--step-up", action="store_true", help="some permissions ask for a recent login")
    parser.add_argument("--folder", default="/tmp", help="where there is room for the log (/tmp)")
    return parser


def replay(folder: Path, options: argparse.Namespace) -> int:
    """Replay in a process of its own; the exit code is 0 if it found the changes that are there."""
    words = ["-m", "policy", "audit", "replay", str(folder / "audit"), "--policy", str(folder / "new.json"), "--json"]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *words, "--engine", options.engine], stdout=subprocess.PIPE, text=True, check=False
    )
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{options.engine}: {options.records:,} records in {seconds:.1f} s, "
        f"{options.records / seconds:,.0f} records/s, "
        f"{used.ru_utime + used.ru_stime:.1f} s of processor time, at most {used.ru_maxrss / 1024:,.0f} MB"
    )
    if done.returncode == 1:
        print(json.dumps({key: value for key, value in json.loads(done.stdout).items() if isinstance(value, int)}))
    return 0 if done.returncode == 1 else 1


def document(*, step_up: bool, new: bool = False) -> dict[str, Any]:
    """The policy; the new one takes a grant from one role, and forbids another something."""
    chance = random.Random(1)
    permissions: dict[str, Any] = {f"{verb}:thing{at}": "" for at in range(RESOURCES) for verb in VERBS}
    if step_up:
        asked = {"step_up": {"max_age": 1800 if new else 3600}}
        permissions.update({f"delete:thing{at}": asked for at in range(0, RESOURCES, 5)})
    roles = {f"role{at:02}": {"grants": sorted(chance.sample(sorted(permissions), 40))} for at in range(ROLES)}
    rules = []
    if new:
        roles["role03"]["grants"].pop()
        rules = [{"id": "no-deleting", "effect": "deny", "permissions": ["delete:thing7"], "roles": ["role05"]}]
    issuer = {
        "profile": "plain", "audience": "api", "algorithms": ["HS256"], "keys": {"env": "SECRET"},
        "authority": {"user": "roles"}, "asserts": {"roles": ["*"]}, "id_prefix": "",
    }  # fmt: skip
    return {"permissions": permissions, "roles": roles, "rules": rules, "issuers": {ISSUER: issuer}}


def make(folder: Path, records: int, *, step_up: bool) -> int:
    """Write both policies and the log; how many bytes the log has."""
    (folder / "old.json").write_text(json.dumps(document(step_up=step_up)), encoding="utf-8")
    (folder / "new.json").write_text(json.dumps(document(step_up=step_up, new=True)), encoding="utf-8")
    rules = Policy.load(folder / "old.json")
    Kept(folder / "audit" / "policies").keep(take(folder / "old.json"), rules.digest)
    return sum(_write(folder / "audit", records, Lines(rules, step_up=step_up)))


class Lines:
    """Lines without end; each combination of profile and route is decided and recorded once, and then repeated."""

    def __init__(self, rules: Policy, *, step_up: bool) -> None:
        self._rules, self._recorder, self._chance = rules, Recorder(rules), random.Random(2)
        self._step_up = step_up
        names = sorted(rules.entries)
        self._routes = [(f"/api/v1/section{at}/<int:id>", self._chance.sample(names, 1 + (at % 10 == 0)))
                        for at in range(ROUTES)]  # fmt: skip
        self._held = [self._chance.sample(sorted(rules.closures), 1 + at % 4) for at in range(PROFILES)]
        self._people = [self._person(at) for at in range(USERS)]
        self._inputs: dict[tuple[int, int], bytes] = {}

    def _person(self, at: int) -> Person:
        who = f'"client":"web-frontend","id":"{sha256(str(at).encode()).hexdigest()[:32]}"}}}}'
        return Person(self._chance.randrange(PROFILES), who.encode())

    def bodies(self, count: int, began: float) -> Iterator[bytes]:
        """So many records without the beginning that links them."""
        choose = self._chance.random
        for at in range(count):
            now = began + at / PER_SECOND
            person, route = self._people[int(choose() * USERS)], int(choose() * ROUTES)
            inputs = self._inputs.get((person.profile, route)) or self._decided(person.profile, route)
            if self._step_up:
                inputs = inputs.replace(b'"auth_time":0', b'"auth_time":%d' % (now - choose() * 3000))
            number = int(choose() * 2**62)
            yield (
                b'"v":2,"kind":"request","id":"%032x","time":"%s","now":%r,"duration_us":%d,"token":"jti:%016x",'
                b'"request_id":"%032x","trace_id":"%032x",%s,%s'
            ) % (
                number << 60 | at, moment(now).encode(), now, number & 63, number, number, number + 1, inputs,
                person.who,
            )  # fmt: skip

    def _decided(self, profile: int, route: int) -> bytes:
        subject = Subject(id="x", issuer=ISSUER, client="x", roles=self._held[profile])
        subject = subject._replace(auth_time=0) if self._step_up else subject
        pattern, names = self._routes[route]
        found = outcome([Requires(permissions=tuple(names))], lambda name: self._rules.decide(subject, name, now=60.0))
        about = About(method="GET", route=pattern)
        line = self._recorder.decided(
            "0" * 32, "request", subject, found, now=0.0, tenant=None, about=about, duration=0.0
        )
        inputs = line[line.index('"method":') : line.index(CLIENT)].encode()
        self._inputs[profile, route] = inputs
        return inputs


def _write(folder: Path, records: int, lines: Lines) -> Iterator[int]:
    """Write the files of one chain; how many bytes each has."""
    sequence, head = 0, START
    for part, first in enumerate(range(0, records, FILE_RECORDS), 1):
        with (folder / f"decisions-2026-11-28T00-{part:04}-1.jsonl").open("wb") as file:
            count = min(FILE_RECORDS, records - first)
            block = []
            for body in lines.bodies(count, BEGAN + first / PER_SECOND):
                line = b'{"seq":%d,"prev":"%s",%s' % (sequence, head.encode(), body)
                head = sha256(line).hexdigest()
                sequence += 1
                block.append(line)
                if len(block) == BATCH:
                    file.write(b"\n".join(block) + b"\n")
                    block.clear()
            file.write(b"\n".join((*block, b"")) if block else b"")
            yield file.tell()


if __name__ == "__main__":
    sys.exit(main())
