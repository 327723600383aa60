"""What a store says is revoked: each kind of store the same, and the same as a plain list of entries."""

import multiprocessing
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy import PolicyError
from policy.errors import RevocationUnavailable
from policy.revocation import Store, open_store
from policy.revoked import Facts, Revocation, RevocationList, What
from tests.revocation.conftest import RedisServer

ISSUER = "https://id.example.com/"


def facts(**changes: Any) -> Facts:
    known: dict[str, Any] = {
        "issuer": ISSUER, "token_id": "jti:7f", "subject": "alice", "client": "app", "tenants": frozenset({"north"}),
        "issued": 1000.0,
    }  # fmt: skip
    return Facts(**{**known, **changes})


def entry(what: What, value: str = "", **more: Any) -> Revocation:
    return Revocation(**{"issuer": ISSUER, "what": what, "value": value, **more})


CASES: dict[str, tuple[Revocation, str]] = {
    "its token": (entry("token", "jti:7f"), "the token `jti:7f` is revoked"),
    "its subject": (entry("subject", "alice"), "the subject `alice` is revoked"),
    "its client": (entry("client", "app"), "the client `app` is revoked"),
    "its subject until then": (
        entry("subject", "alice", issued_before=1000.0),
        "the subject `alice` is revoked for what was issued up to 1000",
    ),
    "its tenant until later": (
        entry("tenant", "north", issued_before=2000.5),
        "the tenant `north` is revoked for what was issued up to 2000.5",
    ),
    "everything until then": (
        entry("issuer", issued_before=1000.0),
        "every token of the issuer is revoked for what was issued up to 1000",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_token_is_revoked_by_what_names_it(store: Store, case: str) -> None:
    """And the log says by what."""
    revoked, said = CASES[case]
    assert store.find(facts()) is None
    assert store.add(revoked) == revoked
    assert store.find(facts()) == said


OTHERS = [
    entry("token", "jti:7g"),
    entry("token", "jti:7F"),
    entry("token", "jti:7"),
    entry("token", "sha256:7f"),
    entry("subject", "alic"),
    entry("subject", "Alice"),
    entry("subject", "app"),
    entry("client", "alice"),
    entry("tenant", "south", issued_before=1e12),
    entry("subject", "alice", issued_before=999.9),
    entry("issuer", issued_before=999.0),
    Revocation(issuer="https://other.example.com/", what="token", value="jti:7f"),
    Revocation(issuer="https://other.example.com/", what="subject", value="alice"),
]


def test_no_token_is_revoked_by_what_names_another(store: Store) -> None:
    """Not by another issuer, not by what only looks alike, not by an earlier time."""
    for other in OTHERS:
        store.add(other)
    assert store.find(facts()) is None
    assert sorted(store.entries(), key=lambda each: each.key) == sorted(OTHERS, key=lambda each: each.key)


def test_parts_of_a_key_are_never_mixed_up(store: Store) -> None:
    """However they are cut."""
    store.add(Revocation(issuer="a", what="token", value="tokenb"))
    store.add(Revocation(issuer="a:token", what="token", value="b"))
    assert store.find(facts(issuer="atoken", token_id="tokenb")) is None
    assert store.find(facts(issuer="a", token_id="b")) is None


def test_a_subject_without_client_and_tenant_is_asked_about_too(store: Store) -> None:
    """What is absent is not compared."""
    store.add(entry("client", ""))
    assert store.find(facts(client=None, tenants=frozenset())) is None


def test_what_was_refused_stays_refused(store: Store) -> None:
    """An earlier time does not let tokens in again, and neither does a time where there was none."""
    store.add(entry("subject", "alice", issued_before=2000.0, note="laptop lost"))
    assert store.add(entry("subject", "alice", issued_before=1000.0)).issued_before == 2000.0
    assert store.add(entry("subject", "alice")).issued_before is None
    assert store.add(entry("subject", "alice", issued_before=3000.0)).issued_before is None
    assert store.find(facts(issued=9e9)) == "the subject `alice` is revoked"


def test_an_entry_can_be_taken_back(store: Store) -> None:
    """Once."""
    store.add(entry("subject", "alice"))
    assert [store.remove((ISSUER, "subject", "alice")) for _ in range(2)] == [True, False]
    assert store.find(facts()) is None


def test_only_what_may_be_forgotten_is(store: Store) -> None:
    """Never a moment earlier, and never what has no end."""
    far = 4e9
    store.add(entry("token", "jti:7f", until=far))
    store.add(entry("token", "jti:8", until=far + 10))
    store.add(entry("subject", "alice"))
    assert store.purge(far - 0.001) == 0
    assert store.purge(far) == 1
    assert [each.value for each in store.entries()] == ["alice", "jti:8"]


def test_names_of_any_kind_are_kept_as_they_are(store: Store) -> None:
    """Quotes, colons, line breaks, all of Unicode."""
    for value in ("a'b", 'a"b', "a:b", "a\nb", "ü", "🙂", "%_", "\x00"):
        store.add(entry("subject", value))
        assert store.find(facts(subject=value)) is not None


def test_a_store_that_is_made_again_stays_as_it_is(store: Store) -> None:
    """`--create` empties nothing."""
    store.add(entry("subject", "alice"))
    store.create()
    assert store.find(facts()) is not None


def test_many_writers_lose_nothing(store: Store) -> None:
    """Eight threads, one subject, and of their times the latest stays."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store.add(entry("subject", "alice", issued_before=float(number))), range(200)))
    (whole,) = store.entries()
    assert whole.issued_before == 199.0


NAMES = st.sampled_from(["", "a", "b", "jti:a", "ä"])
WHATS: list[What] = ["token", "subject", "client", "tenant", "issuer"]
ENTRIES = st.builds(
    Revocation,
    issuer=st.sampled_from(["i", "j"]),
    what=st.sampled_from(WHATS),
    value=NAMES,
    issued_before=st.none() | st.integers(0, 20).map(float) | st.floats(0, 20),
)
FACTS = st.builds(
    Facts,
    issuer=st.sampled_from(["i", "j"]),
    token_id=NAMES,
    subject=NAMES,
    client=st.none() | NAMES,
    tenants=st.frozensets(NAMES),
    issued=st.integers(0, 20) | st.floats(0, 20),
)


def naive(entries: list[Revocation], asked: Facts) -> bool:
    """Any entry at all that names the token, by the words of the documentation."""

    def names(one: Revocation) -> bool:
        return {
            "token": one.value == asked.token_id,
            "subject": one.value == asked.subject,
            "client": asked.client is not None and one.value == asked.client,
            "tenant": one.value in asked.tenants,
            "issuer": one.value == "",
        }[one.what]

    return any(
        one.issuer == asked.issuer and names(one) and (one.issued_before is None or asked.issued <= one.issued_before)
        for one in entries
    )


@given(st.lists(ENTRIES, max_size=12), st.lists(FACTS, max_size=12))
def test_a_list_says_what_its_entries_say(entries: list[Revocation], asked: list[Facts]) -> None:
    """All of them, whatever their order."""
    found = RevocationList(entries)
    assert [found.find(each) is not None for each in asked] == [naive(entries, each) for each in asked]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=st.lists(ENTRIES, max_size=8), asked=st.lists(FACTS, max_size=8))
def test_a_store_says_what_its_entries_say(store: Store, entries: list[Revocation], asked: list[Facts]) -> None:
    """The same, through SQL and over the network."""
    for each in list(store.entries()):
        store.remove(each.key)
    for each in entries:
        store.add(each)
    assert [store.find(each) is not None for each in asked] == [naive(entries, each) for each in asked]


def unavailable(store: Store) -> str:
    with pytest.raises(RevocationUnavailable) as caught:
        store.find(facts())
    return str(caught.value)


def test_a_file_that_is_missing_is_not_an_empty_one(tmp_path: Path) -> None:
    """It may have been removed; the message says how to make one."""
    path = tmp_path / "revocations.sqlite3"
    store = open_store(path)
    words = (
        f"the revocations in `{path}` cannot be read: there is no such file; "
        "make it with `policy token revoke --create`"
    )
    assert unavailable(store) == words
    store.create()
    assert store.find(facts()) is None
    path.unlink()
    assert unavailable(store) == words
    store.create()
    assert store.find(facts()) is None


def test_a_file_that_is_damaged_is_not_an_empty_one(tmp_path: Path) -> None:
    """Nor is another database; once it is whole again it is used again."""
    path = tmp_path / "revocations.sqlite3"
    path.write_bytes(b"no database at all" * 100)
    store = open_store(path)
    assert unavailable(store) == f"the revocations in `{path}` cannot be read: file is not a database"
    path.unlink()
    sqlite3.connect(path).execute("create table revoked (a)").connection.close()
    assert unavailable(store) == (
        f"the revocations in `{path}` cannot be read: it is no store of revocations of version 1"
    )
    path.unlink()
    store.create()
    assert store.find(facts()) is None


def test_another_process_sees_what_is_committed(tmp_path: Path) -> None:
    """With the next question."""
    store, other = open_store(tmp_path / "r.sqlite3"), open_store(tmp_path / "r.sqlite3")
    store.create()
    assert other.find(facts()) is None
    store.add(entry("subject", "alice"))
    assert other.find(facts()) is not None


def _ask(store: Store, results: Any) -> None:
    results.put([store.find(facts()) for _ in range(3)])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_has_connections_of_its_own(store: Store) -> None:
    """Four children and the parent ask at the same time."""
    store.add(entry("subject", "alice"))
    expected = ["the subject `alice` is revoked"] * 3
    assert [store.find(facts()) for _ in range(3)] == expected
    context = multiprocessing.get_context("fork")
    results: Any = context.Queue()
    children = [context.Process(target=_ask, args=(store, results)) for _ in range(4)]
    for child in children:
        child.start()
    assert [store.find(facts()) for _ in range(3)] == expected
    assert [results.get(timeout=30) for _ in children] == [expected] * 4
    for child in children:
        child.join()


def test_each_thread_has_a_connection_of_its_own(tmp_path: Path) -> None:
    """SQLite's are not for several."""
    store = open_store(tmp_path / "r.sqlite3")
    store.create()
    said: list[str | None] = []
    threads = [threading.Thread(target=lambda: said.append(store.find(facts()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [None] * 4


def test_a_server_that_is_gone_says_nothing_is_known_and_heals(redis_server: RedisServer) -> None:
    """Killed and started again, it knows what it was told."""
    redis_server.lose_everything()
    store = open_store(redis_server.address)
    store.create()
    store.add(entry("subject", "alice"))
    redis_server.kill()
    assert unavailable(store).startswith("the revocations in Redis cannot be read: ")
    redis_server.start()
    assert store.find(facts()) == "the subject `alice` is revoked"


def test_a_server_that_lost_everything_is_not_an_empty_store(redis_server: RedisServer) -> None:
    """Its mark is gone with the rest."""
    store = open_store(redis_server.address)
    store.create()
    redis_server.lose_everything()
    assert unavailable(store) == (
        "the revocations in Redis cannot be read: `claims-policy:revocations` is not there, so the server has none or "
        "has lost them; make the store with `policy token revoke --create`"
    )
    with pytest.raises(RevocationUnavailable):
        store.add(entry("subject", "alice"))


def test_a_server_forgets_by_itself_what_it_may(redis_server: RedisServer) -> None:
    """By its own clock."""
    redis_server.lose_everything()
    store = open_store(redis_server.address)
    store.create()
    store.add(entry("token", "jti:7f", until=1000.0))
    assert (store.find(facts()), list(store.entries())) == (None, [])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("revoked.json", "`revoked.json` is a document: revoke with an editor, it is taken within two seconds"),
        ("http://x/", "`http://` is no store: give a path, or an address with `redis://`"),
        (
            "redis://host:port/",
            "the address of Redis cannot be used: Port could not be cast to integer value as 'port'",
        ),
    ],
)
def test_what_is_no_store_is_said(name: str, said: str) -> None:
    """Before anything is opened."""
    with pytest.raises(PolicyError) as caught:
        open_store(name)
    assert str(caught.value) == said


def test_a_locked_file_is_waited_for_and_then_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing waits for another writer; reading never does."""
    monkeypatch.setattr("policy.revocation.sqlite.WAIT", 0.01)
    store = open_store(tmp_path / "r.sqlite3")
    store.create()
    other = sqlite3.connect(tmp_path / "r.sqlite3", isolation_level=None)
    other.execute("begin exclusive")
    assert store.find(facts()) is None
    with pytest.raises(RevocationUnavailable, match="database is locked"):
        store.add(entry("subject", "alice"))
    other.execute("rollback")
    other.close()
    assert store.add(entry("subject", "alice"))
