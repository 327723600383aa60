"""Identifying fields before they are written: masked, hashed, dropped or erasable; and the record says so."""

import json
import multiprocessing
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from policy import AuditLog, Guard, Policy, TokenRefused, TokenVerifier
from policy.audit import erasable, records
from policy.audit.erasable import Values, erase, erasures, revealed, standing_for
from policy.audit.seals import sealer
from policy.audit.treatment import hashed
from policy.audit.verifying import verify
from policy.errors import AuditUnavailable
from policy.record import About, subject_of
from tests.audit.clocks import Clock
from tests.audit.reading import files
from tests.issuing import VIEWER, token, write_policy

KEY = b"k" * 32
ABOUT = About(method="GET", route="/data", request_id="r-1", trace_id="t-1")


def guard(folder: Path, fields: dict[str, Any], **options: Any) -> Guard:
    rules = Policy.load(write_policy(folder / "policies"))
    log = AuditLog(folder / "audit", fields=fields, fields_key=KEY, **options)
    return Guard(rules, TokenVerifier(rules), log)


def asked(by: Guard, sub: str = "alice") -> dict[str, Any]:
    """The record of one decision."""
    subject = by.identify(token(sub=sub, jti="t-1", client_id="app", **VIEWER), about=ABOUT)
    admission = by.admit(subject, (), about=ABOUT)
    assert by.audit is not None
    return next(each for each in records(by.audit.folder) if each["id"] == admission.id)  # type: ignore[attr-defined]


def test_fields_are_treated_as_declared_and_the_record_says_so(tmp_path: Path) -> None:
    """What identifies is left out or stands for itself no more; what decides stays whole."""
    fields = {"subject.id": "hash", "subject.client": "mask", "token": "drop", "request_id": "mask"}
    record = asked(guard(tmp_path, fields))
    assert record["treated"] == {
        "request_id": "masked", "subject.client": "masked", "subject.id": "hashed", "token": "dropped",
    }  # fmt: skip
    assert (record["subject"]["client"], record["token"], record["request_id"], record["trace_id"]) == (
        "masked", None, "masked", "t-1",
    )  # fmt: skip
    assert record["subject"]["id"] == hashed(sealer(KEY), "subject.id", "alice")
    assert record["subject"]["roles"] == ["viewer"]
    assert subject_of(record).held == {"viewer"}
    assert "alice" not in "".join(path.read_text() for path in files(tmp_path / "audit"))


def test_a_hash_is_the_same_each_time_and_another_for_another_field(tmp_path: Path) -> None:
    """So that the records of somebody belong together, and no list of names fits without the key."""
    by = guard(tmp_path, {"subject.id": "hash"})
    assert asked(by)["subject"]["id"] == asked(by)["subject"]["id"] != asked(by, "bob")["subject"]["id"]
    other = hashed(sealer(b"o" * 32), "subject.id", "alice")
    assert len({hashed(sealer(KEY), field, "alice") for field in ("subject.id", "token")} | {other}) == 3


def test_refused_tokens_are_treated_too(tmp_path: Path) -> None:
    """What was seen may name somebody."""
    by = guard(tmp_path, {"detail": "drop", "request_id": "hash", "trace_id": "mask"})
    with pytest.raises(TokenRefused):
        by.identify("a.b", about=ABOUT)
    (record,) = records(tmp_path / "audit")
    assert (record["detail"], record["trace_id"], record["request_id"][:5]) == (None, "masked", "hmac:")
    assert record["treated"] == {"detail": "dropped", "request_id": "hashed", "trace_id": "masked"}


def test_an_erasable_value_lies_beside_the_log_and_can_be_found(tmp_path: Path) -> None:
    """The chained line has a digest; who asks for the subject finds its records."""
    by = guard(tmp_path, {"subject.id": "erasable", "subject.client": "erasable"})
    record = asked(by)
    folder = tmp_path / "audit"
    assert record["subject"]["id"] == standing_for(folder, "subject.id", "alice")
    assert record["subject"]["id"].startswith("erasable:")
    assert revealed(folder, record["subject"]["id"]) == "alice"
    assert asked(by)["subject"]["id"] == record["subject"]["id"]
    assert asked(by, "bob")["subject"]["id"] != record["subject"]["id"]
    assert standing_for(folder, "subject.id", "carol") is None
    assert erasable.changed(folder) == []


def test_erasing_leaves_the_chain_whole_and_nothing_of_the_value(tmp_path: Path) -> None:
    """Not in the log, not in the file beside it; that it was erased, when and why stays."""
    by = guard(tmp_path, {"subject.id": "erasable"}, seal=KEY)
    before = asked(by, "alice-who-asked")["subject"]["id"]
    asked(by, "bob")
    folder = tmp_path / "audit"
    (erased,) = erase(folder, "alice-who-asked", reason="asked for on paper")
    assert erased[:2] == (before, "subject.id")
    assert erased.reason == "asked for on paper"
    assert erasures(folder) == [erased]
    assert (revealed(folder, before), standing_for(folder, "subject.id", "alice-who-asked")) == (None, None)
    assert erase(folder, "alice-who-asked") == []
    by.audit.close()  # type: ignore[union-attr]
    assert verify(folder).findings == ()
    content = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert b"alice-who-asked" not in content
    assert b"bob" in content


def test_who_comes_again_after_being_erased_is_another(tmp_path: Path) -> None:
    """What is written from now on cannot be put together with what was written before."""
    clock = Clock(0)
    by = guard(tmp_path, {"subject.id": "erasable"}, monotonic=clock)
    before = asked(by)["subject"]["id"]
    erase(tmp_path / "audit", "alice")
    clock.now += 2
    after = asked(by)["subject"]["id"]
    assert before != after
    assert revealed(tmp_path / "audit", after) == "alice"


def test_threads_and_processes_share_what_stands_for_a_value(tmp_path: Path) -> None:
    """One text for a value, whoever writes it first."""
    values = Values(tmp_path)
    found: set[str] = set()
    threads = [
        threading.Thread(target=lambda: found.update(values.keep("subject.id", f"{n % 5}") for n in range(50)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    def child() -> None:
        values.forked()
        assert {values.keep("subject.id", f"{n}") for n in range(5)} == found
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    assert (len(found), process.exitcode) == (5, 0)


def test_a_value_that_cannot_be_kept_is_no_decision(tmp_path: Path) -> None:
    """A record that would name somebody for ever is not written, and so nothing is answered."""
    by = guard(tmp_path, {"subject.id": "erasable"})
    subject = by.identify(token(**VIEWER))
    (tmp_path / "audit" / erasable.FILE).mkdir(parents=True)
    with pytest.raises(AuditUnavailable, match=r"values.sqlite"):
        by.admit(subject, ())
    (tmp_path / "audit" / erasable.FILE).rmdir()
    by.admit(subject, ())
    assert [record["outcome"] for record in records(tmp_path / "audit")] == ["allow"]


def test_a_changed_value_does_not_fit_its_digest(tmp_path: Path) -> None:
    """Nobody can put another name in place of one that was kept."""
    values = Values(tmp_path)
    digest = values.keep("subject.id", "alice")
    with sqlite3.connect(tmp_path / erasable.FILE) as connection:
        connection.execute("UPDATE value SET value = 'mallory'")
    assert erasable.changed(tmp_path) == [digest]


def test_values_are_not_for_everybody(tmp_path: Path) -> None:
    """They are what the log was kept free of."""
    Values(tmp_path).keep("subject.id", "alice")
    assert (tmp_path / erasable.FILE).stat().st_mode & 0o077 == 0


def test_a_lone_surrogate_is_a_value_like_others(tmp_path: Path) -> None:
    """A verified `sub` may hold anything that JSON can."""
    values = Values(tmp_path)
    assert json.loads('"\\ud800"') == "\ud800"
    with pytest.raises(OSError, match="does not keep values"):
        values.keep("subject.id", "\ud800")
