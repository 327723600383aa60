"""Files of the log that are compressed, and those that may go."""

import gzip
import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from policy.audit.housekeeping import Retired, compress, retire
from policy.audit.seals import checker
from policy.audit.verifying import verify
from tests.audit.chained import KEY, OTHER_KEY, Writer
from tests.audit.tampered import A1, A2, B1, edited, inside, lines_of, said, verified, write

A3 = "decisions-a3.jsonl"
NOON = datetime.fromisoformat("2026-11-28T00:00:00Z").timestamp()
DAY = 86_400
LATER = NOON + 10 * DAY


def three_parts(folder: Path) -> Writer:
    return Writer(folder, "a", key=KEY).record(5).rotate().record(5).rotate().record(5)


class Why(dict[str, str]):
    """Files that are kept, and why."""

    def __call__(self, path: Path, reason: str) -> None:
        self[path.name] = reason


def names(found: list[Retired]) -> list[str]:
    return [each.path.name for each in found]


def kept(folder: Path, key: bytes = KEY) -> tuple[list[str], Why]:
    why = Why()
    return names(retire(folder, keep_days=1, checker=checker([key]), now=LATER, kept=why)), why


def test_a_file_becomes_a_compressed_one_of_the_same_content_mode_and_time(tmp_path: Path) -> None:
    """Nothing else is left, and the log is whole."""
    Writer(tmp_path, "a").record(5).end()
    path = tmp_path / A1
    content = path.read_bytes()
    path.chmod(0o640)
    os.utime(path, ns=(7, 1_700_000_000_123_456_789))
    made = compress(path)
    about = made.stat()
    assert (made.name, gzip.decompress(made.read_bytes())) == (f"{A1}.gz", content)
    assert (about.st_mode & 0o777, about.st_mtime_ns) == (0o640, 1_700_000_000_123_456_789)
    assert [each.name for each in tmp_path.iterdir()] == [f"{A1}.gz"]
    assert said(verified(tmp_path, key=None)) == []


def test_a_file_that_is_written_to_is_not_compressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays, and nothing of the attempt does."""
    writer = Writer(tmp_path, "a").record(5)
    copy = shutil.copyfileobj

    def slowly(*given: Any) -> None:
        copy(*given)
        writer.record()

    monkeypatch.setattr(shutil, "copyfileobj", slowly)
    with pytest.raises(OSError, match="was written to while it was compressed; compress only files that are closed"):
        compress(tmp_path / A1)
    assert [each.name for each in tmp_path.iterdir()] == [A1]


def test_a_compressed_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    """It may be the only good one."""
    Writer(tmp_path, "a").end()
    (tmp_path / f"{A1}.gz").write_bytes(b"x")
    with pytest.raises(FileExistsError, match=r"is there already; verify it, and remove it or"):
        compress(tmp_path / A1)
    assert ((tmp_path / f"{A1}.gz").read_bytes(), (tmp_path / A1).exists()) == (b"x", True)


def test_what_does_not_read_back_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file stays."""
    Writer(tmp_path, "a").end()
    monkeypatch.setattr(shutil, "copyfileobj", lambda source, goal, size: goal.write(b"other"))
    with pytest.raises(OSError, match="does not read back as the file; is the disk sound"):
        compress(tmp_path / A1)
    assert [each.name for each in tmp_path.iterdir()] == [A1]


def test_files_that_are_old_enough_may_go_the_oldest_first(tmp_path: Path) -> None:
    """Not the one that is written."""
    three_parts(tmp_path)
    last = lines_of(tmp_path / A2)[0]
    size = (tmp_path / A1).stat().st_size
    found = retire(tmp_path, keep_days=1, checker=checker([KEY]), now=LATER)
    head = last[last.index(b'"prev":"') + 8 :][:64].decode()
    assert names(found) == [A1, A2]
    assert found[0] == Retired(
        path=tmp_path / A1, file=A1, writer="a" * 16, stream="decisions", part=1, first=0, last=6, head=head, lines=7,
        size=size,
    )  # fmt: skip


def test_a_file_whose_last_record_is_young_is_kept(tmp_path: Path) -> None:
    """However old its first one is."""
    three_parts(tmp_path)
    why = Why()
    assert retire(tmp_path, keep_days=1, now=NOON + DAY + 5, kept=why) == []
    assert names(retire(tmp_path, keep_days=1, now=NOON + DAY + 6, kept=why)) == [A1]
    assert why == {}


def test_as_many_go_as_are_too_much(tmp_path: Path) -> None:
    """Files of all chains together, by the times at which they were begun."""
    a = Writer(tmp_path, "a").record(5).rotate()
    b = Writer(tmp_path, "b")
    b.count = 3
    b.record(5).end()
    a.record(5).end()
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    total = sum(sizes.values())
    kept_bytes = [total, total - 1, total - sizes[A1], total - sizes[A1] - 1, 0]
    found = [names(retire(tmp_path, keep_bytes=size, now=NOON)) for size in kept_bytes]
    assert found == [[], [A1], [A1], [A1, B1], [A1, B1, A2]]


def test_the_last_file_of_a_chain_goes_only_when_the_chain_was_ended(tmp_path: Path) -> None:
    """Somebody may write to it."""
    Writer(tmp_path, "a", key=KEY).record(5)
    Writer(tmp_path, "b", key=KEY).record(5).end()
    assert kept(tmp_path) == ([B1], {})


def test_what_was_told_and_removed_leaves_a_log_that_is_whole(tmp_path: Path) -> None:
    """First the record, then the file."""
    writer = three_parts(tmp_path)
    gone = retire(tmp_path, keep_days=1, checker=checker([KEY]), now=LATER)
    for each in gone:
        writer.retired(each.as_dict())
        each.remove()
        each.remove()
    writer.end()
    assert [each.name for each in tmp_path.iterdir()] == [A3]
    assert said(verified(tmp_path)) == []
    assert kept(tmp_path) == ([A3], {})


def test_a_file_that_was_changed_and_those_after_it_are_kept(tmp_path: Path) -> None:
    """What is wrong with it may be asked of it one day."""
    three_parts(tmp_path)
    write(tmp_path / A1, edited(4, inside(b'"now":'))(lines_of(tmp_path / A1)))
    assert kept(tmp_path) == ([], {A1: "it does not verify"})


def test_a_file_that_does_not_fit_the_next_one_is_kept(tmp_path: Path) -> None:
    """Its last line was changed, or its tail was cut."""
    three_parts(tmp_path)
    lines = lines_of(tmp_path / A1)
    write(tmp_path / A1, lines[:-1])
    assert kept(tmp_path) == ([], {A1: f"`{A2}` does not follow it"})


def test_a_file_before_which_one_is_missing_is_kept(tmp_path: Path) -> None:
    """Its loss would not show any more."""
    three_parts(tmp_path)
    (tmp_path / A1).unlink()
    message = "the file before it is missing, and no record tells that it was removed in order"
    assert kept(tmp_path) == ([], {A2: message})


def test_a_record_of_removal_that_is_not_sealed_does_not_count(tmp_path: Path) -> None:
    """Anybody could have added it."""
    writer = three_parts(tmp_path)
    (gone, _) = retire(tmp_path, keep_days=1, now=LATER)
    writer.add_retired(gone.as_dict())
    gone.remove()
    message = "the file before it is missing, and no record tells that it was removed in order"
    assert kept(tmp_path) == ([], {A2: message})
    writer.checkpoint()
    assert kept(tmp_path) == ([A2], {})


def test_a_file_that_is_not_sealed_with_the_key_is_kept(tmp_path: Path) -> None:
    """With another key, and with none."""
    a = three_parts(tmp_path)
    Writer(tmp_path, "b").record(3).rotate()
    name = a.sealer.key if a.sealer else ""
    assert kept(tmp_path, OTHER_KEY) == (
        [],
        {
            A1: f"the checkpoint in line 7 of `{A1}` is sealed with the key {name}, which is not at hand",
            B1: f"the checkpoint in line 5 of `{B1}` is not sealed",
        },
    )


def test_a_file_left_without_a_checkpoint_goes_when_the_next_one_seals_it(tmp_path: Path) -> None:
    """As a writer leaves it whose file was renamed."""
    writer = Writer(tmp_path, "a", key=KEY).record(3)
    writer.after = {"file": A1, "size": writer.path.stat().st_size}
    writer.begin()
    writer.record(2)
    assert kept(tmp_path) == ([], {A1: "its last lines are not sealed"})
    writer.checkpoint()
    assert kept(tmp_path) == ([A1], {})


def test_the_same_part_twice_is_kept(tmp_path: Path) -> None:
    """One of them may be another's."""
    three_parts(tmp_path)
    (tmp_path / f"{A1}.1").write_bytes((tmp_path / A1).read_bytes())
    assert kept(tmp_path) == ([], {A1: f"`{A1}.1` is the same part of its chain"})


def test_files_of_refused_tokens_and_of_no_chain_are_left_alone(tmp_path: Path) -> None:
    """The former have a limit of their own."""
    Writer(tmp_path, "a", stream="refused", key=KEY).record(2).end()
    (tmp_path / B1).write_bytes(b'{"v":1}\n')
    assert kept(tmp_path) == ([], {})


def test_compressed_files_go_like_others(tmp_path: Path) -> None:
    """By the name that they were begun with."""
    three_parts(tmp_path)
    compress(tmp_path / A1)
    found = retire(tmp_path, keep_days=1, checker=checker([KEY]), now=LATER)
    assert [(each.path.name, each.file) for each in found] == [(f"{A1}.gz", A1), (A2, A2)]
    assert verify(tmp_path, checker=checker([KEY])).is_whole
