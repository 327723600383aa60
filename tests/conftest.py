"""Fixtures of the whole suite."""

import os
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
#: What stands beside the tests and asserts for them does so under `python -O` too.
pytest.register_assert_rewrite(
    *(f"tests.{path.stem}" for path in TESTS.iterdir() if path.suffix in ("", ".py") and not path.stem.startswith("_"))
)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of cases by others, which no clone has: `POLICY_SHARED`, else `shared` beside the repository."""
    folder = Path(os.environ.get("POLICY_SHARED") or Path(__file__).parents[2] / "shared")
    if not folder.is_dir():
        pytest.skip(f"there is no folder of shared cases at {folder}: set POLICY_SHARED to name it")
    return folder
