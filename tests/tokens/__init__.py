"""Tests of what makes verified claims of token text."""

import pytest

pytest.register_assert_rewrite("tests.tokens.makers")
