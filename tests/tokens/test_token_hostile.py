"""Small tokens that would cost much: they are refused like any other."""

import base64
from pathlib import Path

import pytest

from policy import PolicyError, TokenRefused
from policy.document import Source, read
from policy.model import KeySource
from policy.tokens import TokenVerifier
from policy.tokens.strict_json import NotStrict, read_object
from tests.tokens.makers import NOW, issuer, verifier


def part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_token_of_unterminated_strings_is_refused_at_once() -> None:
    """Depth is counted in one pass, however the text is quoted."""
    header, payload = part(b'{"alg":"ES256"}'), part(b"[" * 33 + b'\\"' * 6000)
    with pytest.raises(TokenRefused) as caught:
        verifier(issuer()).verify(f"{header}.{payload}.eA", now=NOW)
    assert caught.value.reason == "token-json"


@pytest.mark.parametrize("start", [b"[" * 33, b'{"a":"' + b"[" * 40, b"[" * 33 + b'"'])
@pytest.mark.parametrize("rest", [b'\\"', b'"\\', b"\\", b'"'])
def test_text_of_quotes_and_backslashes_is_told_from_json_at_once(start: bytes, rest: bytes) -> None:
    """Twenty times what a token may hold is still looked through in one pass."""
    with pytest.raises(NotStrict):
        read_object(start + rest * (20 * 16384 // len(rest)))


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


def test_what_a_policy_names_cannot_turn_a_message_around(tmp_path: Path) -> None:
    """Names with marks that turn a line around, or that are not printed, are escaped wherever keys are told of."""
    odd = f"{tmp_path}/a\u202eb\nc"
    sources = (
        (("HS256",), KeySource(file=odd)),
        (("RS256",), KeySource(jwks_file=odd)),
        (("HS256",), KeySource(env="A\u2066")),
    )
    known = [issuer(name="i\u200f", keys=source, algorithms=algorithms) for algorithms, source in sources]
    said = [str(problem) for each in known for problem in TokenVerifier.problems({each.name: each}).unseen]
    assert said == [
        f'issuers["i\\u200f"].keys.file: `{tmp_path}/a\\u202eb\\u000ac` cannot be read: No such file or directory',
        f'issuers["i\\u200f"].keys.jwks_file: `{tmp_path}/a\\u202eb\\u000ac` cannot be read: No such file or directory',
        'issuers["i\\u200f"].keys.env: the variable `A\\u2066` is not set',
    ]
