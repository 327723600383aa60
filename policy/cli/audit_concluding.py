"""What is concluded from a log about a policy's grants, and why nothing is where records are missing."""

import argparse
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from policy.cli.arguments import Parser, takes_policy
from policy.cli.audit_reading import Reading, progress_over, reading_of, takes_reading
from policy.cli.style import complain, warn
from policy.compile import Compiled
from policy.engine import Policy
from policy.review.grants import Grant, all_grants
from policy.review.missing import Doubt, of_the_chains, of_the_lines, of_the_records, of_the_window, verified
from policy.review.recorded import Beside
from policy.review.usage import Usage, usage


@dataclass(frozen=True, kw_only=True, slots=True)
class Concluded:
    """What a log says of the grants of a policy; `young` are grants that another policy of these records had not."""

    reading: Reading
    rules: Policy
    usage: Usage
    doubts: tuple[Doubt, ...]
    young: frozenset[Grant]


def takes_conclusion(made: Parser) -> None:
    """Add what says of which log and policy, and when to conclude something."""
    takes_reading(made)
    takes_policy(made)
    made.add_argument(
        "--at-least", type=_days, default=30.0, metavar="DAYS", help="of how many days there must be records (30)"
    )
    made.add_argument("--anyway", action="store_true", help="conclude from what is there, though records are missing")


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = math.nan
    if not 0 <= days <= 36525:
        raise argparse.ArgumentTypeError(f"`{text}` is not a number of days")
    return days


def conclude(args: argparse.Namespace) -> Concluded:
    """Ask the log; doubts are given, whatever is made of them."""
    rules, log = Policy.load(args.policy), reading_of(args)
    with progress_over(log, "asking what was needed") as progress:
        found = usage(log.engine, log.files, rules, since=log.since, until=log.until, progress=progress)
    kept = _kept(args.log, found.policies, rules)
    doubts = (*of_the_window(found, args.at_least), *_of_the_log(args.log, log), *of_the_records(found, rules, kept))
    young = frozenset(grant for other in kept.values() for grant in _missing_in(rules, other))
    return Concluded(reading=log, rules=rules, usage=found, doubts=doubts, young=young)


def _of_the_log(path: str, log: Reading) -> Iterator[Doubt]:
    yield from of_the_lines(log.engine, log.files, log.since, log.until)
    yield from of_the_chains(verified(path, log.files), log.since)


def _kept(log: str, digests: Mapping[str, int], rules: Policy) -> dict[str, Compiled]:
    """The policies that decided, as far as they are at hand."""
    beside = Beside(Path(log))
    found = {digest: other for digest in digests if (other := beside.find(digest)) is not None}
    return {**found, rules.digest: rules}


def _missing_in(rules: Compiled, other: Compiled) -> Iterator[Grant]:
    had = {_content(other, grant) for grant in all_grants(other)}
    yield from (grant for grant in all_grants(rules) if _content(rules, grant) not in had)


def _content(rules: Compiled, grant: Grant) -> object:
    """What makes a grant the same in two policies."""
    if grant.kind == "assignment":
        return rules.document.assignments[int(grant.holder)]._replace(roles=()), grant.what
    if grant.kind == "rule":
        return next((rule.permissions, rule.roles, rule.id) for rule in rules.document.rules if rule.id == grant.holder)
    return grant


def stands(found: Concluded, *, anyway: bool) -> bool:
    """Whether something may be concluded; if not, or only because it was asked for, the doubts are told."""
    if not found.doubts:
        return True
    if not anyway:
        complain("nothing is concluded, for records are missing or cannot be read:")
        complain("\n".join(f"  {doubt}" for doubt in found.doubts))
        complain("`--anyway` concludes from what is there; do not remove anything because of that alone")
        return False
    warn("RECORDS ARE MISSING: what is said here may be wrong, and a grant that is needed may seem not to be")
    complain("\n".join(f"  {doubt}" for doubt in found.doubts))
    return True


def named(rules: Compiled, grant: Grant) -> str:
    """The grant in words."""
    if grant.kind == "rule":
        return f"rule {grant.holder}"
    if grant.kind != "assignment":
        return f"{grant.kind} {grant.holder}: {grant.what}"
    given = rules.document.assignments[int(grant.holder)]
    to = [f"{word} {value}" for word in ("subject", "client", "group", "tenant") if (value := getattr(given, word))]
    return f"assignment of {grant.what} to {', '.join(to)} of {given.issuer}"
