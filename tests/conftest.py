"""Fixtures of the whole suite."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of cases by others, which no clone has: `POLICY_SHARED`, else `shared` beside the repository."""
    folder = Path(os.environ.get("POLICY_SHARED") or Path(__file__).parents[2] / "shared")
    if not folder.is_dir():
        pytest.skip(f"there is no folder of shared cases at {folder}: set POLICY_SHARED to name it")
    return folder
