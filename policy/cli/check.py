"""`policy check`: is this policy sound?"""

import argparse
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from policy.cli.arguments import CannotRun, Commands, command
from policy.cli.findings import Checked, Finding, Level, Rule
from policy.cli.reporters import REPORTERS
from policy.document.positions import lines
from policy.document.reading import Source
from policy.document.revoking import read_revocations
from policy.engine import Policy
from policy.errors import PolicyError, Problem
from policy.files import revocation_files, source, sources
from policy.model import Document
from policy.tokens import TokenVerifier


def add(commands: Commands) -> None:
    """Add the command's own parser."""
    made = command(
        commands, "check", run,
        summary="say whether policies are sound, or everything that is wrong with them",
        example="policy check policies\npolicy check --strict --format github policies",
    )  # fmt: skip
    made.add_argument("--format", choices=tuple(REPORTERS), default="text", help="how findings are written (text)")
    made.add_argument("--strict", action="store_true", help="fail on warnings too")
    made.add_argument("paths", nargs="+", metavar="PATH", help="a policy: a folder or a file")


def run(args: argparse.Namespace) -> int:
    """Check every path, and report everything that was found."""
    missing = [path for path in args.paths if not Path(path).exists()]
    if missing:
        raise CannotRun("\n".join(f"`{path}`: there is no such file or folder" for path in missing))
    checked = [check(path) for path in args.paths]
    REPORTERS[args.format](checked, strict=args.strict)
    return 1 if any(each.fails(strict=args.strict) for each in checked) else 0


def check(path: str) -> Checked:
    """Everything that is wrong or doubtful at one path."""
    try:
        rules = Policy.load(path)
    except PolicyError as error:
        broken = tuple(_finding("document", "error", each) for each in error.problems)
        return Checked(path=path, findings=(*broken, *_revocations(path, None)[1]))
    documents = sources(path)
    revoked, wrong = _revocations(path, rules.issuers)
    found = (*_doubts(rules.document, documents), *_key_findings(rules, documents), *wrong)
    counts = (*_counts(rules.document), *revoked)
    return Checked(path=path, findings=found, counts=counts, digest=rules.digest)


def _revocations(path: str, issuers: Collection[str] | None) -> tuple[tuple[tuple[str, int], ...], tuple[Finding, ...]]:
    """How many revocations there are beside a policy, where there is a document of them, and what is wrong with it."""
    try:
        texts = [source(file) for file in revocation_files(path)]
        number = len(read_revocations(texts, issuers))
    except PolicyError as error:
        return (), tuple(_finding("document", "error", each) for each in error.problems)
    return ((("revocation", number),) if texts else ()), ()


def _finding(rule: Rule, level: Level, problem: Problem) -> Finding:
    message = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
    return Finding(
        rule=rule, level=level, file=problem.file, line=problem.line, path=problem.path, message=message,
        count=problem.count,
    )  # fmt: skip


def _doubts(document: Document, documents: Sequence[Source]) -> Iterator[Finding]:
    """The warnings; each begins with the name of its document, if it has a place at all."""
    for warning in document.warnings:
        file = next((each.name for each in documents if warning.startswith(f"{each.name}, ")), "")
        rest = warning.removeprefix(f"{file}, ") if file else warning
        path, colon, message = rest.partition(": ")
        found = Finding(rule="doubt", level="warning", message=warning)
        yield replace(found, file=file, path=path, message=message) if file and colon else found


def _key_findings(rules: Policy, documents: Sequence[Source]) -> Iterator[Finding]:
    for name, issuer in rules.issuers.items():
        found = TokenVerifier.problems({name: issuer})
        if found.wrong or found.unseen:
            file, line = _place(name, documents)
            yield from (_finding("key", "error", replace(each, file=file, line=line)) for each in found.wrong)
            yield from (_finding("key-unseen", "note", replace(each, file=file, line=line)) for each in found.unseen)


def _place(issuer: str, documents: Sequence[Source]) -> tuple[str, int]:
    """The document that declares an issuer, and the line."""
    for each in documents:
        if issuer in json.loads(each.text).get("issuers", {}):
            whole = ("issuers", issuer)
            return each.name, lines(each.text.decode(), {whole}).get(whole, 0)
    return "", 0


def _counts(document: Document) -> tuple[tuple[str, int], ...]:
    return (
        ("permission", len(document.permissions)),
        ("role", len(document.roles)),
        ("scope", len(document.scopes)),
        ("rule", len(document.rules)),
        ("assignment", len(document.assignments)),
        ("constraint", len(document.constraints)),
        ("issuer", len(document.issuers)),
    )
