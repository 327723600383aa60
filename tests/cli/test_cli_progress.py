"""The bar of work that takes its time."""

from io import StringIO

import pytest

from policy.cli.progress import Progress, duration, size


class Terminal(StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


class Clock:
    """Stands still until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_shown_in_the_first_second() -> None:
    """Short work needs no bar."""
    clock, stream = Clock(), Terminal()
    with Progress(10, stream=stream, clock=clock) as progress:
        clock.now += 0.9
        progress(9)
    assert stream.getvalue() == ""


def test_the_bar_tells_share_amount_rate_and_what_is_left_and_goes_away() -> None:
    """A quarter in two seconds leaves six."""
    clock, stream = Clock(), Terminal()
    with Progress(4_000_000, what="verify", stream=stream, clock=clock) as progress:
        clock.now += 2
        progress(1_000_000)
    line = "verify  [######..................]  25%  1.0 MB of 4.0 MB  500.0 kB/s  0:06 left"
    assert stream.getvalue() == f"\r{line}\r{' ' * len(line)}\r"


def test_other_things_than_bytes_are_counted_by_their_name() -> None:
    """Records, here; and it is not drawn more often than ten times a second."""
    clock, stream = Clock(), Terminal()
    progress = Progress(3000, unit="records", stream=stream, clock=clock)
    clock.now += 1
    progress(1500)
    progress(1)
    assert (
        stream.getvalue()
        == "\r[############............]  50%  1,500 records of 3,000 records  1,500 records/s  0:01 left"
    )


def test_where_there_is_no_terminal_nothing_is_shown() -> None:
    """A log of a build gets no bars."""
    clock, stream = Clock(), StringIO()
    with Progress(10, stream=stream, clock=clock) as progress:
        clock.now += 60
        progress(5)
    assert (stream.getvalue(), progress.done) == ("", 5)


@pytest.mark.parametrize(("value", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2.5e15, "2500.0 TB")])
def test_sizes_are_for_people(value: float, text: str) -> None:
    """Three digits and a unit."""
    assert size(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.4, "0:00"), (67, "1:07"), (3723, "1:02:03")])
def test_durations_are_for_people(value: float, text: str) -> None:
    """As on a clock."""
    assert duration(value) == text
