"""What is plainly good passes every check; the other way round is not needed."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policy.errors import TokenRefused
from policy.tokens.checks import CLAIM_CHECKS, Trusted
from policy.tokens.header import Header
from policy.tokens.keys import SecretKeys
from tests.tokens.makers import NOW, SECRET, claims, issuer

KEYS = SecretKeys(SECRET.encode(), ("HS256",))
ISSUERS = [
    issuer(),
    issuer(types=None, leeway=0),
    issuer(required=("jti", "client_id"), leeway=300),
    issuer(audience_claim=("client_id",), audience=("app", "https://api.example.com")),
    issuer(audience_claim=("ext", "aud")),
    issuer(proof=("dpop",)),
]
NUMBERS = st.one_of(
    st.sampled_from([NOW, NOW + 30, NOW - 30, int(NOW), int(NOW) + 30, int(NOW) - 30, 253402300799, 253402300800, -1]),
    st.integers(int(NOW) - 400, int(NOW) + 400),
    st.sampled_from([float("nan"), float("inf"), -float("inf"), 1e300, 10**400]),
)
API = "https://api.example.com"
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, "", "app", [], {}, ["https://api.example.com"], {"aud": "x"}]
)
CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "exp": NUMBERS | ODD,
        "iat": NUMBERS | ODD,
        "nbf": NUMBERS | ODD,
        "aud": ODD | st.just(API),
        "sub": ODD,
        "jti": ODD,
        "client_id": ODD,
        "cnf": ODD,
        "ext": ODD,
    },
)
CLOCKS: st.SearchStrategy[Any] = NUMBERS | st.just(NOW) | st.sampled_from([None, "now", True])


@given(st.sampled_from(ISSUERS), CLAIMS, st.sampled_from(["", "jwt", "at+jwt", "id"]), CLOCKS)
def test_what_is_plainly_good_passes_every_check(known: Any, changes: dict[str, Any], typ: str, now: Any) -> None:
    """Whatever the claims, the type and the clock."""
    trusted = Trusted(issuer=known, keys=KEYS)
    said = {**claims(), **changes}
    header = Header({}, "HS256", None, typ)
    if not trusted.plainly(header, said, now):
        return
    left = set(trusted.others)
    for name, check in CLAIM_CHECKS:
        if check not in left:
            try:
                check(trusted, header, said, now)
            except TokenRefused as refusal:
                raise AssertionError(f"plainly good, and refused by the check of {name}: {refusal}") from refusal


def test_an_ordinary_token_is_plainly_good() -> None:
    """Or it would be of no use."""
    assert Trusted(issuer=issuer(), keys=KEYS).plainly(Header({}, "HS256", None, "at+jwt"), claims(), NOW)
