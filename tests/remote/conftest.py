"""A provider for each test, and a certified one for all."""

from collections.abc import Iterator

import pytest

from tests.remote.certified import certified, installed
from tests.remote.provider import Provider

__all__ = ["certified", "installed"]


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.die()
