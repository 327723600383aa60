"""The library does not lean on assertions: `python -O`, which leaves them out, changes nothing."""

import ast
import json
import os
import subprocess
import sys
from collections import Counter
from functools import cache
from typing import Any

import pytest

from policy.reasons import Reason
from tests.blocks import ROOT, assert_as_shown


@cache
def said(*options: str) -> dict[str, Any]:
    """What the program prints in a Python with these options."""
    words = [sys.executable, *options, "-m", "tests.tokens.optimized"]
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONOPTIMIZE"}
    done = subprocess.run(words, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_cve_2017_1000433() -> None:
    """Under `python -O` every token, key, policy and request gets the very answer that it gets without it."""
    plain, optimized = said(), said("-O")
    assert (plain["asserts"], optimized["asserts"]) == (True, False)
    for about, answers in plain["said"].items():
        assert optimized["said"][about] == answers, about


def test_what_is_compared_is_worth_comparing() -> None:
    """Refusals for nearly every reason there is, and acceptances beside them."""
    found = said()["said"]
    assert Counter(answer[0] for answer in found["tokens"])["refused"] > 300
    assert Counter(answer[0] for answer in found["tokens"])["accepted"] > 15
    assert {answer[0] for answer in found["documents"]} == {"refused"}
    given = {answer[1].partition(":")[0] for answer in found["tokens"]} | {answer[1] for answer in found["requests"]}
    given |= {reason for answer in found["decisions"] for reason in answer}
    assert len(set(Reason) & given) > 25
    assert {answer[0] for answer in found["requests"]} == {"200", "400", "401", "403", "404", "503"}


def test_the_library_asserts_nothing() -> None:
    """No statement of it is left out by `-O`, and none asks whether any would be."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "policy").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Assert) or (isinstance(node, ast.Name) and node.id == "__debug__")
    ]
    assert found == []


def test_what_stands_beside_the_tests_asserts_also_under_python_o() -> None:
    """In a whole run under `python -O` (`make test-optimized`), which would show nothing if it did not."""
    with pytest.raises(AssertionError):
        assert_as_shown("one thing", "another")
