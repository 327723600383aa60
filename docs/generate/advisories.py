"""The advisories against other libraries that a test of ours holds this one to."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from docs.generate.tables import table

TESTS: Final = Path(__file__).parents[2] / "tests"
_NAMED: Final = re.compile(r"cve_\d+_\d+|ghsa(?:_[a-z0-9]{4}){3}")


def as_markdown() -> str:
    """One line for each test: which advisories it is about, and the sentence that it proves."""
    rows = {(names_in(test.name), _sentence(test)) for test in _tests()}
    return table(("advisory", "what holds here"), sorted(row for row in rows if row[0]))


def names_in(name: str) -> str:
    """The advisories that the name of a test names."""
    found = _NAMED.findall(name)
    return ", ".join(each.upper() if each.startswith("cve") else f"GHSA{each[4:]}" for each in found).replace("_", "-")


def _tests() -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The tests of every file that may name an advisory; the others are not parsed."""
    for file in sorted(TESTS.rglob("*.py")):
        text = file.read_text("utf-8")
        if _NAMED.search(text):
            tests = (
                node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            )
            yield from (test for test in tests if test.name.startswith("test_"))


def _sentence(test: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """What the test says, after its name where that says something too: three words or more beside the advisories."""
    said = " ".join((ast.get_docstring(test) or "").partition("\n\n")[0].split())
    words = _NAMED.sub("", test.name.removeprefix("test_")).replace("_", " ").split()
    return f"{' '.join(words).capitalize()}. {said}" if len(words) > 2 else said
