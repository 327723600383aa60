"""Findings as text, as JSON, as SARIF 2.1.0, and as GitHub's workflow commands."""

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from policy.cli.findings import RULES, Checked, Finding
from policy.cli.style import clean, paint, say, say_json, verdict
from policy.errors import SHOWN_AT_MOST

SARIF_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
COLOURS: Final = {"error": "red", "warning": "yellow", "note": "dim"}
COMMANDS: Final = {"error": "error", "warning": "warning", "note": "notice"}


def plural(number: int, word: str) -> str:
    """`1 role`, `2 roles`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def text(checked: Sequence[Checked], *, strict: bool) -> None:
    """A block for each path, which ends with a line that sums up."""
    for number, each in enumerate(checked):
        if number:
            say()
        for finding in each.findings[:SHOWN_AT_MOST]:
            say(paint(f"{finding.level}: ", COLOURS[finding.level]) if finding.level != "error" else "", str(finding))
        if len(each.findings) > SHOWN_AT_MOST:
            total = sum(finding.count for finding in each.findings)
            say(f"... and more: {total} findings in all, the first {SHOWN_AT_MOST} are shown")
        say(f"{each.path}: ", *_summary(each, strict=strict))


def _summary(checked: Checked, *, strict: bool) -> tuple[str, ...]:
    errors, warnings, unseen = (checked.number(level) for level in ("error", "warning", "note"))
    parts = [plural(errors, "problem")] if errors else []
    parts += [plural(warnings, "warning")] if warnings else []
    parts += [f"{plural(unseen, 'key')} not seen"] if unseen else []
    if checked.fails(strict=strict):
        return (verdict(", ".join(parts), good=False),)
    counts = ", ".join(plural(number, word) for word, number in checked.counts)
    return verdict("sound", good=True), f": {counts}", f"; {', '.join(parts)}" if parts else ""


def as_json(checked: Sequence[Checked], *, strict: bool) -> None:
    """One JSON document."""
    sound = not any(each.fails(strict=strict) for each in checked)
    say_json({"sound": sound, "paths": [each.as_dict(strict=strict) for each in checked]})


def github(checked: Sequence[Checked], *, strict: bool) -> None:
    """One workflow command for each finding, and the line that sums up each path."""
    for each in checked:
        for finding in each.findings:
            print(_workflow_command(finding))
        say(f"{each.path}: ", *_summary(each, strict=strict))


def _workflow_command(finding: Finding) -> str:
    given = {"file": finding.file, "line": str(finding.line or ""), "title": RULES[finding.rule]}
    properties = ",".join(f"{name}={_property(value)}" for name, value in given.items() if value)
    return f"::{COMMANDS[finding.level]} {properties}::{_data(_message(finding))}"


def _message(finding: Finding) -> str:
    text = f"{finding.path}: {finding.message}" if finding.path else finding.message
    return f"{text} ({finding.count} times)" if finding.count > 1 else text


def _data(text: str) -> str:
    return clean(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def sarif(checked: Sequence[Checked], *, strict: bool) -> None:  # noqa: ARG001 - levels say it all
    """A SARIF log with one run."""
    results = [_result(finding) for each in checked for finding in each.findings]
    rules = [{"id": rule, "shortDescription": {"text": words}} for rule, words in RULES.items()]
    driver = {"name": "policy", **_version(), "rules": rules}
    say_json({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]})


def _version() -> dict[str, str]:
    try:
        return {"version": version("claims-policy")}
    except PackageNotFoundError:
        return {}


def _result(finding: Finding) -> dict[str, Any]:
    physical = {"physicalLocation": _physical(finding)} if finding.file else {}
    logical = {"logicalLocations": [{"fullyQualifiedName": finding.path}]} if finding.path else {}
    return {
        "ruleId": finding.rule,
        "ruleIndex": list(RULES).index(finding.rule),
        "level": finding.level,
        "message": {"text": _message(finding)},
        **({"locations": [{**physical, **logical}]} if physical or logical else {}),
        **({"occurrenceCount": finding.count} if finding.count > 1 else {}),
    }


def _physical(finding: Finding) -> dict[str, Any]:
    path = Path(finding.file)
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    region = {"region": {"startLine": finding.line}} if finding.line else {}
    return {"artifactLocation": {"uri": uri}, **region}


REPORTERS: Final[Mapping[str, Callable[..., None]]] = MappingProxyType(
    {"text": text, "json": as_json, "github": github, "sarif": sarif}
)
