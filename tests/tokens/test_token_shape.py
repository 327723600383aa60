"""What has the wrong shape is refused before anything in it is believed."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from policy.reasons import Reason
from tests.tokens.makers import NOW, SECRET, claims, refused, signed, verifier

GOOD = signed()
HEADER, PAYLOAD, SIGNATURE = GOOD.split(".")
TRAILING = "the {} does not end in canonical base64url"
OUTSIDE = "the {} has characters outside base64url"


def test_a_sound_token_is_accepted() -> None:
    """The token that every refusal here differs from is itself accepted."""
    assert verifier().verify(GOOD, now=NOW).claims == claims()


@pytest.mark.parametrize("token", [None, 7, b"abc", GOOD.encode(), ["a.b.c"]])
def test_what_is_not_text_is_refused(token: Any) -> None:
    """Anything but text is refused, not an error."""
    assert refused(token) == (Reason.TOKEN_PARTS, f"expected text, seen `{type(token).__name__}`")


def test_an_oversized_token_is_refused() -> None:
    """A token longer than the limit is not looked at, one of exactly the limit is."""
    assert verifier(max_bytes=len(GOOD)).verify(GOOD, now=NOW).claims == claims()
    by = verifier(max_bytes=len(GOOD) - 1)
    detail = f"expected at most {len(GOOD) - 1} bytes, seen {len(GOOD)}"
    assert refused(GOOD, by=by) == (Reason.TOKEN_TOO_LARGE, detail)


@pytest.mark.parametrize("more", ["é", "\u212a", "\ud800", "\u200b"])
def test_text_outside_ascii_is_refused(more: str) -> None:
    """No character outside ASCII is folded, stripped or encoded away."""
    assert refused(GOOD + more) == (Reason.TOKEN_NOT_ASCII, "expected ASCII only")


@pytest.mark.parametrize(
    ("token", "detail"),
    [
        ("", "expected 3 parts, seen 1"),
        ("abc", "expected 3 parts, seen 1"),
        (f"{HEADER}.{PAYLOAD}", "expected 3 parts, seen 2"),
        (f"{GOOD}.", "expected 3 parts, seen 4"),
        (f"{HEADER}.a.b.c.d", "expected 3 parts, seen 5, as an encrypted token has"),
        ("{}", "expected the compact serialization, seen the JSON one"),
    ],
)
def test_other_than_three_parts_are_refused(token: Any, detail: str) -> None:
    """A signed token has three parts; five are an encrypted one."""
    assert refused(token) == (Reason.TOKEN_PARTS, detail)


@pytest.mark.parametrize(
    ("token", "detail"),
    [
        (GOOD + "=", OUTSIDE.format("signature")),
        (f"{HEADER}=.{PAYLOAD}.{SIGNATURE}", OUTSIDE.format("header")),
        (f"{HEADER}.{PAYLOAD}==.{SIGNATURE}", OUTSIDE.format("payload")),
        (GOOD + "\n", OUTSIDE.format("signature")),
        (" " + GOOD, OUTSIDE.format("header")),
        (f"{HEADER}.{PAYLOAD}.{SIGNATURE[:20]} {SIGNATURE[21:]}", OUTSIDE.format("signature")),
        (f"{HEADER}.{PAYLOAD}.{SIGNATURE[:20]}+{SIGNATURE[21:]}", OUTSIDE.format("signature")),
        (f"{HEADER}.{PAYLOAD}.{SIGNATURE[:20]}/{SIGNATURE[21:]}", OUTSIDE.format("signature")),
        (f"{HEADER}.{PAYLOAD}.{SIGNATURE[:20]}\x00{SIGNATURE[21:]}", OUTSIDE.format("signature")),
        (f"{HEADER}.{PAYLOAD}.{SIGNATURE[:41]}", "the signature has a length that base64url cannot have"),
    ],
)
def test_what_is_not_base64url_is_refused(token: Any, detail: str) -> None:
    """Neither padding nor anything outside the alphabet is read over, in any of the parts."""
    assert refused(token) == (Reason.TOKEN_ENCODING, detail)


@pytest.mark.parametrize(("part", "name"), [(0, "header"), (1, "payload"), (2, "signature")])
@pytest.mark.parametrize("length", [2, 3])
def test_bits_left_over_are_refused(part: int, name: str, length: int) -> None:
    """A second spelling of the same bytes is another token, and refused."""
    parts = GOOD.split(".")
    parts[part] = "A" * 40 + "A" * (length - 1) + "B"
    if part == 1:
        parts[0] = HEADER
    assert refused(".".join(parts)) == (Reason.TOKEN_ENCODING, TRAILING.format(name))


BROKEN = [
    (b"", "it is empty"),
    (b"{}x", "it is not JSON at character 2"),
    (b"{", "it is not JSON at character 1"),
    (b"   ", "it is not JSON at character 0"),
    (b"nonsense", "it is not JSON at character 0"),
    (b"{'a': 1}", "it is not JSON at character 1"),
    (b'{"a": "\n"}', "it is not JSON at character 7"),
    (b'{"a": 1,}', "it is not JSON at character 8"),
    (b"[]", "it is not an object"),
    (b'"text"', "it is not an object"),
    (b"null", "it is not an object"),
    (b'{"a": "\xc2"}', "it is not UTF-8"),
    (b'{"a": "\xed\xa0\x80"}', "it is not UTF-8"),
    (b"\xff\xfe{\x00}\x00", "it is not UTF-8"),
    (b"\xef\xbb\xbf{}", "it begins with a byte order mark"),
    (b'{"a": "\\ud800"}', "it has a lone surrogate"),
    (b'{"\\udc00": 1}', "it has a lone surrogate"),
    (b'{"a": [{"b": "x\\uDBFFx"}]}', "it has a lone surrogate"),
    (b'{"a": NaN}', "it has `NaN`, which JSON does not"),
    (b'{"a": Infinity}', "it has `Infinity`, which JSON does not"),
    (b'{"a": -Infinity}', "it has `-Infinity`, which JSON does not"),
    (b'{"a": 1e999}', "it has a number that is not finite"),
    (b'{"a": -1e999}', "it has a number that is not finite"),
    (b'{"a": ' + b"9" * 309 + b"}", "it has an integer of more than 308 characters"),
    (b'{"a": ' + b"9" * 5000 + b"}", "it has an integer of more than 308 characters"),
    (b'{"a":' * 33 + b"1" + b"}" * 33, "it is nested more than 32 deep"),
    (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "it is nested more than 32 deep"),
    (b'{"a":' * 1500, "it is nested more than 32 deep"),
]


@pytest.mark.parametrize(("raw", "why"), BROKEN)
def test_a_payload_that_is_no_strict_json_object_is_refused(raw: bytes, why: str) -> None:
    """A payload that two parsers could read differently is refused, even with a good signature."""
    assert refused(signed(payload=raw)) == (Reason.TOKEN_JSON, f"the payload: {why}")


@pytest.mark.parametrize(("raw", "why"), BROKEN)
def test_a_header_that_is_no_strict_json_object_is_refused(raw: bytes, why: str) -> None:
    """The same holds of the header."""
    assert refused(signed(header=raw)) == (Reason.TOKEN_JSON, f"the header: {why}")


@pytest.mark.parametrize(
    "value", ["\U0001d11e", '"\\', "[[[[" * 20, "{\\u", {"a": [[1]] * 40}, "\\ud800", 10**307, 1.5e300, {}]
)
def test_unusual_but_sound_json_is_read(value: Any) -> None:
    """Strictness refuses nothing that is sound: pairs of surrogates, brackets in text, many siblings, large numbers."""
    assert verifier().verify(signed(payload=claims(odd=value)), now=NOW).claims == claims(odd=value)


def test_white_space_around_the_object_is_sound() -> None:
    """RFC 8259 section 2 allows white space around a value."""
    text = f" \r\n\t{json.dumps(claims())}\n"
    assert verifier().verify(signed(payload=text), now=NOW).claims == claims()


def test_32_levels_are_read() -> None:
    """The limit of nesting is exact."""
    deep = '{"a":' * 31 + "1" + "}" * 31
    text = json.dumps(claims())[:-1] + f', "deep": {deep}}}'
    assert verifier().verify(signed(payload=text), now=NOW).claims == json.loads(text)


@pytest.mark.parametrize(
    "members", ['"sub": "a", "sub": "b"', '"a": {"b": [{"c": 1, "c": 1}]}', '"a": 1, "\\u0061": 2']
)
def test_a_member_named_twice_is_refused(members: str) -> None:
    """A member named twice, at any depth and however it is spelled, is refused."""
    detail = "the payload: a member is named twice"
    assert refused(signed(payload=f"{{{members}}}")) == (Reason.TOKEN_DUPLICATE_MEMBER, detail)


def test_a_header_member_named_twice_is_refused() -> None:
    """A header that gives two algorithms is refused."""
    token = signed(header='{"alg": "HS256", "alg": "none"}')
    assert refused(token) == (Reason.TOKEN_DUPLICATE_MEMBER, "the header: a member is named twice")


@pytest.mark.parametrize(
    ("name", "value", "seen"), [("crit", [], "[]"), ("crit", ["x"], '["x"]'), ("crit", None, "null"),
                                ("b64", True, "true"), ("b64", False, "false")]
)  # fmt: skip
def test_a_demanded_extension_is_refused(name: str, value: Any, seen: str) -> None:
    """No extension is understood, so its mere presence is refused."""
    detail = f"expected no `{name}` in the header, seen {seen}"
    assert refused(signed({"alg": "HS256", name: value})) == (Reason.TOKEN_CRITICAL, detail)


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
@pytest.mark.parametrize("value", ["", None, {}, "https://id.example.com/keys"])
def test_a_key_in_the_header_is_refused(name: str, value: Any) -> None:
    """A header that brings a key, or its address, is refused whether or not the key is right."""
    detail = f"expected no `{name}` in the header"
    assert refused(signed({"alg": "HS256", name: value})) == (Reason.TOKEN_KEY_IN_HEADER, detail)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("alg", Reason.TOKEN_ALGORITHM), ("kid", Reason.TOKEN_KEY), ("typ", Reason.TOKEN_TYPE)],
)
@pytest.mark.parametrize("value", [None, "", 7, True, ["HS256"], {"a": 1}])
def test_header_texts_are_texts(name: str, reason: Reason, value: Any) -> None:
    """`alg`, `kid` and `typ` are non-empty texts where they are present."""
    detail = f"expected `{name}` to be a non-empty text, seen {json.dumps(value)}"
    assert refused(signed({"alg": "HS256", name: value})) == (reason, detail)


@pytest.mark.parametrize("typ", ["application/", "Application/", "APPLICATION/"])
def test_a_typ_that_names_nothing_is_refused(typ: str) -> None:
    """A `typ` of nothing but the prefix is not an absent one, even where an absent one is accepted."""
    detail = f'expected `typ` to name a media type, seen "{typ}"'
    assert refused(signed({"alg": "HS256", "typ": typ})) == (Reason.TOKEN_TYPE, detail)


def test_a_header_without_alg_is_refused() -> None:
    """`alg` has to be there."""
    assert refused(signed({})) == (Reason.TOKEN_ALGORITHM, "expected `alg` in the header, seen none")


def test_an_unknown_header_member_is_ignored() -> None:
    """A header member that demands nothing may be there, and is handed on."""
    header = {"alg": "HS256", "x5t": "abc", "other": {"a": [1]}}
    by, token = verifier(), signed(header)
    assert [by.verify(token, now=NOW).header for _ in range(2)] == [header, header]


def test_a_header_with_a_bad_signature_is_not_remembered() -> None:
    """Only what a good signature covers is kept, so strangers cannot fill the memory of headers."""
    by = verifier()
    for number in range(5):
        refused(signed({"alg": "HS256", "kid": str(number)}, key="another " + SECRET), by=by)
    assert by._headers == {}


def test_remembered_headers_are_bounded() -> None:
    """However many headers an issuer signs, only so many are kept, and all are still accepted."""
    by = verifier()
    for number in range(300):
        by.verify(signed({"alg": "HS256", "kid": str(number)}), now=NOW)
    assert len(by._headers) == 300 - 256


def test_threads_may_share_a_verifier() -> None:
    """Many threads get the answers that one would."""
    by, tokens = verifier(), [signed({"alg": "HS256", "kid": str(n)}, claims(sub=f"user {n}")) for n in range(300)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda token: by.verify(token, now=NOW).claims["sub"], tokens * 5))
    assert found == [f"user {n}" for n in range(300)] * 5
