"""What `verify` says of files that are gone in order, renamed, compressed, or left by writers that ended."""

import fcntl
import gzip
from pathlib import Path

from policy.audit.anchors import Head
from policy.audit.verifying import verify
from tests.audit.chained import KEY, Writer, compressed
from tests.audit.tampered import A1, A2, B1, OPEN, lines_of, noted, said, verified, write


def test_retired_files_are_noted_and_what_follows_them_has_to_fit(tmp_path: Path) -> None:
    """The record tells the number and hash of the last line."""
    a = Writer(tmp_path, "a", key=KEY).record(3).rotate()
    gone = {**a.after_row(), "part": 1, "first": 0}
    a.record(2).rotate().end()
    b = Writer(tmp_path, "b", key=KEY)
    b.retired(gone).end()
    (tmp_path / A1).unlink()
    report = verified(tmp_path)
    assert (said(report), noted(report)) == ([], [("retired", A1, "was verified and removed by retention")])
    Writer(tmp_path, "c", key=KEY).retired({**gone, "head": "0" * 64}).end()
    found = f"{A2}, line 1 (seq 5): changed: the file does not follow `{A1}`, as that one was when it was retired"
    assert said(verified(tmp_path)) == [found]


def test_a_record_of_removal_counts_only_when_it_is_sealed(tmp_path: Path) -> None:
    """Anybody could have added it, where there is a key."""
    a = Writer(tmp_path, "a", key=KEY).record(3).rotate()
    gone = {**a.after_row(), "part": 1, "first": 0}
    a.end()
    b = Writer(tmp_path, "b", key=KEY).checkpoint()
    b.add_retired(gone)
    (tmp_path / A1).unlink()
    report = verified(tmp_path)
    told = "that it was retired is told by a line that is not sealed yet"
    assert said(report) == [f"{A1}: missing: part 1 of the chain, before `{A2}`, is missing; {told}"]
    message = "is told to have been removed by retention, by a line that is not sealed yet"
    assert ("retired", A1, message) in noted(report)


def test_the_oldest_files_of_refused_tokens_go_by_themselves(tmp_path: Path) -> None:
    """Noted, and no finding; a file in the middle is one."""
    Writer(tmp_path, "a", stream="refused").record(2).rotate().record(2).rotate().record(2).end()
    (tmp_path / "refused-a1.jsonl").unlink()
    report = verified(tmp_path, key=None)
    limit = "nobody tells when files of refused tokens go by their limit of size"
    assert said(report) == []
    assert noted(report) == [
        ("limited", "", f"its first 4 lines are gone; {limit}"),
        ("limited", "refused-a1.jsonl", f"the file is gone; {limit}"),
    ]


def test_a_file_in_the_middle_of_refused_tokens_is_missing(tmp_path: Path) -> None:
    """The oldest go first, so this one did not go by itself."""
    Writer(tmp_path, "a", stream="refused").record(2).rotate().record(2).rotate().record(2).end()
    (tmp_path / "refused-a2.jsonl").unlink()
    message = "refused-a2.jsonl: missing: part 2 of the chain, before `refused-a3.jsonl`, is missing"
    assert said(verified(tmp_path, key=None)) == [message]


def test_what_a_writer_could_not_be_sure_of_is_noted(tmp_path: Path) -> None:
    """Lines behind what it told as accepted that go on with the chain."""
    writer = Writer(tmp_path, "a").record(2)
    kept = writer.chain.position
    accepted = writer.path.stat().st_size
    writer.record(2)
    writer.chain.position = kept
    writer.after = {"file": writer.path.name, "size": accepted}
    writer.begin()
    writer.end()
    report = verified(tmp_path, key=None)
    message = "the writer never took its last 2 lines for written; no decision rests on them"
    assert (said(report), noted(report)) == ([], [("unaccepted", A1, message)])


def test_files_are_told_by_their_first_lines(tmp_path: Path) -> None:
    """Rotation by others renames them, compresses them, or both; another name is noted."""
    Writer(tmp_path, "a").record(2).rotate().record(2).rotate().end()
    (tmp_path / A1).rename(tmp_path / f"{A1}.2")
    compressed(tmp_path / f"{A1}.2")
    (tmp_path / A2).rename(tmp_path / "old-20270115.jsonl")
    report = verified(tmp_path, key=None)
    assert report.chains[0].files == (f"{A1}.2.gz", "old-20270115.jsonl", "decisions-a3.jsonl")
    assert (said(report), noted(report)) == ([], [("renamed", "old-20270115.jsonl", f"it was begun as `{A2}`")])


def test_a_file_and_what_it_was_compressed_to_are_one(tmp_path: Path) -> None:
    """As a power cut between the two leaves them."""
    Writer(tmp_path, "a").record(2).end()
    (tmp_path / f"{A1}.gz").write_bytes(gzip.compress((tmp_path / A1).read_bytes()))
    report = verified(tmp_path, key=None)
    message = "the same file is here compressed and not; one of them can go"
    assert (said(report), noted(report)) == ([], [("twice", f"{A1}.gz", message)])


def test_an_empty_file_is_noted(tmp_path: Path) -> None:
    """A writer was killed before its first line."""
    Writer(tmp_path, "a").end()
    (tmp_path / B1).write_bytes(b"")
    (tmp_path / "decisions-c1.jsonl").write_bytes(b'{"seq":0')
    torn = "no whole line is in it, only 8 bytes of a torn one"
    expected = [("empty", B1, "it is empty"), ("empty", "decisions-c1.jsonl", torn)]
    assert noted(verified(tmp_path, key=None)) == expected


def test_a_spool_of_a_dead_writer_and_torn_lines_are_noted(tmp_path: Path) -> None:
    """A writer that lives holds a lock on its own."""
    Writer(tmp_path, "a").end()
    (tmp_path / ".spool-dead").write_bytes(b"x")
    (tmp_path / f"{A1}.torn").write_bytes(b"torn")
    with (tmp_path / ".spool-alive").open("wb") as spool:
        fcntl.flock(spool, fcntl.LOCK_EX)
        report = verified(tmp_path, key=None)
    message = "its writer has ended, and its last records are not in the log yet; run `policy audit recover`"
    assert noted(report) == [
        ("unrecovered", ".spool-dead", message),
        ("torn", f"{A1}.torn", "4 bytes of torn lines were set aside"),
    ]


def test_bytes_that_were_torn_and_set_aside_are_not_missed(tmp_path: Path) -> None:
    """Another file saw them in place; whole lines that were set aside are missed."""
    Writer(tmp_path, "a").record(2).end()
    with (tmp_path / A1).open("ab") as file:
        file.write(b"torn")
    Writer(tmp_path, "b").end()
    write(tmp_path / A1, lines_of(tmp_path / A1)[:-1])
    (tmp_path / f"{A1}.torn").write_bytes(b"torn")
    assert said(verified(tmp_path, key=None)) == []
    (tmp_path / f"{A1}.torn").write_bytes(b"tor\n")
    size = (tmp_path / A1).stat().st_size
    message = f"the tail was cut: it had {size + 4} bytes when `{B1}` was begun, and has {size}"
    assert said(verified(tmp_path, key=None)) == [f"{A1}, line 4: cut: {message}"]


def test_one_file_can_be_verified_alone(tmp_path: Path) -> None:
    """What stood before it is not looked for."""
    Writer(tmp_path, "a", key=KEY).record(2).rotate().record(2).end()
    report = verified(tmp_path / A2)
    message = "part 2 of its chain; the parts before it were not read"
    assert (said(report), noted(report)) == ([], [("alone", A2, message)])


def test_anchors_of_chains_that_went_in_order_are_met(tmp_path: Path) -> None:
    """By the record of their removal; of refused tokens, nobody tells."""
    a = Writer(tmp_path, "a").record(3).end()
    refused = Writer(tmp_path, "r", stream="refused").record(2).end()
    gone = {**a.after_row(), "part": 1, "first": 0}
    Writer(tmp_path, "b").retired(gone).end()
    (tmp_path / A1).unlink()
    refused.path.unlink()
    assert said(verify(tmp_path, anchors=[a.head, refused.head])) == []
    other = Head(*a.head[:5], "0" * 64, a.head.time)
    message = "the whole chain is missing: 2026-11-28T00:00:03.000000Z it stood at seq 4, in `decisions-a1.jsonl`"
    assert said(verify(tmp_path, anchors=[other])) == [f"missing: {message}"]


def test_refused_tokens_of_a_killed_writer_are_not_sealed(tmp_path: Path) -> None:
    """Nobody brings them in, so it is noted, not found; where the chain was ended, it is found."""
    writer = Writer(tmp_path, "a", stream="refused").record(2)
    report = verified(tmp_path)
    expected = [
        ("open", writer.path.name, OPEN),
        ("uncovered", writer.path.name, "the last 3 lines are not sealed yet"),
    ]
    assert (said(report), noted(report)) == ([], expected)
    writer.end()
    message = f"{writer.path.name}, line 4 (seq 3): unsealed: the checkpoint has no code"
    assert said(verified(tmp_path)) == [message]
