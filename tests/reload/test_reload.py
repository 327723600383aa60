"""A policy folder that is edited while an application runs."""

import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from policy import Policy, PolicyError
from policy.audit import records
from policy.flask import Authorizer, requires, signals
from policy.reload import Kept, Snapshot, Watcher, take
from policy.tokens.issue import generate_key
from tests.issuing import DOCUMENT, ISSUER, VIEWER, bearer, write_policy

LOOKS = 2
"""After so many looks a change is taken: the first sees it, the second agrees."""


class Service:
    """An application over a folder, looked at by hand instead of by the clock."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.app = Flask("shop", static_folder=None)
        given: dict[str, Any] = {"policy": folder / "policies", "audit": folder / "audit", "reload": 3600, **options}
        self.authz = Authorizer(self.app, **given)
        self.app.add_url_rule("/read", "read", requires("read:data")(lambda: "the data"))
        self.authz.seal()
        self.live = self.app.extensions["policy"].live
        self.live.ensure_watching()

    def look(self, times: int = LOOKS) -> None:
        for _ in range(times):
            self.live.look()

    def status(self, **claims: Any) -> int:
        return self.app.test_client().get("/read", headers=bearer(**(claims or VIEWER))).status_code


WITHOUT_VIEWER: dict[str, Any] = {"roles": {**DOCUMENT["roles"], "viewer": {}}}


def write(folder: Path, **sections: Any) -> str:
    """Write a policy, and give the digest it has."""
    return Policy.load(write_policy(folder / "policies", **sections)).digest


def test_a_change_is_taken_after_two_looks_that_agree(tmp_path: Path) -> None:
    """Not at the first, which may have seen half of it."""
    old = write(tmp_path)
    service = Service(tmp_path)
    heard: list[dict[str, Any]] = []
    with signals.policy_reloaded.connected_to(lambda _, **values: heard.append(values)):
        new = write(tmp_path, **WITHOUT_VIEWER)
        assert service.status() == 200
        service.look(1)
        assert service.status() == 200
        service.look(1)
    assert service.status() == 403
    assert heard == [{"digest": new, "previous": old}]
    assert [record["policy"] for record in records(tmp_path / "audit")] == [old, old, new]


def test_a_worker_that_was_idle_does_not_begin_with_an_old_policy(tmp_path: Path) -> None:
    """It starts watching at its first request, and catches up before it decides it."""
    write(tmp_path)
    app = Flask("shop", static_folder=None)
    authz = Authorizer(app, policy=tmp_path / "policies", audit=tmp_path / "audit", reload=0.01)
    app.add_url_rule("/read", "read", requires("read:data")(lambda: "the data"))
    authz.seal()
    new = write(tmp_path, **WITHOUT_VIEWER)
    assert authz.health()["policy"] != new
    assert app.test_client().get("/read", headers=bearer(**VIEWER)).status_code == 403
    assert authz.health()["workers"] == {str(os.getpid()): new}


def test_a_folder_that_goes_on_changing_is_not_taken(tmp_path: Path) -> None:
    """While each look sees something else, the old policy decides."""
    write(tmp_path)
    service = Service(tmp_path)
    for number in range(5):
        write(tmp_path, roles={"viewer": {"description": str(number)}}, rules=[], constraints=[])
        service.look(1)
        assert service.status() == 200
    service.look(1)
    assert service.status() == 403


def test_a_symlink_is_followed_to_its_new_place(tmp_path: Path) -> None:
    """The way of mounted configuration: one link is swapped, and all documents with it."""
    write_policy(tmp_path / "one")
    write_policy(tmp_path / "two", **WITHOUT_VIEWER)
    (tmp_path / "policies").symlink_to(tmp_path / "one")
    service = Service(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "two")
    (tmp_path / "link").rename(tmp_path / "policies")
    service.look()
    assert service.status() == 403


def test_a_broken_edit_leaves_the_last_good_policy_loudly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """In the log, at the health function, and in every record; and it mends itself when the folder does."""
    digest = write(tmp_path)
    service = Service(tmp_path)
    (tmp_path / "policies" / "policy.json").write_text("{", encoding="utf-8")
    service.look()
    assert service.status() == 200
    health = service.authz.health()
    problem = f"{tmp_path}/policies/policy.json, line 1: not JSON: "
    assert (health["policy"], health["standing"], health["drift"]) == (digest, "last-good", False)
    assert [text.startswith(problem) for text in health["problems"]] == [True]
    assert "the policy on disk is refused, the last good one decides" in caplog.text
    assert [record["standing"] for record in records(tmp_path / "audit")] == ["last-good"]
    new = write(tmp_path, **WITHOUT_VIEWER)
    service.look()
    assert (service.status(), service.authz.health()["policy"]) == (403, new)
    assert (service.authz.health()["standing"], service.authz.health()["problems"]) == ("current", [])
    assert ["standing" in record for record in records(tmp_path / "audit")] == [True, False]


def test_the_old_policy_put_back_is_current_again(tmp_path: Path) -> None:
    """An edit that was undone leaves nothing to complain of."""
    digest = write(tmp_path)
    service = Service(tmp_path)
    (tmp_path / "policies" / "policy.json").write_text("{", encoding="utf-8")
    service.look()
    write(tmp_path)
    service.look()
    assert (service.authz.health()["standing"], service.authz.health()["policy"]) == ("current", digest)


def test_a_policy_that_drops_a_demanded_permission_is_refused(tmp_path: Path) -> None:
    """The seal holds for every policy that is taken."""
    write(tmp_path)
    service = Service(tmp_path)
    write(tmp_path, permissions={"update:data": "x"}, roles={"viewer": {}}, rules=[], constraints=[], scopes={})
    service.look()
    assert (service.status(), service.authz.health()["problems"]) == (
        200,
        [
            f"{_short(__file__)}, GET /read, line {_line()}: view `<lambda>` demands "
            "`read:data`, which the policy does not declare; did you mean `update:data`?"
        ],
    )


def _short(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def _line() -> int:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if 'add_url_rule("/read"' in line)


def test_a_vanished_folder_leaves_the_last_good_policy(tmp_path: Path) -> None:
    """And it is taken again when it comes back."""
    write(tmp_path)
    service = Service(tmp_path)
    shutil.move(tmp_path / "policies", tmp_path / "away")
    service.look()
    assert (service.status(), service.authz.health()["standing"]) == (200, "last-good")
    shutil.move(tmp_path / "away", tmp_path / "policies")
    service.look()
    assert (service.status(), service.authz.health()["standing"]) == (200, "current")


def test_a_start_on_a_broken_folder_takes_what_was_accepted_last(tmp_path: Path) -> None:
    """A worker that was killed after a bad edit comes back deciding, and says by what."""
    digest = write(tmp_path)
    Service(tmp_path)
    (tmp_path / "policies" / "policy.json").write_text("{", encoding="utf-8")
    service = Service(tmp_path)
    assert (service.status(), service.authz.health()["policy"]) == (200, digest)
    assert service.authz.health()["standing"] == "last-accepted"
    assert [record["standing"] for record in records(tmp_path / "audit")] == ["last-accepted"]
    new = write(tmp_path, **WITHOUT_VIEWER)
    service.look()
    assert (service.status(), service.authz.health()["policy"]) == (403, new)


def test_a_start_on_a_broken_folder_stops_where_nothing_was_accepted(tmp_path: Path) -> None:
    """Also where what was accepted belongs to another path, or nothing is kept."""
    write(tmp_path)
    Service(tmp_path)
    write_policy(tmp_path / "other" / "policies")
    (tmp_path / "other" / "policies" / "policy.json").write_text("{", encoding="utf-8")
    (tmp_path / "policies" / "policy.json").write_text("{", encoding="utf-8")
    for options in ({"audit": None}, {"policy": tmp_path / "other" / "policies"}):
        with pytest.raises(PolicyError, match="not JSON"):
            Service(tmp_path, **options)


def test_accepted_policies_are_kept_by_digest(tmp_path: Path) -> None:
    """Each can be loaded again, and has the digest it is kept by."""
    old = write(tmp_path)
    service = Service(tmp_path)
    new = write(tmp_path, **WITHOUT_VIEWER)
    service.look()
    kept = Kept(tmp_path / "audit" / "policies")
    assert {digest: kept.named(digest).digest for digest in (old, new)} == {old: old, new: new}
    last = kept.last(tmp_path / "policies")
    assert last is not None
    assert last.digest == new


def test_state_cannot_be_kept_in_the_policy_folder(tmp_path: Path) -> None:
    """It would become a part of the policy."""
    write(tmp_path)
    with pytest.raises(PolicyError, match="accepted policies cannot be kept in the policy folder"):
        Service(tmp_path, state=tmp_path / "policies")


def test_a_key_file_is_watched_with_the_documents(tmp_path: Path) -> None:
    """Tokens of a key that was taken out are refused, without a change of the policy."""
    private, public = generate_key("ES256", kid="new")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "id.jwks.json").write_text(json.dumps({"keys": [public]}), encoding="utf-8")
    issuer = {**DOCUMENT["issuers"][ISSUER], "keys": {"jwks_file": "id.jwks.json"}}
    write(tmp_path, issuers={ISSUER: issuer})
    service = Service(tmp_path)
    mine = {**VIEWER, "key": private, "kid": "new"}
    assert service.status(**mine) == 200
    _, other = generate_key("ES256", kid="other")
    (tmp_path / "policies" / "id.jwks.json").write_text(json.dumps({"keys": [other]}), encoding="utf-8")
    service.look()
    assert service.status(**mine) == 401


def test_a_loaded_policy_is_not_watched(tmp_path: Path) -> None:
    """What was given as a value stays that value."""
    rules = Policy.load(write_policy(tmp_path / "policies"))
    service = Service(tmp_path, policy=rules)
    write(tmp_path, **WITHOUT_VIEWER)
    service.look()
    assert (service.status(), service.authz.health()["workers"]) == (200, {})


@pytest.mark.parametrize("seconds", [0, -1, 4000, float("nan")])
def test_an_interval_has_bounds(tmp_path: Path, seconds: float) -> None:
    """Neither a busy loop nor never by accident."""
    write(tmp_path)
    with pytest.raises(PolicyError, match=r"`reload` is a number of seconds from 0\.01 to 3600"):
        Service(tmp_path, reload=seconds)


def test_a_watcher_runs_by_itself(tmp_path: Path) -> None:
    """Started once in a process, it hands over a change without anyone asking."""
    write(tmp_path)
    handed: list[Snapshot | PolicyError] = []
    arrived = threading.Event()

    def changed(found: Snapshot | PolicyError) -> None:
        handed.append(found)
        arrived.set()

    watcher = Watcher(tmp_path / "policies", changed, seen=take(tmp_path / "policies").fingerprint, interval=0.01)
    watcher.ensure_running()
    watcher.ensure_running()
    digest = write(tmp_path, **WITHOUT_VIEWER)
    assert arrived.wait(30)
    watcher.close()
    assert [one.load().digest for one in handed if isinstance(one, Snapshot)][-1:] == [digest]


def test_an_unreadable_note_or_snapshot_is_passed_over(tmp_path: Path) -> None:
    """What was kept is a help, never a reason to fail."""
    kept = Kept(tmp_path / "state")
    assert (kept.last(tmp_path / "policies"), kept.workers()) == (None, {})
    write_policy(tmp_path / "policies")
    kept.keep(take(tmp_path / "policies"), "abc")
    kept.tell("abc")
    (tmp_path / "state" / "workers" / "999999999.json").write_text("{}", encoding="utf-8")
    (tmp_path / "state" / "workers" / "x.json").write_text("{", encoding="utf-8")
    assert set(kept.workers().values()) == {"abc"}
    (tmp_path / "state" / "abc.json").write_text("{", encoding="utf-8")
    assert kept.last(tmp_path / "policies") is None


def test_another_policy_under_an_accepted_digest_is_not_taken(tmp_path: Path) -> None:
    """What was changed where it was kept is not what was accepted."""
    digest = write(tmp_path)
    Service(tmp_path)
    other = take(write_policy(tmp_path / "other", rules=[]))
    (tmp_path / "audit" / "policies" / f"{digest}.json").write_text(other.as_json(), encoding="utf-8")
    (tmp_path / "policies" / "policy.json").write_text("{", encoding="utf-8")
    with pytest.raises(PolicyError, match="not JSON"):
        Service(tmp_path)
    with pytest.raises(PolicyError, match=f"what is kept as `{digest}` has another digest"):
        Kept(tmp_path / "audit" / "policies").named(digest)


def test_an_edit_during_the_start_is_seen_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in force is what was read, and what came after it is a change."""
    write(tmp_path)
    real = Snapshot.load

    def slow(snapshot: Snapshot) -> Policy:
        found = real(snapshot)
        monkeypatch.setattr(Snapshot, "load", real)
        write(tmp_path, **WITHOUT_VIEWER)
        return found

    monkeypatch.setattr(Snapshot, "load", slow)
    assert Service(tmp_path).status() == 403
