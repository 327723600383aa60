"""`policy audit suggest`: the policy without the grants that nobody needed, as a diff to review."""

import argparse
import sys
from collections.abc import Sequence

from policy.cli.arguments import CannotRun, Commands, command, takes_json
from policy.cli.audit_concluding import Concluded, conclude, named, stands, takes_conclusion
from policy.cli.style import complain, say_json
from policy.files import sources
from policy.review.grants import Grant
from policy.review.suggesting import Kept, Proof, Suggestion, proved, suggested
from policy.review.usage import unneeded


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "suggest", run,
        summary="print the policy without the grants that no allowed request needed, as a diff that is written nowhere",
        example="policy audit suggest --since 90d > less.patch\npatch -p0 < less.patch",
    )  # fmt: skip
    takes_conclusion(made)
    made.add_argument(
        "--redundant", action="store_true", help="also without grants that only covered what others covered too"
    )
    takes_json(made)


def run(args: argparse.Namespace) -> int:
    """Print a diff that was proved on the log; that there is one is a finding. Nothing is ever written."""
    found = conclude(args)
    if not stands(found, anyway=args.anyway):
        return 2
    wanted = _wanted(found, redundant=args.redundant)
    old = unneeded(found.usage, [grant for grant in wanted if grant not in found.young])
    made = suggested(found.rules, sources(args.policy), [grant for grant in wanted if grant in old])
    young = [Kept(grant=each, why="some of these records are older than it") for each in wanted if each in found.young]
    log = found.reading
    proof = proved(log.engine, log.files, found.rules, made, since=log.since, until=log.until)
    if not proof.holds:
        raise CannotRun(
            f"without these grants {proof.lost:,} records would be denied and {proof.gained:,} allowed, "
            "so nothing is suggested; `policy audit unused` lists what was not needed"
        )
    _tell(found, made, (*made.kept, *young), proof, as_json=args.json)
    return 1 if made.removed else 0


def _wanted(found: Concluded, *, redundant: bool) -> list[Grant]:
    """What nobody needed. Assignments only where they were never used: they depend on what the roles grant."""
    verdicts = ("never", "redundant") if redundant else ("never",)
    return [
        grant
        for grant, use in found.usage.uses.items()
        if use.verdict in verdicts and (use.verdict == "never" or grant.kind != "assignment")
    ]


def _tell(found: Concluded, made: Suggestion, kept: Sequence[Kept], proof: Proof, *, as_json: bool) -> None:
    if as_json:
        say_json({
            "removed": [_as_dict(found, grant) for grant in made.removed],
            "kept": [{**_as_dict(found, each.grant), "why": each.why} for each in kept],
            "proof": {"inputs": proof.inputs, "records": proof.records, "lost": proof.lost, "gained": proof.gained},
            "digest": made.rules.digest,
            "diff": made.diff(),
        })  # fmt: skip
        return
    for grant in made.removed:
        complain(f"removed: {named(found.rules, grant)}")
    for each in kept:
        complain(f"stays, though nobody needed it: {named(found.rules, each.grant)}; {each.why}")
    if not made.removed:
        complain("there is nothing to remove")
        return
    complain(
        f"decided again: {proof.records:,} records with {proof.inputs:,} distinct inputs; "
        "none that was allowed would be denied, none that was denied would be allowed"
    )
    _print_as_it_is(made.diff())


def _as_dict(found: Concluded, grant: Grant) -> dict[str, str]:
    return {"kind": grant.kind, "holder": grant.holder, "what": grant.what, "name": named(found.rules, grant)}


def _print_as_it_is(diff: str) -> None:
    """Byte by byte: what is escaped would not fit the documents any more."""
    sys.stdout.flush()
    sys.stdout.buffer.write(diff.encode("utf-8", "surrogateescape"))
    sys.stdout.flush()
