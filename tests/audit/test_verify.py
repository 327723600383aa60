"""What `verify` says of logs that are as they may be: notes, counts, files that went in order."""

import gzip
import json
import re
from functools import partial
from pathlib import Path

import pytest

from policy.audit.seals import checker
from policy.audit.verification import reading, scanning
from policy.audit.verification.report import ChainReport, Finding, Kind, Report
from policy.audit.verifying import verify
from policy.errors import ClaimsPolicyError
from tests.audit.chained import KEY, OTHER_KEY, Writer
from tests.audit.tampered import (
    A1,
    A2,
    B1,
    OPEN,
    edited,
    inside,
    lines_of,
    noted,
    relinked,
    said,
    verified,
    write,
    write_log,
)


def test_a_chain_is_told_with_its_files_counts_and_times(tmp_path: Path) -> None:
    """Lines of the chain itself are no records."""
    writer = Writer(tmp_path, "a", key=KEY).record(3).rotate().record(2).end()
    name = f"HS256 {writer.sealer.key if writer.sealer else ''}"
    chain = ChainReport(
        writer="a" * 16, stream="decisions", files=(A1, A2), lines=9, records=5,
        first_time="2026-11-28T00:00:00.000000Z", last_time="2026-11-28T00:00:05.000000Z",
        first_seq=0, last_seq=8, head=writer.head.head, ended=True, sealed_by=(name,), checked=True, covered=8,
    )  # fmt: skip
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    expected = Report(chains=(chain,), findings=(), notes=(), files=2, lines=9, records=5, size=size)
    assert verified(tmp_path) == expected


def test_several_processes_say_the_same(tmp_path: Path) -> None:
    """And count the same bytes."""
    write_log(tmp_path)
    write(tmp_path / A1, edited(4, inside(b'"now":'))(lines_of(tmp_path / A1)))
    read: list[int] = []
    alone = verify(tmp_path, checker=checker([KEY]))
    together = verify(tmp_path, checker=checker([KEY]), jobs=2, progress=read.append)
    assert (together, sum(read)) == (alone, sum(path.stat().st_size for path in tmp_path.iterdir()))


def test_blocks_may_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also compressed, and in several members."""
    write_log(tmp_path)
    expected = verified(tmp_path).chains
    content = (tmp_path / A1).read_bytes()
    (tmp_path / A1).unlink()
    (tmp_path / f"{A1}.gz").write_bytes(gzip.compress(content[:1000]) + gzip.compress(content[1000:]))
    for size in (1, 7, 333, 10_000):
        monkeypatch.setattr(scanning, "blocks", partial(reading.blocks, block=size))
        report = verified(tmp_path)
        assert said(report) == []
        assert [chain.head for chain in report.chains] == [chain.head for chain in expected]


def test_an_open_chain_and_its_unsealed_tail_are_noted(tmp_path: Path) -> None:
    """Said plainly: this is what a cut tail looks like."""
    Writer(tmp_path, "a", key=KEY, every=5).record(7)
    report = verified(tmp_path)
    assert noted(report) == [("open", A1, OPEN), ("uncovered", A1, "the last 2 lines are not sealed yet")]


def test_a_torn_last_line_is_noted(tmp_path: Path) -> None:
    """It was never accepted."""
    Writer(tmp_path, "a").record(7)
    with (tmp_path / A1).open("ab") as file:
        file.write(b'{"seq":8,"prev')
    report = verified(tmp_path, key=None)
    assert noted(report)[0] == ("torn", A1, "14 bytes of a torn line follow its last whole line")
    assert (said(report), report.notes[0].line) == ([], 9)


def test_a_sealed_log_without_a_key_is_noted(tmp_path: Path) -> None:
    """Codes that nobody checks prove nothing."""
    writer = Writer(tmp_path, "a", key=KEY, every=2).record(3).end()
    key = writer.sealer.key if writer.sealer else ""
    message = f"checkpoints were sealed with HS256 {key}, and no key was given to check them"
    assert noted(verified(tmp_path, key=None)) == [("unchecked", "", message)]


def test_a_key_for_a_log_that_has_no_codes_finds_that(tmp_path: Path) -> None:
    """Also where it has no checkpoint at all."""
    Writer(tmp_path, "a").record(3).end()
    Writer(tmp_path, "b").record(3)
    assert said(verified(tmp_path)) == [
        f"{A1}, line 5 (seq 4): unsealed: the checkpoint has no code",
        f"{B1}: unsealed: a key was given, and nothing in this chain is sealed",
    ]


def test_a_chain_that_stops_having_codes_is_found_without_the_key(tmp_path: Path) -> None:
    """No writer of the library does so."""
    writer = Writer(tmp_path, "a", key=KEY, every=2).record(2)
    writer.sealer = None
    writer.record(2)
    message = f"{A1}, line 7 (seq 6): unsealed: the checkpoint has no code, and earlier ones of the chain have"
    assert said(verified(tmp_path, key=None)) == [message]


def test_another_key_than_those_given_is_found_and_both_together_are_good(tmp_path: Path) -> None:
    """As when the key was changed."""
    Writer(tmp_path, "a", key=KEY, every=2).record(2).end()
    other = Writer(tmp_path, "b", key=OTHER_KEY, every=2).record(2).end()
    name = other.sealer.key if other.sealer else ""
    message = f"{B1}, line 4 (seq 3): mac: sealed with the key HS256 {name}, which is none of those given"
    assert said(verified(tmp_path)) == [message]
    assert said(verify(tmp_path, checker=checker([KEY, OTHER_KEY]))) == []


def test_findings_are_whole_sentences_with_their_places(tmp_path: Path) -> None:
    """Line, offset and number of one finding."""
    write_log(tmp_path)
    lines = lines_of(tmp_path / A1)
    write(tmp_path / A1, lines[:5] + lines[6:])
    assert verified(tmp_path).findings == (
        Finding(
            kind=Kind.GAP, message="seq 5 is missing before this line", file=A1, line=6,
            offset=sum(map(len, lines[:5])), seq=6, writer="a" * 16, stream="decisions",
        ),
    )  # fmt: skip
    assert json.loads(json.dumps(verified(tmp_path).as_dict()))["findings"] == [
        {
            "kind": "gap", "message": "seq 5 is missing before this line", "file": A1, "line": 6,
            "offset": sum(map(len, lines[:5])), "seq": 6, "writer": "a" * 16, "stream": "decisions",
        }
    ]  # fmt: skip


def test_a_swap_names_both_lines(tmp_path: Path) -> None:
    """Each stands where the other belongs."""
    Writer(tmp_path, "a").record(8).end()
    lines = lines_of(tmp_path / A1)
    write(tmp_path / A1, [*lines[:4], lines[5], lines[4], *lines[6:]])
    message = "the line belongs between line 6 (seq 4) and line 7 (seq 6)"
    assert said(verified(tmp_path, key=None)) == [f"{A1}, line 5 (seq 5): reorder: {message}"]


def test_many_findings_are_counted_and_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with them."""
    monkeypatch.setattr(scanning, "RUNS_AT_MOST", 20)
    Writer(tmp_path, "a").record(400).end()
    lines = lines_of(tmp_path / A1)
    write(tmp_path / A1, [line for at, line in enumerate(lines) if at % 3 != 2])
    report = verified(tmp_path, key=None)
    assert ({finding.kind for finding in report.findings}, len(report.findings)) == ({Kind.GAP}, 19)
    assert report.unlisted == 114


def test_a_line_without_an_end_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compressed file of a few bytes can hold gigabytes of it."""
    monkeypatch.setattr(scanning, "LONGEST_LINE", 5000)
    Writer(tmp_path, "a").record(2).end()
    with (tmp_path / A1).open("ab") as file:
        file.write(b"x" * 10_000)
    message = "the rest cannot be read: line 5 is longer than any record; nothing behind it was read"
    assert said(verified(tmp_path, key=None))[0] == f"{A1}, line 4: damaged: {message}"


def test_lines_nested_without_end_are_no_records(tmp_path: Path) -> None:
    """They are parsed only where they say that they are the chain's own."""
    Writer(tmp_path, "a").record(2)
    deep = b'{"v":2,"kind":"checkpoint","x":' + b"[" * 50_000 + b"}\n"
    write(tmp_path / A1, relinked([*lines_of(tmp_path / A1), b'{"seq":3,"prev":"",' + deep[1:]]))
    message = "changed: the line was changed: it is the last one, and no record"
    assert said(verified(tmp_path, key=None)) == [f"{A1}, line 4 (seq 3): {message}"]


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    """An empty folder is no whole log."""
    with pytest.raises(ClaimsPolicyError, match=re.escape(f"`{tmp_path}` holds no audit log: it has no *.jsonl file")):
        verify(tmp_path)
    with pytest.raises(
        ClaimsPolicyError, match=f"^the log at `{tmp_path}/no` cannot be read: no such file or directory$"
    ):
        verify(tmp_path / "no")
