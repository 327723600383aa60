"""Heads that are told elsewhere."""

import sys
from pathlib import Path

import pytest

from policy.audit.anchors import Head, anchor, read_anchors
from policy.errors import ClaimsPolicyError, PolicyError

HEAD = Head("a" * 16, "decisions", 1, "decisions-a1.jsonl", 7, "0f" * 32, "2026-11-28T00:00:07.000000Z")
LINE = (
    b'{"writer":"aaaaaaaaaaaaaaaa","stream":"decisions","part":1,"file":"decisions-a1.jsonl","seq":7,'
    b'"head":"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f","time":"2026-11-28T00:00:07.000000Z"}\n'
)


def python(text: str) -> list[str]:
    return [sys.executable, "-S", "-c", text]


def test_a_file_gets_a_line_for_each_head(tmp_path: Path) -> None:
    """Behind those that it has."""
    tell = anchor(tmp_path / "heads")
    tell(HEAD)
    anchor({"file": str(tmp_path / "heads")})(HEAD._replace(seq=8))
    assert (tmp_path / "heads").read_bytes() == LINE + LINE.replace(b'"seq":7', b'"seq":8')
    assert list(read_anchors(tmp_path / "heads")) == [HEAD, HEAD._replace(seq=8)]


def test_a_command_gets_the_line_on_its_input(tmp_path: Path) -> None:
    """Its words are passed as they are, by no shell."""
    out = tmp_path / "out $HOME; x"
    copy = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"
    anchor({"command": [*python(copy), str(out)]})(HEAD)
    assert out.read_bytes() == LINE


def test_a_command_that_fails_is_told_with_its_words() -> None:
    """So that the log of the application says why."""
    with pytest.raises(OSError, match=r"^the anchor `\S+` ended with status 3: no room$"):
        anchor(python("import sys; sys.stderr.write('no room\\n'); sys.exit(3)"))(HEAD)


def test_a_command_that_does_not_end_is_ended() -> None:
    """It may not hold up the log."""
    with pytest.raises(TimeoutError, match=r"^the anchor `\S+` took longer than 0.05 seconds$"):
        anchor(python("import signal; signal.pause()"), seconds=0.05)(HEAD)


@pytest.mark.parametrize("target", ["/no/such/folder/heads", ["/no/such/command"]])
def test_what_is_not_there_is_an_error_of_the_system(target: str | list[str]) -> None:
    """The caller logs and counts it."""
    with pytest.raises(FileNotFoundError):
        anchor(target)(HEAD)


@pytest.mark.parametrize(
    "target", ["", [], {}, {"file": ""}, {"command": "logger"}, {"file": "a", "command": ["b"]}, 7]
)
def test_a_target_that_is_none_is_refused(target: object) -> None:
    """When it is configured, not at the first checkpoint."""
    with pytest.raises(PolicyError) as caught:
        anchor(target)  # type: ignore[arg-type]
    assert str(caught.value) == (
        'an anchor is a path to append to, or a command as its words, such as `["logger", "-t", "audit"]`'
    )


def test_a_line_that_is_no_head_is_an_error_with_its_place(tmp_path: Path) -> None:
    """Numbers have to be numbers."""
    for bad in (
        b"{}\n",
        b"x\n",
        b"[]\n",
        LINE.replace(b'"seq":7', b'"seq":"7"'),
        LINE.replace(b'"seq":7', b'"seq":true'),
    ):
        (tmp_path / "heads").write_bytes(LINE + bad)
        with pytest.raises(ClaimsPolicyError) as caught:
            list(read_anchors(tmp_path / "heads"))
        assert str(caught.value) == f"`{tmp_path / 'heads'}`, line 2 is no anchor; give a file that anchors wrote"


def test_a_torn_last_line_is_passed_over(tmp_path: Path) -> None:
    """It was never told to the end."""
    (tmp_path / "heads").write_bytes(LINE + LINE[:50])
    assert list(read_anchors(tmp_path / "heads")) == [HEAD]


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Anchors that cannot be read show nothing."""
    with pytest.raises(ClaimsPolicyError) as caught:
        list(read_anchors(tmp_path / "heads"))
    assert str(caught.value) == f"the anchors in `{tmp_path / 'heads'}` cannot be read: no such file or directory"
