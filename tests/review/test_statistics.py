"""A log counted: by outcome, reason, place and person, and over time."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from policy.review import statistics
from policy.review.dimensions import Said, said
from policy.review.grouping import Engine, engine
from policy.review.periods import Period, Periods, in_words, periods
from policy.review.statistics import OTHERS, Row, Statistics, by_minute, measured, ranked
from tests.review.lines import BEGAN, ISSUER, decided, head, line, refused, write

HOUR = 3600.0
DENIED: dict[str, Any] = {
    "outcome": "deny", "reason": "scope-missing", "method": "PUT", "route": "/api/data/<int:id>",
    "verdicts": (("read:data", True, "allowed"), ("update:data", False, "scope-missing")),
}  # fmt: skip
SURPLUS = {"since": "2026-11-28T00:00:00.000000Z", "counts": {"token-absent": 120, "token-expired": 3}}


@pytest.fixture(params=["duckdb", "plain"])
def reading(request: pytest.FixtureRequest) -> Engine:
    """Each engine that needs nothing but itself."""
    return engine(request.param)


@pytest.fixture
def log(tmp_path: Path) -> list[Path]:
    """Two files: of decisions, with one torn line and an old one, and of refused tokens."""
    records = [
        decided(1), decided(2, now=BEGAN + HOUR, id="bob"), decided(3, **DENIED, id="bob"),
        decided(4, **DENIED, id="carol", now=BEGAN + HOUR), decided(5, **DENIED, id="bob", client=None),
        decided(6, kind="probe", outcome="deny", reason="no-role-grants-it", now=BEGAN + 5 * HOUR),
        {**decided(7), "v": 1},
    ]  # fmt: skip
    surplus = {**head("surplus", 12, BEGAN + 2 * HOUR), **SURPLUS}
    lost = {**head("lost", 13, BEGAN), "since": "2026-11-28T00:00:00.000000Z", "count": 4}
    told = [refused(10), refused(11, kind="fault", reason="not-sealed"), surplus, lost]
    torn = line(decided(9))[:-3]
    return [
        write(tmp_path / "decisions-1-1.jsonl.gz", records, torn=torn),
        write(tmp_path / "refused-1-1.jsonl", told),
    ]


def row(name: str, *causes: tuple[str, int], **counts: int) -> Row:
    return Row(name=name, counts=counts, causes=causes)


def test_a_log_is_counted(reading: Engine, log: list[Path]) -> None:
    """Every answer once: probes apart, and what is no record apart."""
    put, get = "PUT /api/data/<int:id>", "GET /api/data"
    assert measured(reading, log) == Statistics(
        first="2026-11-28T00:00:00.000000Z",
        last="2026-11-28T05:00:00.000000Z",
        totals={"allowed": 2, "denied": 3, "refused": 1, "surplus": 123, "fault": 1},
        probes=1,
        lost=4,
        unread=2,
        by_time={
            "2026-11-28T00": {"allowed": 1, "denied": 2, "refused": 1, "fault": 1},
            "2026-11-28T01": {"allowed": 1, "denied": 1},
            "2026-11-28T02": {"surplus": 123},
        },
        rows={
            "reason": (
                row("token-absent", refused=1, surplus=120),
                row("scope-missing", denied=3),
                row("token-expired", surplus=3),
                row("not-sealed", fault=1),
            ),
            "permission": (
                row("update:data", ("scope-missing", 3), denied=3),
                row("read:data", allowed=5),
            ),
            "route": (
                row(put, ("scope-missing", 3), denied=3),
                row(get, ("not-sealed", 1), ("token-absent", 1), allowed=2, refused=1, fault=1),
            ),
            "kind": (
                row("surplus", surplus=123),
                row("request", allowed=2, denied=3),
                row("fault", fault=1),
                row("refused", refused=1),
            ),
        },
        cells={(put, "scope-missing"): 3, (get, "token-absent"): 1, (get, "not-sealed"): 1},
    )


def test_a_window_bounds_what_is_counted(reading: Engine, log: list[Path]) -> None:
    """From a time on, and before one."""
    found = measured(reading, log, since="2026-11-28T01", until="2026-11-28T02")
    assert (found.totals, found.probes, found.unread) == (
        {"allowed": 1, "denied": 1, "refused": 0, "surplus": 0, "fault": 0}, 0, 0,
    )  # fmt: skip
    nothing = measured(reading, log, since="2027")
    assert (nothing.first, nothing.last, sum(nothing.totals.values())) == ("", "", 0)


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("subject", (
            row("bob", ("scope-missing update:data", 2), allowed=1, denied=2),
            row("carol", ("scope-missing update:data", 1), denied=1),
        )),
        ("client", (
            row("app", ("scope-missing update:data", 2), allowed=2, denied=2),
            row("-", ("scope-missing update:data", 1), denied=1),
        )),
        ("issuer", (row(ISSUER, ("scope-missing update:data", 3), allowed=2, denied=3),)),
        ("tenant", (row("-", ("scope-missing update:data", 3), allowed=2, denied=3),)),
        ("policy", (row("d" * 64, ("scope-missing update:data", 3), allowed=2, denied=3),)),
    ],
)  # fmt: skip
def test_who_was_denied_what(reading: Engine, log: list[Path], by: str, rows: tuple[Row, ...]) -> None:
    """Those who were denied something, with the permission that was refused and what they were allowed."""
    assert ranked(reading, log, by, most=10) == rows
    assert ranked(reading, log, by, most=1) == rows[:1]


def test_an_allowed_record_whose_shadow_denies_is_no_denial(reading: Engine, tmp_path: Path) -> None:
    """The answer of a policy that is only tried stands in the same line."""
    shadow = {"shadow": {"policy": "abc", "outcome": "deny", "reason": "scope-missing"}}
    file = write(tmp_path / "a.jsonl", [decided(1, more=shadow)])
    assert ranked(reading, [file], "subject", most=10) == ()
    assert measured(reading, [file]).totals["denied"] == 0


def test_subjects_of_several_issuers_are_told_apart(reading: Engine, tmp_path: Path) -> None:
    """The same id may be two people's; ids are shown as they stand, whatever was done to them."""
    other = {"issuer": "https://other.example"}
    odd = 'x","id":"bob'
    records = [
        decided(1, **DENIED, id="bob"), decided(2, **DENIED, id="bob", subject=other), decided(3, id="bob"),
        decided(4, **DENIED, id=None), decided(5, **DENIED, id="hmac:3f"), decided(6, **DENIED, id=odd),
        decided(7, **DENIED, id="bob", subject=other),
    ]  # fmt: skip
    file = write(tmp_path / "a.jsonl", records)
    found = {each.name: dict(each.counts) for each in ranked(reading, [file], "subject", most=10)}
    assert found == {
        "bob of https://other.example": {"denied": 2},
        f"bob of {ISSUER}": {"allowed": 1, "denied": 1},
        f"(dropped) of {ISSUER}": {"denied": 1},
        f"hmac:3f of {ISSUER}": {"denied": 1},
        f"{odd} of {ISSUER}": {"denied": 1},
    }


def test_rows_without_end_are_counted_together(
    reading: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No number of routes fills the memory."""
    monkeypatch.setattr(statistics, "_ROWS_AT_MOST", 2)
    file = write(tmp_path / "a.jsonl", [decided(at, route=f"/{at}") for at in range(5)])
    rows = measured(reading, [file]).rows["route"]
    assert (len(rows), sum(each.counts["allowed"] for each in rows), rows[0].name) == (3, 5, OTHERS)


def test_a_short_log_is_counted_by_minute(reading: Engine, tmp_path: Path) -> None:
    """Probes are left out here too."""
    records = [decided(1), decided(2, now=BEGAN + 59), decided(3, now=BEGAN + 60, **DENIED), decided(4, kind="probe")]
    file = write(tmp_path / "a.jsonl", records)
    assert by_minute(reading, [file]) == {"2026-11-28T00:00": Counter(allowed=2), "2026-11-28T00:01": Counter(denied=1)}


def test_a_word_that_a_caller_made_up_is_no_method() -> None:
    """It is a part of no row's name."""
    assert said('"method":"GET","route":"/a"') == Said("GET /a", "None", "None", ())
    assert said('"method":"EVIL","route":"/a","outcome":"deny","reason":"x"') == Said("? /a", "deny", "x", ())
    assert said('"method":"","route":""') == Said("-", "None", "None", ())
    assert said('"method":') is None


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_periods_have_no_gaps() -> None:
    """What nothing happened in is there too."""
    counted = {"2026-11-28T00": {"allowed": 1}, "2026-11-28T03": {"denied": 2}, "": {"allowed": 9}}
    found = periods(counted, 10)
    parts = (Period(at(28), {"allowed": 1}), Period(at(28, 1), {}), Period(at(28, 2), {}))
    assert found == Periods(3600, (*parts, Period(at(28, 3), {"denied": 2})))
    assert periods(counted, 3) == Periods(7200, (Period(at(28), {"allowed": 1}), Period(at(28, 2), {"denied": 2})))
    assert periods(counted, 1) == Periods(6 * 3600, (Period(at(28), {"allowed": 1, "denied": 2}),))
    assert periods({}, 10) == Periods(3600, ())


def test_minutes_and_ages_fit_too() -> None:
    """The unit is as long as it must be."""
    assert periods({"2026-11-28T00:07": {}, "2026-11-28T00:09": {}}, 5).parts[0].time == "2026-11-28T00:07Z"
    found = periods({"0001-01-01T00": {"allowed": 1}, "9999-12-31T23": {"allowed": 1}}, 60)
    assert 2 <= len(found.parts) <= 60
    assert len(periods({"1969-01-01T00": {}, "2026-12-31T23": {}}, 1).parts) == 1
    assert [in_words(unit) for unit in (60, 7200, 86400, 14 * 86400)] == ["1 minute", "2 hours", "1 day", "2 weeks"]
