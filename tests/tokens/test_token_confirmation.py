"""A token that is bound to a key is no bearer token, and a token's tenant is the one that its issuer's name has."""

from typing import Any

import pytest

from policy.assignments import Assigned
from policy.claims import holds
from policy.model import ClaimTest
from policy.permissions import Catalogue
from policy.reader import ClaimReader
from policy.reasons import Reason
from tests.tokens.makers import NAME, NOW, claims, issuer, refused, signed, verifier


@pytest.mark.parametrize(
    ("cnf", "seen"),
    [({"jkt": "2HR2BW5"}, '{"jkt": "2HR2BW5"}'), ({}, "{}"), (None, "null"), ("", '""'), (False, "false"), ([], "[]")],
)
def test_a_token_that_is_bound_to_a_key_is_refused(cnf: Any, seen: str) -> None:
    """Whatever its confirmation says, no proof of it came with the token."""
    assert refused(signed(payload=claims(cnf=cnf))) == (Reason.TOKEN_CONFIRMATION, f"expected no `cnf`, seen {seen}")


def test_everything_else_is_told_first() -> None:
    """A token that is wrong in another way too is refused for that."""
    by = verifier(issuer(), issuer(name="https://ci.example.com", id_prefix="ci|"))
    assert refused(signed(payload=claims(cnf={}, sub="ci|bot")), by=by)[0] == Reason.TOKEN_SUBJECT


def test_an_issuer_with_a_claim_in_its_name_wants_it_in_the_token() -> None:
    """The claim is there, is text, and is letter by letter what the name says."""
    by = verifier(issuer(in_name=(("tid", "8d1f"),)))
    assert by.verify(signed(payload=claims(tid="8d1f")), now=NOW).issuer.name == NAME
    for tid, reason, detail in (
        ("8D1F", Reason.TOKEN_ISSUER, 'expected `tid` to be "8d1f", as `iss` has it, seen "8D1F"'),
        ("", Reason.TOKEN_ISSUER, 'expected `tid` to be "8d1f", as `iss` has it, seen ""'),
        (7, Reason.TOKEN_CLAIM_TYPE, "expected `tid` to be a text, seen 7"),
        (..., Reason.TOKEN_CLAIM_MISSING, "expected `tid` to be a text, seen none"),
    ):
        assert refused(signed(payload=claims(tid=tid)), by=by) == (reason, detail)


SAME = ClaimTest(path=("sub",), same_as=("azp",), alternatives=(ClaimTest(path=("sub",), same_as=("client_id",)),))
NOT_SAME = ClaimTest(path=SAME.path, same_as=SAME.same_as, alternatives=SAME.alternatives, negated=True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"sub": "a", "azp": "a"}, True),
        ({"sub": "a", "client_id": "a"}, True),
        ({"sub": "a", "azp": "b", "client_id": "a"}, True),
        ({"sub": "a", "azp": "b", "client_id": "c"}, False),
        ({"sub": "a"}, False),
        ({}, False),
    ],
)
def test_a_test_of_a_profile_may_have_alternatives_and_be_turned_around(given: dict[str, Any], expected: bool) -> None:
    """It holds where any of them does, and turned around where none does."""
    assert (holds(given, SAME), holds(given, NOT_SAME)) == (expected, not expected)


@pytest.mark.parametrize(
    ("test", "kinds"), [(SAME, ["machine", "machine", "user"]), (NOT_SAME, ["user", "user", "machine"])]
)
def test_kinds_are_told_by_such_a_test_alone(test: ClaimTest, kinds: list[str]) -> None:
    """Its alternatives count, and so does that it is turned around, where no other test tells the kinds."""
    known = issuer(kinds={"machine": (test,)}, otherwise="user")
    reader = ClaimReader(known, Assigned(()), Catalogue(()), step_up=False)
    given = [{"sub": "a", "azp": "a"}, {"sub": "a", "client_id": "a"}, {"sub": "a", "azp": "b"}]
    assert [reader.read(each, "").kind for each in given] == kinds


def test_what_every_access_token_has_is_told_with_its_alternatives() -> None:
    """The detail says what would have been accepted."""
    wanted = ClaimTest(path=("azp",), exists=True, alternatives=(ClaimTest(path=("use",), equals="at"),), negated=True)
    by = verifier(issuer(rejected=(wanted,)))
    detail = 'an access token of this issuer always has `azp` or `use` equal to "at"'
    assert refused(signed(), by=by) == (Reason.TOKEN_NOT_ACCESS, detail)
    for sound in ({"azp": None}, {"use": "at"}):
        assert by.verify(signed(payload=claims(**sound)), now=NOW).issuer.name == NAME
