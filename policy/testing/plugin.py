"""The plugin of pytest. It is the only module here that knows pytest, and pytest is the only one that imports it."""

from collections.abc import Iterator

import pytest

from policy.testing.issuer import PolicyIssuer


@pytest.fixture
def policy_issuer() -> Iterator[PolicyIssuer]:
    """Signs real tokens for the applications of a test, which verify with its keys until the test ends."""
    with PolicyIssuer() as issuer:
        yield issuer
