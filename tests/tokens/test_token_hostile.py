"""Small tokens that would cost much: they are refused like any other."""

import base64

import pytest

from policy import PolicyError, TokenRefused
from policy.document import Source, read
from tests.tokens.makers import NOW, issuer, verifier


def part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_token_of_unterminated_strings_is_refused_at_once() -> None:
    """Depth is counted in one pass, however the text is quoted."""
    header, payload = part(b'{"alg":"ES256"}'), part(b"[" * 33 + b'\\"' * 6000)
    with pytest.raises(TokenRefused) as caught:
        verifier(issuer()).verify(f"{header}.{payload}.eA", now=NOW)
    assert caught.value.reason == "token-json"


def test_a_document_of_unterminated_strings_is_refused_at_once() -> None:
    """Two megabytes of them take no longer than any other two megabytes."""
    with pytest.raises(PolicyError, match="not JSON"):
        read([Source(name="a.json", text=b"[" + b'\\"' * 1_000_000)])


@pytest.mark.parametrize(
    "text",
    [b'{"\\ud800":1}', b'{"tenancy":"\\ud800"}', b'{"rules":[{"effect":"\\ud800"}]}',
     b'{"permissions":{"\\ud800":1},"rules":[{"id":"a","effect":"deny","permissions":["x"]}]}'],
)  # fmt: skip
def test_a_lone_surrogate_anywhere_is_a_problem_of_the_document(text: bytes) -> None:
    """Never an error of another kind."""
    with pytest.raises(PolicyError, match="lone surrogate"):
        read([Source(name="a.json", text=text)])
