"""Results as tables for a terminal."""

from collections.abc import Iterable, Sequence

from benchmarks.deciding import Row
from benchmarks.loading import Load
from benchmarks.results import Decided, Target, machine, ratio
from benchmarks.tokens import Verification

NOTHING = "-"


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Aligned columns: the first to the left, the others to the right."""
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = ["  ".join((line[0].ljust(widths[0]), *_right(line[1:], widths[1:]))).rstrip() for line in lines]
    return "\n".join((title, "", *(f"  {line}" for line in shown), ""))


def _right(cells: Sequence[str], widths: Sequence[int]) -> Iterable[str]:
    return (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))


def heading() -> str:
    """What it all ran on, and how to read the tables."""
    on = machine()
    versions = ", ".join(f"{name} {number}" for name, number in on["versions"].items())
    ran_on = f"{on['python']}, {on['cpus']} CPUs, load {on['load']:.2f}, {on['system']}"
    return f"{ran_on}\n{versions}\nx: multiples of the floor's time; gain: how many times faster than cedarpy\n"


def decisions(decided: Decided) -> str:
    """Microseconds, multiples of the floor, and how many times faster than cedarpy."""
    title = f"{decided.workload}: {decided.rules:,} rules, {decided.requests:,} requests"
    head = ("engine", "verified", "allow us", "deny us", "both us", "allow x", "deny x", "both x", "gain")
    floor = next((row for row in decided.rows if row.engine == "floor"), None)
    cedar = next((row for row in decided.rows if row.engine == "cedarpy"), None)
    return table(title, head, (_decision(row, floor, cedar) for row in decided.rows))


def _decision(row: Row, floor: Row | None, cedar: Row | None) -> Sequence[str]:
    if row.wrong:
        return row.way, f"{row.wrong:,} of {row.verified:,} WRONG", *(NOTHING,) * 7
    times = (row.allow_us, row.deny_us, row.both_us)
    floors = (floor.allow_us, floor.deny_us, floor.both_us) if floor else (None,) * 3
    gain = ratio(row.both_us, cedar.both_us) if cedar and row.engine != "cedarpy" else None
    multiples = (ratio(base, value) for base, value in zip(floors, times, strict=True))
    return row.way, f"{row.verified:,}", *map(number, (*times, *multiples, gain))


def loading(loads: Sequence[Load]) -> str:
    """Milliseconds, memory, and multiples of the floor's."""
    floor = next((each for each in loads if each.engine == "floor"), None)
    rows = (
        (each.engine, f"{each.ms:,.0f}", f"{each.mib:,.0f}", number(ratio(floor and floor.ms, each.ms)))
        for each in loads
    )
    return table("Loading A-large, each time in a fresh process", ("engine", "ms", "MiB added", "x floor"), rows)


def tokens(verifications: Iterable[Verification]) -> str:
    """Microseconds and tokens a second, and ours as a multiple of PyJWT's time."""
    rows = (
        (
            each.algorithm, number(each.ours_us), number(each.known_us), number(each.pyjwt_us),
            f"{1e6 / each.ours_us:,.0f}", number(each.ratio), f"{each.known_ratio:.4f}",
        )
        for each in verifications
    )  # fmt: skip
    head = ("algorithm", "new us", "known again us", "jwt.decode us", "new a second", "new x PyJWT", "known x PyJWT")
    return table("Token verification", head, rows)


def targets(found: Iterable[Target]) -> str:
    """Each target with what was measured beside it."""
    words = {True: "met", False: "NOT MET", None: "not measured"}
    rows = (
        (each.what, f"{each.sign} {each.bound:g}", number(each.measured), words[each.met], each.unit) for each in found
    )
    return table("Targets", ("what", "target", "measured", "verdict", "unit"), rows)


def number(value: float | None) -> str:
    """Two decimals, fewer where they say nothing."""
    if value is None:
        return NOTHING
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"
