"""What `policy check` found, as data: reporters turn it into text."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final, Literal

Level = Literal["error", "warning", "note"]
Rule = Literal["document", "doubt", "key", "key-unseen"]

#: What each rule is about, for formats that list their rules.
RULES: Final[dict[Rule, str]] = {
    "document": "A policy document is wrong",
    "doubt": "A policy document is sound, but says what is hardly meant",
    "key": "An issuer's key cannot be used",
    "key-unseen": "An issuer's key could not be looked at from here",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One finding. `file` and `path` are empty, and `line` is 0, where they are not known."""

    rule: Rule
    level: Level
    file: str = ""
    line: int = 0
    path: str = ""
    message: str
    count: int = 1

    @property
    def where(self) -> str:
        """The place in words; may be empty."""
        return ", ".join(part for part in (self.file, self.path, f"line {self.line}" if self.line else "") if part)

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.count} times)" if self.count > 1 else text

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON values."""
        return {
            "rule": self.rule, "level": self.level, "file": self.file, "line": self.line, "path": self.path,
            "message": self.message, "count": self.count,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """One path that was checked. `counts` and `digest` are empty where the policy does not load."""

    path: str
    findings: tuple[Finding, ...]
    counts: tuple[tuple[str, int], ...] = ()
    digest: str = ""

    def number(self, level: Level) -> int:
        """How many findings of a level there are, equal ones counted each."""
        return sum((Counter({finding.level: finding.count}) for finding in self.findings), Counter())[level]

    def fails(self, *, strict: bool) -> bool:
        """Whether it has errors or, if that is strict, warnings."""
        return bool(self.number("error") or (strict and self.number("warning")))

    def as_dict(self, *, strict: bool) -> dict[str, Any]:
        """What was found at this path as JSON values."""
        return {
            "path": self.path,
            "sound": not self.fails(strict=strict),
            "digest": self.digest or None,
            "counts": dict(self.counts),
            "findings": [finding.as_dict() for finding in self.findings],
        }
