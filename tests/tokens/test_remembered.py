"""Good tokens are known again; whatever may have changed since is looked at each time."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policy.errors import TokenRefused
from policy.reasons import Reason
from policy.tokens import TokenVerifier
from policy.tokens.keys import Key, SecretKeys
from policy.tokens.verified import LONGEST_KEPT
from tests.tokens.makers import NOW, SECRET, claims, issuer, refused, signed, verifier


class Counting(SecretKeys):
    """The issuer's keys: they count how often they are asked, and can be said to have changed."""

    def __init__(self) -> None:
        super().__init__(SECRET.encode(), ("HS256",))
        self.asked = 0
        self.now_generation = 0

    @property
    def generation(self) -> int:
        return self.now_generation

    def find(self, algorithm: str, kid: str | None) -> Key:
        self.asked += 1
        return super().find(algorithm, kid)


def counting(**options: Any) -> tuple[TokenVerifier, Counting]:
    """A verifier of the sound issuer and its keys."""
    made, keys = verifier(**options), Counting()
    (trusted,) = made._trusted.values()
    object.__setattr__(trusted, "keys", keys)
    return made, keys


TOKEN = signed(payload=claims(nbf=int(NOW) - 5, roles=["viewer"], ext={"a": [1]}))


def test_the_same_token_is_verified_once() -> None:
    """And says the same each time."""
    by, keys = counting()
    first = by.verify(TOKEN, now=NOW)
    assert [by.verify("".join(TOKEN), now=NOW + 1) for _ in range(3)] == [first] * 3
    assert keys.asked == 1


def test_nothing_is_remembered_where_nothing_shall_be() -> None:
    """Each time every check, and no token is kept."""
    by, keys = counting(remembered=0)
    assert by.verify(TOKEN, now=NOW) == by.verify(TOKEN, now=NOW)
    assert (keys.asked, len(by._known)) == (2, 0)


def test_a_remembered_token_expires() -> None:
    """At the very moment at which it would have, and with the same words."""
    by = verifier()
    by.verify(TOKEN, now=NOW)
    assert by.verify(TOKEN, now=NOW + 329.999).token_id
    expected = refused(TOKEN, by=verifier(), now=NOW + 330)
    assert refused(TOKEN, by=by, now=NOW + 330) == expected
    assert expected[0] is Reason.TOKEN_EXPIRED


def test_a_clock_that_goes_back_finds_it_not_yet_valid() -> None:
    """What was good now need not have been good before."""
    by = verifier()
    by.verify(TOKEN, now=NOW)
    assert refused(TOKEN, by=by, now=NOW - 60)[0] is Reason.TOKEN_NOT_YET_VALID


def test_a_clock_that_gives_no_number_allows_nothing() -> None:
    """Not even what is remembered."""
    by = verifier()
    by.verify(TOKEN, now=NOW)
    assert refused(TOKEN, by=by, now=float("nan"))[0] is Reason.TOKEN_EXPIRED


def test_other_keys_are_asked_again() -> None:
    """Whenever the issuer's keys have changed since."""
    by, keys = counting()
    by.verify(TOKEN, now=NOW)
    keys.now_generation = 1
    keys._keys = SecretKeys(b"another secret of sixty-four bytes, of which nobody here knows it", ("HS256",))._keys
    assert refused(TOKEN, by=by)[0] is Reason.TOKEN_SIGNATURE


def test_keys_that_change_while_they_are_used_are_not_trusted_with_it() -> None:
    """The token counts for the generation before."""
    by, keys = counting()
    find = keys.find

    def changing(algorithm: str, kid: str | None) -> Key:
        key = find(algorithm, kid)
        keys.now_generation += 1
        return key

    keys.find = changing  # type: ignore[method-assign]
    by.verify(TOKEN, now=NOW)
    by.verify(TOKEN, now=NOW)
    assert keys.asked == 2


def test_keys_that_may_not_be_used_any_more_are_no_generation() -> None:
    """Nothing is remembered of what they verified."""
    by, keys = counting()
    keys.now_generation = -1
    by.verify(TOKEN, now=NOW)
    assert len(by._known) == 0


def test_every_other_text_is_another_token() -> None:
    """One character more, less, or otherwise, and all checks are made."""
    by = verifier()
    by.verify(TOKEN, now=NOW)
    for place in range(0, len(TOKEN), 7):
        other = TOKEN[:place] + ("A" if TOKEN[place] != "A" else "B") + TOKEN[place + 1 :]
        for text in (other, TOKEN[:place], TOKEN + TOKEN[place], TOKEN + "="):
            refused(text, by=by)


def test_what_a_caller_does_with_the_claims_is_its_own_business() -> None:
    """The next one reads what was signed."""
    by = verifier()
    expected = claims(nbf=int(NOW) - 5, roles=["viewer"], ext={"a": [1]})
    for _ in range(2):
        got = by.verify(TOKEN, now=NOW).claims
        assert got == expected
        got["sub"] = "admin"
        got["roles"].append("admin")
        got["ext"]["a"].append(2)


def test_tokens_are_remembered_in_a_bounded_number() -> None:
    """The oldest are forgotten first."""
    by, keys = counting(remembered=16)
    tokens = [signed(payload=claims(jti=str(number))) for number in range(40)]
    for token in tokens:
        by.verify(token, now=NOW)
        assert len(by._known) <= 16
    by.verify(tokens[-1], now=NOW)
    by.verify(tokens[0], now=NOW)
    assert keys.asked == 41


def test_long_tokens_are_not_remembered() -> None:
    """So that the memory has a bound in bytes as well."""
    by, keys = counting()
    token = signed(payload=claims(note="x" * LONGEST_KEPT))
    by.verify(token, now=NOW)
    by.verify(token, now=NOW)
    assert (keys.asked, len(by._known)) == (2, 0)


def test_a_header_that_could_be_changed_is_not_remembered() -> None:
    """It has a list inside."""
    by, keys = counting()
    token = signed({"alg": "HS256", "extra": ["a"]})
    by.verify(token, now=NOW).header["extra"].append("b")
    assert by.verify(token, now=NOW).header["extra"] == ["a"]
    assert keys.asked == 2


TOKENS = [
    signed(payload=claims()),
    signed(payload=claims(exp=int(NOW) + 20)),
    signed(payload=claims(nbf=int(NOW) + 50, exp=int(NOW) + 90)),
    signed(payload=claims(aud="another")),
    signed(payload=claims(), key="x" * 64),
]
TIMES = st.floats(NOW - 100, NOW + 500) | st.integers(int(NOW) - 100, int(NOW) + 500).map(float)


def outcome(by: TokenVerifier, token: str, now: float) -> Any:
    try:
        return by.verify(token, now=now)
    except TokenRefused as refusal:
        return refusal.reason, refusal.detail


@given(st.lists(st.tuples(st.sampled_from(TOKENS), TIMES), max_size=30), st.integers(0, 3))
def test_remembering_changes_no_answer(asked: list[tuple[str, float]], remembered: int) -> None:
    """Whatever tokens come, at whatever times, in whatever order."""
    by, plain = verifier(issuer(), remembered=remembered), verifier(issuer(), remembered=0)
    assert [outcome(by, *each) for each in asked] == [outcome(plain, *each) for each in asked]
