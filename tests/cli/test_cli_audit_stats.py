"""`policy audit stats` counts a log: as text, as JSON and as a page."""

import hashlib
import json
import re
import sys
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from policy.cli.plots import bar, heights, terminal
from tests.cli.conftest import Program
from tests.review.lines import BEGAN, decided, head, refused, write

LOG = Path("var/audit")
HOUR = 3600.0
DENIED: dict[str, Any] = {
    "outcome": "deny", "reason": "scope-missing", "route": "/api/data/<int:id>", "method": "PUT",
    "verdicts": (("update:data", False, "scope-missing"),),
}  # fmt: skip


@pytest.fixture
def log(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day's log."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("TERM", raising=False)
    records = [decided(at, now=BEGAN + at * HOUR) for at in range(1, 9)]
    records += [decided(20 + at, now=BEGAN + 4 * HOUR, **DENIED, id="bob") for at in range(4)]
    records += [decided(30, kind="probe")]
    surplus = {**head("surplus", 41, BEGAN), "since": "x", "counts": {"token-absent": 16}}
    write(LOG / "decisions-1-1.jsonl", records, torn=b'{"seq"')
    write(LOG / "refused-1-1.jsonl", [refused(40), surplus])


SHOWN = """\
29 answers, from 2026-11-28T00:00Z to 2026-11-28T08:00Z

allowed   8  ####################
denied    4  ##########
refused   1  ##
surplus  16  ########################################  (refused too, and only counted)
fault     0
Beside these, 1 probe asked and refused nobody.

over time, each column 10 minutes
allowed        @     @     @     @     @     @     @     @  at most 1
denied                           @                          at most 4
refused  @                                                  at most 1
surplus  @                                                  at most 16
         2026-11-28T00:00Z               2026-11-28T08:00Z

by reason
  reason         denied  refused  surplus
  token-absent        0        1       16  ########################
  scope-missing       4        0        0  ######

by route
  route                   allowed  denied  refused  mostly
  PUT /api/data/<int:id>        0       4        0  scope-missing x4
  GET /api/data                 8       0        1  token-absent x1

by subject
  subject  denied  mostly
  bob           4  scope-missing update:data x4
"""
UNREAD = "policy: var/audit: 1 line is no record of version 2 and not counted\n"


def test_a_log_is_counted_in_plots_of_text(program: Program, log: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What became of requests, when, why, where and for whom; in ASCII where the terminal has no more."""
    monkeypatch.setenv("TERM", "dumb")
    ran = program("audit", "stats")
    assert ran == (0, SHOWN, UNREAD)
    assert program("audit", "stats", "--engine", "plain") == ran


def test_rows_are_by_what_is_asked(program: Program, log: None) -> None:
    """And no others; as many as are wanted."""
    ran = program("audit", "stats", "--by", "permission", "--by", "client", "--most", "1")
    assert ran.out.partition("\n\nby ")[2] == (
        "permission, the 1 most often not allowed\n"
        "  permission   denied  mostly\n"
        "  update:data       4  scope-missing x4\n"
        "\n"
        "by client, the 1 most often not allowed\n"
        "  client  allowed  denied  mostly\n"
        "  app           8       4  scope-missing update:data x4\n"
    )


def test_long_names_are_cut_and_none_forges_a_line(program: Program, here: Path) -> None:
    """Whatever a caller sends stands within the width."""
    odd = "/" + "x" * 200 + "\n\x1b[31m"
    write(LOG / "a.jsonl", [decided(1, **{**DENIED, "route": odd}), decided(2, **DENIED, id="a\nb" + "y" * 200)])
    ran = program("audit", "stats")
    assert ran.status == 0
    assert "\x1b" not in ran.out
    assert max(map(len, ran.out.splitlines())) <= 86  # an escape is longer than what it stands for
    assert r"a\u000ab" in ran.out


def test_json_has_every_number(program: Program, log: None) -> None:
    """For another program."""
    found = json.loads(program("audit", "stats", "--json", "--since", "2026-11-28T04", "--until", "2026-11-28T05").out)
    bob = {"allowed": 0, "denied": 4, "refused": 0, "surplus": 0, "fault": 0}
    assert found["by"]["subject"] == [{"name": "bob", **bob, "causes": {"scope-missing update:data": 4}}]
    assert found["by"]["reason"] == [{"name": "scope-missing", **bob, "causes": {}}]
    assert [each["name"] for each in found["by"]["route"]] == ["PUT /api/data/<int:id>", "GET /api/data"]
    del found["by"]
    assert found == {
        "log": "var/audit", "since": "2026-11-28T04", "until": "2026-11-28T05",
        "first": "2026-11-28T04:00:00.000000Z", "last": "2026-11-28T04:00:00.000000Z",
        "totals": {**bob, "allowed": 1}, "probes": 0, "lost": 0, "unread": 0, "seconds_a_part": 60,
        "over_time": [{"time": "2026-11-28T04:00Z", **bob, "allowed": 1}],
    }  # fmt: skip


def test_decisions_without_a_record_are_told(program: Program, here: Path) -> None:
    """The log itself counts them; they are in no other number."""
    lost = {**head("lost", 2, BEGAN), "since": "2026-11-28T00:00:00.000000Z", "count": 1200}
    write(LOG / "a.jsonl", [decided(1), lost])
    assert "\nThe log tells of 1,200 more decisions that have no record.\n" in program("audit", "stats").out
    program("audit", "stats", "--html", "page.html")
    assert "as the log itself tells: 1,200.</p>" in Path("page.html").read_text("ascii")


def test_an_empty_window_is_said_to_be_empty(program: Program, log: None) -> None:
    """In every form."""
    assert program("audit", "stats", "--since", "2027-01").out == "There is no record in this time.\n"
    found = json.loads(program("audit", "stats", "--since", "2027-01", "--json").out)
    assert (found["first"], found["over_time"], sum(found["totals"].values())) == (None, [], 0)
    program("audit", "stats", "--since", "2027-01", "--html", "page.html")
    assert "there is no record in this time." in Path("page.html").read_text("ascii")


@pytest.mark.parametrize("count", ["0", "-1", "x", "10000", "\u0661"])
def test_a_number_of_rows_is_one(program: Program, here: Path, count: str) -> None:
    """Before anything is read."""
    ran = program("audit", "stats", f"--most={count}")
    assert ran.err.endswith(f"`{count}` is not a number of rows between 1 and 9999\n")
    assert ran.status == 2


class Tags(HTMLParser):
    """What a page consists of."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_has_charts_and_the_same_in_tables(program: Program, log: None) -> None:
    """It is well-formed, needs nothing else, and each picture has a title."""
    ran = program("audit", "stats", "--html", "page.html")
    assert ran == (0, "", f"policy: wrote page.html\n{UNREAD}")
    text = Path("page.html").read_text("ascii")
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    names = [tag for tag, _ in tags.seen]
    assert (names.count("svg"), names.count("table")) == (6, 6)
    pictures = [attrs for tag, attrs in tags.seen if tag == "svg" and "aria-hidden" not in attrs]
    ids = {attrs.get("id") for _, attrs in tags.seen}
    assert all(attrs["role"] == "img" and attrs["aria-labelledby"] in ids for attrs in pictures)
    assert not {"src", "href", "style", "onclick"} & {name for _, attrs in tags.seen for name in attrs}
    assert 'class="surplus" x="28.2" y="19" width="451.8"' in text
    assert '<th scope="row">PUT /api/data/&lt;int:id&gt;</th>' in text
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; script-src 'sha256-" in text


def test_names_cannot_break_the_page(program: Program, here: Path) -> None:
    """They are text wherever they stand."""
    evil = '</title><script>alert("1")</script>\u2028\x1b'
    write(LOG / "a.jsonl", [decided(1, **{**DENIED, "route": evil}, id=evil, client=evil)])
    assert program("audit", "stats", "--html", "page.html").status == 0
    text = Path("page.html").read_text("ascii")
    assert text.count("<script") == 0
    assert text.count("&lt;script&gt;alert(&quot;1&quot;)") == 3
    assert "\x1b" not in text


def test_bars_and_heights_are_never_nothing() -> None:
    """What is above 0 can be seen, and what is 0 cannot."""
    assert [bar(value, 8, 2, blocks=True) for value in (0, 0.001, 1, 4, 5, 8)] == ["", "▏", "▎", "█", "█▎", "██"]
    assert [bar(value, 8, 4, blocks=False) for value in (0, 0.001, 4, 8)] == ["", "#", "##", "####"]
    assert bar(1, 0, 4, blocks=True) == ""
    assert heights([0, 0.001, 4, 8], 8, blocks=True) == " ▁▄█"
    assert heights([0, 0.001, 4, 8], 8, blocks=False) == " .=@"
    assert heights([0, 0], 0, blocks=True) == "  "


def test_the_terminal_says_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its width within bounds, and whether it has block characters."""
    monkeypatch.delenv("TERM", raising=False)
    for encoding, blocks in (("utf-8", True), ("ascii", False), ("latin-1", False), ("no-such", False)):
        monkeypatch.setattr(sys, "stdout", type("Out", (), {"encoding": encoding, "fileno": lambda self: 99})())
        for columns, width in ((10, 40), (100, 100), (500, 120)):
            monkeypatch.setenv("COLUMNS", str(columns))
            found = terminal()
            assert (found.width, found.blocks) == (width, blocks)
