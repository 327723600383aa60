"""What was refused stays refused: no entry is forgotten early, and what cannot be known is never an allow."""

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy import Policy, PolicyError, TokenVerifier
from policy.audit import records
from policy.document import Source
from policy.document.revoking import read_revocations
from policy.errors import RevocationUnavailable
from policy.flask import Authorizer, public, requires
from policy.revocation import Store, open_store
from policy.revocation.sqlite import FIND
from policy.revoked import Facts, Revocation, What
from tests.issuing import ISSUER, VIEWER, token, write_policy
from tests.revocation.conftest import RedisServer

ALICE = Facts(ISSUER, "jti:7f", "alice", None, frozenset(), 1000.0)
FAR = 4e9


def entry(what: What, value: str = "", **more: Any) -> Revocation:
    return Revocation(issuer=ISSUER, what=what, value=value, **more)


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ({"until": FAR + 5}, {"until": FAR}, {"until": FAR + 5}),
        ({"until": FAR}, {"until": FAR + 5}, {"until": FAR + 5}),
        ({}, {"until": FAR}, {}),
        ({"until": FAR}, {}, {}),
        ({"issued_before": 1.0}, {"issued_before": 2.0, "until": FAR}, {"issued_before": 2.0}),
        ({"issued_before": 2.0, "until": FAR + 5}, {"issued_before": 1.0, "until": FAR},
         {"issued_before": 2.0, "until": FAR + 5}),
        ({"note": "left"}, {}, {"note": "left"}),
    ],
)  # fmt: skip
def test_an_entry_that_is_added_again_is_forgotten_no_earlier(
    store: Store, first: dict[str, Any], second: dict[str, Any], whole: dict[str, Any]
) -> None:
    """Of two times the later one counts, for what is refused and for how long."""
    store.add(entry("subject", "alice", **first))
    assert store.add(entry("subject", "alice", **second)) == entry("subject", "alice", **whole)


VALUES = st.sampled_from(["a", "b"])
STEPS = st.lists(
    st.tuples(VALUES, st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)) | st.integers(0, 9), max_size=12
)


def latest(values: list[float | None]) -> float | None:
    return None if None in values else max(value for value in values if value is not None)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_what_is_kept_is_what_a_list_of_all_entries_would_keep(store: Store, steps: list[Any]) -> None:
    """Through any order of revoking and purging; an entry is forgotten only when all that were added may be."""
    for each in list(store.entries()):
        store.remove(each.key)
    added: dict[str, list[tuple[float | None, float | None]]] = {}
    for step in steps:
        if isinstance(step, int):
            gone = {name for name, all_of in added.items() if _is_over(latest([end for _, end in all_of]), FAR + step)}
            assert store.purge(FAR + step) == len(gone)
            added = {name: all_of for name, all_of in added.items() if name not in gone}
        else:
            name, before, end = step[0], step[1], None if step[2] is None else FAR + step[2]
            store.add(entry("subject", name, issued_before=before, until=end))
            added.setdefault(name, []).append((before, end))
    assert [(each.value, each.issued_before, each.until) for each in store.entries()] == [
        (name, latest([before for before, _ in all_of]), latest([end for _, end in all_of]))
        for name, all_of in sorted(added.items())
    ]


def _is_over(end: float | None, now: float) -> bool:
    return end is not None and end <= now


def test_a_server_forgets_by_its_own_clock_only_a_day_later(redis_server: RedisServer) -> None:
    """Its clock may be ahead of those that accept the token."""
    redis_server.lose_everything()
    store = open_store(redis_server.address)
    store.create()
    store.add(entry("token", "jti:7f", until=time.time()))
    with redis.Redis.from_url(redis_server.address) as client:
        (name,) = client.keys("claims-policy:revoked:*")
        left = client.pttl(name)
    assert 23 * 3600 * 1000 < left <= 24 * 3600 * 1000
    assert store.find(ALICE) == "the token `jti:7f` is revoked"


def test_a_token_of_very_many_tenants_is_looked_up_like_any_other(store: Store) -> None:
    """No limit of SQL stands in the way."""
    many = ALICE._replace(tenants=frozenset(f"tenant-{number}" for number in range(3000)))
    assert store.find(many) is None
    store.add(entry("tenant", "tenant-2999", issued_before=2000.0))
    assert store.find(many) == "the tenant `tenant-2999` is revoked for what was issued up to 2000"


def test_a_lookup_reads_no_other_entry(tmp_path: Path) -> None:
    """Every part of the key is searched for, so a hundred thousand entries cost no more than ten."""
    open_store(tmp_path / "r.sqlite3").create()
    file = sqlite3.connect(tmp_path / "r.sqlite3")
    plan = file.execute("explain query plan " + FIND.format("(?, ?), (?, ?)"), ["a", "b", "c", "d", "e"]).fetchall()
    file.close()
    searched = [detail for *_, detail in plan if "revoked" in detail]
    assert searched == ["SEARCH revoked USING PRIMARY KEY (issuer=? AND what=? AND value=?)"]


@pytest.mark.parametrize("text", [b"", b"x" * 20_000])
def test_a_file_that_was_written_over_is_not_answered_for_from_memory(tmp_path: Path, text: bytes) -> None:
    """Also where the connection to it was open."""
    path = tmp_path / "r.sqlite3"
    store = open_store(path)
    store.create()
    assert store.find(ALICE) is None
    path.write_bytes(text)
    with pytest.raises(RevocationUnavailable):
        store.find(ALICE)


class Raises:
    def find(self, facts: Facts) -> str | None:
        raise ConnectionError("no route to host")


class Says:
    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def find(self, facts: Facts) -> Any:
        return self._answer


def serve(root: Path, **options: Any) -> Flask:
    app = Flask("shop", static_folder=None)
    authz = Authorizer(app, **{"policy": write_policy(root / "policies"), "audit": root / "audit", **options})
    app.add_url_rule("/read", "read", requires("read:data")(lambda: "the data"))

    def gated() -> str:
        authz.require("read:data")
        return "the data"

    app.add_url_rule("/gate", "gate", public(reason="it asks itself", identify=True)(gated))
    authz.seal()
    return app


def ask(app: Flask, path: str = "/read") -> tuple[int, str]:
    answer = app.test_client().get(path, headers={"Authorization": f"Bearer {token(**VIEWER)}"})
    return answer.status_code, answer.text if answer.status_code == 200 else json.loads(answer.data)["reason"]


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (Raises(), "the revocations cannot be asked: ConnectionError('no route to host')"),
        (Says(False), "the revocations answer with a `bool`, neither a text nor None"),
        (Says(0), "the revocations answer with a `int`, neither a text nor None"),
    ],
)
def test_an_object_of_ones_own_that_fails_is_a_503_and_recorded(tmp_path: Path, own: Any, said: str) -> None:
    """Neither a 500 without a record nor an allow."""
    app = serve(tmp_path, revocations=own)
    assert ask(app) == (503, "revocation-unavailable")
    (record,) = records(tmp_path / "audit")
    assert (record["kind"], record["outcome"], record["detail"]) == ("fault", "deny", said)


def test_an_object_that_has_only_find_is_enough(tmp_path: Path) -> None:
    """It is asked everywhere, and has no problems of its own."""
    assert ask(serve(tmp_path / "a", revocations=Says(None))) == (200, "the data")
    app = serve(tmp_path / "b", revocations=Says("because"))
    assert [ask(app, path) for path in ("/read", "/gate")] == [(401, "token-revoked")] * 2
    live = app.extensions["policy"].live
    assert live.health()["revocations"] == {"standing": "current", "problems": []}


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (Says, "revocations= is of `Says`, which is a class; give an object of it"),
        (object(), "revocations= is of `object`, which has no `find(facts)`"),
    ],
)
def test_what_cannot_be_asked_stops_the_start(tmp_path: Path, own: Any, said: str) -> None:
    """Not the first request."""
    with pytest.raises(PolicyError) as caught:
        serve(tmp_path, revocations=own)
    assert str(caught.value) == said


@pytest.mark.parametrize("missing", ["sub", "iat"])
def test_the_check_is_not_reached_for_a_token_that_names_nothing(tmp_path: Path, missing: str) -> None:
    """What could not be looked at is never called passed."""
    rules = Policy.load(write_policy(tmp_path / "policies"))
    by = TokenVerifier(rules, revocations=Says(None))
    without: dict[str, Any] = {missing: None}
    verdicts = {each.name: each.verdict for each in by.inspect(token(**without), now=time.time()).checks}
    assert verdicts["revocation"] == "not reached"
    assert {each.name: each.verdict for each in by.inspect(token(), now=time.time()).checks}["revocation"] == "passed"


def says(*entries: dict[str, Any], **sections: Any) -> list[str]:
    text = json.dumps({"revocations": [{"issuer": ISSUER, **each} for each in entries], **sections}, indent=1)
    with pytest.raises(PolicyError) as caught:
        read_revocations([Source("revocations.json", text.encode())], [ISSUER])
    return str(caught.value).split("\n")


NO_TOKEN = "names no token: after `jti:` stands the claim, after `sha256:` stand 16 hexadecimal digits"


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ({"token": "sha256:7f3a"}, f"revocations[0].token, line 5: `sha256:7f3a` {NO_TOKEN}"),
        ({"token": "sha256:00112233445566AA"}, f"revocations[0].token, line 5: `sha256:00112233445566AA` {NO_TOKEN}"),
        ({"token": "jti:"}, f"revocations[0].token, line 5: `jti:` {NO_TOKEN}"),
        ({"subject": "repo:octo/*"},
         "revocations[0].subject, line 5: `repo:octo/*` must not have a `*`: a revocation names one subject"),
        ({"subject": "a", "until": "9999-12-31T23:59:59-23:59"},
         "revocations[0].until, line 6: `9999-12-31T23:59:59-23:59` is no time such as `2027-01-15T08:00:00Z`"),
        ({"subject": "a", "issued_before": "1969-12-31T23:59:59Z"},
         "revocations[0].issued_before, line 6: `1969-12-31T23:59:59Z` is no time such as `2027-01-15T08:00:00Z`"),
    ],
)  # fmt: skip
def test_an_entry_that_no_token_could_meet_is_a_mistake(shape: dict[str, Any], said: str) -> None:
    """It would revoke nothing, in silence."""
    assert says(shape) == [f"revocations.json, {said}"]


def test_all_mistakes_are_said_at_once() -> None:
    """What is out of shape does not hide what is wrong elsewhere."""
    assert says({"subjet": "a"}, {"issuer": "https://issuer.exampel/", "subject": "a"}, {"token": "x"}) == [
        "revocations.json, revocations[0].subjet, line 5: unknown key `subjet`; did you mean `subject`?",
        "revocations.json, revocations[1].issuer, line 8: unknown issuer `https://issuer.exampel/`; "
        "did you mean `https://issuer.example/`?",
        "revocations.json, revocations[2].token, line 13: `x` names no token: it begins with `jti:` or `sha256:`, "
        "as in records",
    ]


def test_assignments_are_no_part_of_the_document() -> None:
    """However well formed they are."""
    assignment = {"issuer": ISSUER, "subject": "alice", "roles": ["viewer"]}
    assert says(assignments=[assignment]) == ["revocations.json, assignments, line 3: unknown key `assignments`"]
