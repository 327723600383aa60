"""Routes as text: columns, then once more what is wrong with each, and how many there are."""

from typing import TYPE_CHECKING

from policy.cli.reporters import plural
from policy.cli.style import paint, say, say_columns, verdict

if TYPE_CHECKING:
    from policy.flask.listing import Listed, Listing, Reach

HEADINGS = ("METHOD", "RULE", "DEMANDS", "ROLES", "SCOPES", "PLACE")


def as_text(listing: "Listing") -> None:
    """Print the listing."""
    say_columns([tuple(paint(each, "bold") for each in HEADINGS), *map(_row, listing.routes)])
    say()
    for problem in listing.everything_wrong:
        say(str(problem))
    found = len(listing.everything_wrong)
    say(f"{listing.application}: ", verdict(summary(found), good=not found), f"; {counts(listing)}")


def _row(one: "Listed") -> tuple[str, ...]:
    demanded = demands(one) if one.demands else paint(demands(one), "red")
    return (one.method, one.rule, demanded, reach(one.roles), reach(one.scopes), one.place)


def demands(one: "Listed") -> str:
    """What a route demands, as its marks are written."""
    return " and ".join(one.demands) or "UNDECLARED"


def reach(names: "Reach | None") -> str:
    """`a, b`: one of them. `a, b + c`: one of the first two, and the third. `-`: they do not count here."""
    if names is None:
        return "-"
    return " + ".join(", ".join(group) or "none" for group in names) or "any"


def counts(listing: "Listing") -> str:
    """`3 routes: 2 protected, 1 public`."""
    kinds = ((word, listing.number(word)) for word in ("protected", "authenticated", "public", "undeclared"))
    parts = ", ".join(f"{number} {word}" for word, number in kinds if number)
    return plural(len(listing.routes), "route") + (f": {parts}" if parts else "")


def summary(problems: int) -> str:
    """`sound`, or how many problems there are."""
    return plural(problems, "problem") if problems else "sound"
