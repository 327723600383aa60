"""The house: which way imports go, and what the pure half never touches."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PURE = ["document", "analysis", "evaluate", "demand", "record", "decision", "explain", "change", "compile", "reader",
        "claims", "assignments", "hierarchy", "revoked", "subject", "permissions", "nearest", "model", "errors",
        "reasons", "recording", "treating"]  # fmt: skip


def test_imports_go_one_way() -> None:
    """The order of the layers is written down once, and holds.

    In a process of its own: it turns off all loggers that there are.
    """
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports; exit(lint_imports(no_cache=True))"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def sources(name: str) -> list[Path]:
    path = ROOT / "policy" / name
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


@pytest.mark.parametrize("name", PURE)
def test_the_pure_half_opens_prints_and_asks_nothing(name: str) -> None:
    """No `open`, no `print`, no `input`, and no import inside a function."""
    for path in (path for path in sources(name) if path.name != "__main__.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        called = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not called & {"open", "print", "input", "eval", "exec", "__import__"}, path


def functions() -> list[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    return [
        (path, node)
        for root in ("policy", "demo_app")
        for path in sorted((ROOT / root).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_imports_stand_at_the_top() -> None:
    """None is hidden in a function, where a cycle could hide too."""
    hidden = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, function in functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


def test_files_and_functions_stay_small() -> None:
    """No file over 300 lines, no function over 40 without its docstring."""
    files = [path for root in ("policy", "demo_app") for path in (ROOT / root).rglob("*.py")]
    long_files = [str(path) for path in files if path.read_text(encoding="utf-8").count("\n") > 300]
    long_functions = []
    for path, node in functions():
        words = ast.get_docstring(node, clean=False)
        size = (node.end_lineno or 0) - node.lineno - (words.count("\n") + 1 if words else 0)
        if size > 40:
            long_functions.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {size} lines")
    assert (long_files, long_functions) == ([], [])
