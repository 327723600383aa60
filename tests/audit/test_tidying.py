"""Finished files are compressed and, once verified and told of, removed; beside the answering of requests."""

import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from policy.audit import AuditLog, records
from policy.audit.anchors import read_anchors
from policy.audit.seals import checker
from policy.audit.verifying import verify
from tests.audit.clocks import Clock
from tests.audit.reading import files

KEY = b"k" * 32
DAY = 86_400


def filled(folder: Path, clock: Clock, **options: Any) -> AuditLog:
    """Ten files of ten records, one a day."""
    log = AuditLog(folder, durability="every-decision", clock=clock, seal=KEY, **options)
    for number in range(100):
        clock.now = 1_800_000_000 + number // 10 * DAY
        log.write(json.dumps({"id": f"{number:032}", "kind": "check"}))
    return log


def tidied(log: AuditLog) -> None:
    """Tidying starts by itself when a file is finished; here it is waited for."""
    log.write('{"id":"one more","kind":"probe"}')
    log.flush()
    for thread in threading.enumerate():
        if thread.name == "policy-tidying":
            thread.join()
    log._tidying.run()


def ids(folder: Path) -> list[int]:
    return [int(record["id"]) for record in records(folder) if record["kind"] == "check"]


def test_a_file_is_followed_by_another_one_each_day(tmp_path: Path) -> None:
    """Each file ends sealed, and the next one says how it ended."""
    filled(tmp_path, Clock()).close()
    assert len(files(tmp_path)) == 10
    last = [json.loads(path.read_text().splitlines()[-1])["kind"] for path in files(tmp_path)]
    assert last == ["checkpoint"] * 9 + ["end"]
    assert verify(tmp_path, checker=checker([KEY])).findings == ()


def test_finished_files_are_compressed(tmp_path: Path) -> None:
    """And read and verified as before; the one that is written is not."""
    log = filled(tmp_path, Clock(), compress=True)
    tidied(log)
    assert [path.name.endswith(".gz") for path in files(tmp_path)] == [True] * 9 + [False]
    assert ids(tmp_path) == [*range(100)]
    log.close()
    assert verify(tmp_path, checker=checker([KEY])).findings == ()


def test_what_is_older_goes_once_the_log_tells_of_it(tmp_path: Path) -> None:
    """Three days are kept; that the others were there, and how they ended, stands in the log."""
    clock = Clock()
    log = filled(tmp_path, clock, keep_days=3)
    tidied(log)
    assert ids(tmp_path) == [*range(50, 100)]  # the last line of a file is of the day on which it was finished
    log.close()
    told = [record for record in records(tmp_path, chain=True) if record["kind"] == "retired"]
    assert [record["part"] for record in told] == [1, 2, 3, 4, 5]
    report = verify(tmp_path, checker=checker([KEY]))
    assert report.findings == ()


def test_what_does_not_verify_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """However old it is: evidence is not tidied away."""
    clock = Clock()
    filled(tmp_path, clock).close()
    third = files(tmp_path)[2]
    third.write_bytes(third.read_bytes().replace(b'"check"', b'"chuck"', 1))
    log = AuditLog(tmp_path, clock=clock, seal=KEY, keep_bytes=1)
    with caplog.at_level(logging.INFO, "policy.log"):
        tidied(log)
    assert files(tmp_path)[0] == third
    assert any(record.getMessage() == f"`{third}` is not removed: it does not verify" for record in caplog.records)
    log.close()
    assert verify(tmp_path, checker=checker([KEY])).findings != ()


def test_without_being_told_to_nothing_is_ever_removed_or_compressed(tmp_path: Path) -> None:
    """The default keeps everything as it was written."""
    log = filled(tmp_path, Clock())
    tidied(log)
    log.close()
    assert len(files(tmp_path)) == 10
    assert ids(tmp_path) == [*range(100)]


def test_heads_are_anchored_at_each_checkpoint_and_a_cut_tail_is_then_found(tmp_path: Path) -> None:
    """Which a chain alone cannot show."""
    heads = tmp_path / "heads.jsonl"
    folder = tmp_path / "audit"
    filled(folder, Clock(), anchor=heads).close()
    from_anchor = [json.loads(line)["seq"] for line in heads.read_text().splitlines()]
    assert from_anchor == sorted(from_anchor)
    last = files(folder)[-1]
    lines = last.read_bytes().splitlines(keepends=True)
    assert from_anchor[-1] == json.loads(lines[-1])["seq"]
    last.write_bytes(b"".join(lines[:-3]))
    assert verify(folder, checker=checker([KEY])).findings == ()

    found = verify(folder, checker=checker([KEY]), anchors=read_anchors(heads)).findings
    assert [finding.kind for finding in found] == ["cut"]


def test_an_anchor_that_takes_nothing_is_loud_and_holds_up_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted, and the log goes on."""
    log = AuditLog(tmp_path / "audit", seal=KEY, anchor=["false"])
    log.write('{"id":"a","kind":"check"}')
    log.close()
    assert log.health()["unanchored"] == 2
    assert "is anchored nowhere: the anchor `false` ended with status 1" in caplog.text
    assert len(list(records(tmp_path / "audit"))) == 1
