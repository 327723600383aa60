"""Keys are read once, strictly, and everything that is wrong with them is said at once."""

import json
from pathlib import Path
from typing import Any

import pytest

from policy.errors import PolicyError, Problem
from policy.model import KeySource
from policy.reasons import Reason
from policy.tokens import KeyProblems, TokenVerifier
from policy.tokens.issue import sign
from tests.tokens import makers
from tests.tokens.makers import NAME, NOW, SECRET, VARIABLE, claims, issuer, jwk, jwks, pem, refused, signed, verifier

EVERY = [
    ("RS256", "RSA"), ("RS384", "RSA"), ("RS512", "RSA"), ("PS256", "RSA"), ("PS384", "RSA"), ("PS512", "RSA"),
    ("ES256", "P-256"), ("ES384", "P-384"), ("ES512", "P-521"), ("EdDSA", "Ed25519"), ("EdDSA", "Ed448"),
]  # fmt: skip
HMAC = ["HS256", "HS384", "HS512"]


def problems(where: str, *messages: str) -> tuple[Problem, ...]:
    return tuple(Problem(path=f'issuers["{NAME}"].{where}', message=message) for message in messages)


def wrong_with(source: KeySource, *algorithms: str) -> tuple[Problem, ...]:
    """What is wrong with these keys; the constructor has to say the same."""
    known = {NAME: issuer(keys=source, algorithms=algorithms)}
    found = TokenVerifier.problems(known)
    with pytest.raises(PolicyError) as caught:
        TokenVerifier(known)
    assert caught.value.problems == (*found.wrong, *found.unseen)
    return found.wrong


@pytest.mark.parametrize("algorithm", HMAC)
def test_every_hmac_algorithm_verifies(algorithm: str) -> None:
    """A token signed with the shared secret is accepted, and not with another secret of the same length."""
    by = verifier(issuer(algorithms=(algorithm,)))
    token = sign(claims(), key=SECRET, algorithm=algorithm, kid="ignored")
    assert by.verify(token, now=NOW).claims == claims()
    other = sign(claims(), key=SECRET[::-1], algorithm=algorithm)
    detail = f"the issuer's `{algorithm}` key does not verify it"
    assert refused(other, by=by) == (Reason.TOKEN_SIGNATURE, detail)


@pytest.mark.parametrize(("algorithm", "kind"), EVERY)
def test_every_asymmetric_algorithm_verifies(algorithm: str, kind: str) -> None:
    """A token signed with the private key is accepted, and not one signed with another key."""
    by = verifier(issuer(algorithms=(algorithm,), keys=jwks(jwk(kind, kid="a"))))
    assert by.verify(sign(claims(), key=pem(kind), algorithm=algorithm, kid="a"), now=NOW).claims == claims()
    assert by.verify(sign(claims(), key=pem(kind), algorithm=algorithm), now=NOW).claims == claims()
    other = sign(claims(), key=pem(kind, 1), algorithm=algorithm, kid="a")
    detail = f'the issuer\'s `{algorithm}` key "a" does not verify it'
    assert refused(other, by=by) == (Reason.TOKEN_SIGNATURE, detail)


@pytest.mark.parametrize(("algorithm", "kind"), [*EVERY, *((name, "") for name in HMAC)])
@pytest.mark.parametrize("spoil", [lambda s: "", lambda s: s[:-4], lambda s: s + "AAAA", lambda s: "A" * len(s)])
def test_a_spoilt_signature_is_refused(algorithm: str, kind: str, spoil: Any) -> None:
    """An empty, shortened, lengthened or zeroed signature is a bad one, and no error."""
    source = jwks(jwk(kind)) if kind else KeySource(env=VARIABLE)
    by = verifier(issuer(algorithms=(algorithm,), keys=source))
    token = sign(claims(), key=pem(kind) if kind else SECRET, algorithm=algorithm)
    head, signature = token.rsplit(".", 1)
    whole = signature[: len(signature) // 4 * 4]
    expected = (Reason.TOKEN_SIGNATURE, f"the issuer's `{algorithm}` key does not verify it")
    assert refused(f"{head}.{spoil(whole)}", by=by) == expected


def test_an_algorithm_outside_the_issuers_list_is_refused() -> None:
    """The key would do, the issuer's list says no."""
    by = verifier(issuer(algorithms=("RS256",), keys=jwks(jwk("RSA"))))
    detail = 'expected `alg` to be "RS256", seen "PS256"'
    assert refused(sign(claims(), key=pem("RSA"), algorithm="PS256"), by=by) == (Reason.TOKEN_ALGORITHM, detail)


def test_a_key_made_for_one_algorithm_is_not_used_for_another() -> None:
    """Where a JWK names its algorithm, it serves only that, even if the issuer uses others too."""
    by = verifier(issuer(algorithms=("RS256", "RS512"), keys=jwks(jwk("RSA", kid="a", alg="RS256"))))
    assert by.verify(sign(claims(), key=pem("RSA"), algorithm="RS256", kid="a"), now=NOW).claims == claims()
    token = sign(claims(), key=pem("RSA"), algorithm="RS512", kid="a")
    assert refused(token, by=by) == (Reason.TOKEN_KEY, 'expected `kid` nothing for `RS512`, seen "a"')


def test_a_token_with_a_kid_needs_the_key_of_that_name() -> None:
    """No other key is tried, and a key without a name is not the one that was named."""
    by = verifier(issuer(algorithms=("ES256",), keys=jwks(jwk("P-256", kid="a"), jwk("P-256", 1, kid="b"))))
    assert by.verify(sign(claims(), key=pem("P-256", 1), algorithm="ES256", kid="b"), now=NOW).claims == claims()
    token = sign(claims(), key=pem("P-256"), algorithm="ES256", kid="c")
    assert refused(token, by=by) == (Reason.TOKEN_KEY, 'expected `kid` any of "a", "b" for `ES256`, seen "c"')
    nameless = verifier(issuer(algorithms=("ES256",), keys=jwks(jwk("P-256"))))
    assert refused(token, by=nameless) == (Reason.TOKEN_KEY, 'expected `kid` nothing for `ES256`, seen "c"')


def test_a_token_without_a_kid_needs_exactly_one_fitting_key() -> None:
    """Keys are not tried one after another; one for another algorithm does not count."""
    token = sign(claims(), key=pem("P-256"), algorithm="ES256")
    two = issuer(algorithms=("ES256", "ES384"), keys=jwks(jwk("P-256", kid="a"), jwk("P-384", kid="b")))
    assert verifier(two).verify(token, now=NOW).claims == claims()
    three = issuer(algorithms=("ES256",), keys=jwks(jwk("P-256", kid="a"), jwk("P-256", 1, kid="b")))
    detail = "expected `kid` in the header, as 2 keys fit `ES256`"
    assert refused(token, by=verifier(three)) == (Reason.TOKEN_KEY, detail)


def test_one_issuers_key_does_not_sign_for_another() -> None:
    """Keys are bound to their issuer."""
    one = issuer(algorithms=("ES256",), keys=jwks(jwk("P-256", kid="a")))
    two = issuer(
        name="https://two.example.com", id_prefix="2|", algorithms=("ES256",), keys=jwks(jwk("P-256", 1, kid="a"))
    )
    token = sign(claims(iss=two.name), key=pem("P-256"), algorithm="ES256", kid="a")
    detail = 'the issuer\'s `ES256` key "a" does not verify it'
    assert refused(token, by=verifier(one, two)) == (Reason.TOKEN_SIGNATURE, detail)


@pytest.mark.parametrize(
    "entry",
    [
        jwk("RSA", use="enc"), jwk("RSA", key_ops=["encrypt"]), jwk("RSA", key_ops=[]), jwk("RSA", alg="RSA-OAEP"),
        jwk("P-256"), {"kty": "new", "kid": "x"}, jwk("RSA", alg="PS256"),
    ],
)  # fmt: skip
def test_keys_for_something_else_are_left_out(entry: dict[str, Any]) -> None:
    """A key for encryption, for another algorithm or of an unknown type is no key here, and no fault."""
    by = verifier(issuer(algorithms=("RS256",), keys=jwks(entry, jwk("RSA", use="sig", key_ops=["verify"]))))
    assert by.verify(sign(claims(), key=pem("RSA"), algorithm="RS256"), now=NOW).claims == claims()
    assert wrong_with(jwks(entry), "RS256") == problems("keys.jwks", "no key in it is for `RS256`")


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"use": "sig"}, "it has no `kty`"),
        ({"kty": 7}, "`kty` is not a non-empty text"),
        (jwk("RSA", kid=7), "`kid` is not a non-empty text"),
        (jwk("RSA", kid=""), "`kid` is not a non-empty text"),
        (jwk("RSA", alg=["RS256"]), "`alg` is not a non-empty text"),
        (jwk("RSA", key_ops="verify"), "`key_ops` is not a list of texts"),
        (jwk("RSA", key_ops=[7]), "`key_ops` is not a list of texts"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "it is a secret, which never stands in a JWK Set"),
        (makers.private_jwk("RSA"), "it is a private key (it has `d`); only its public members belong here"),
        (makers.private_jwk("P-256"), "it is a private key (it has `d`); only its public members belong here"),
        (makers.private_jwk("Ed25519"), "it is a private key (it has `d`); only its public members belong here"),
        (jwk("RSA-1024"), "an RSA key needs at least 2048 bits, this one has 1024"),
        (jwk("P-256", alg="RS256"), "`RS256` needs a key of `kty` `RSA`"),
        (jwk("P-384", alg="ES256"), "`ES256` needs a key of `crv` `P-256`"),
        (jwk("RSA", n="!!!!"), "it is no valid `RSA` key"),
        (jwk("RSA", n=None), "it is no valid `RSA` key"),
        (jwk("RSA", n=7), "it is no valid `RSA` key"),
        (jwk("RSA", e="Ag"), "it is no valid `RSA` key"),
        (jwk("P-256", x=jwk("P-256", 1)["x"]), "it is no valid `EC` key"),
        (jwk("P-256", x="AA"), "it is no valid `EC` key"),
        (jwk("Ed25519", x="AA"), "it is no valid `OKP` key"),
    ],
)
def test_a_faulty_entry_is_refused(entry: dict[str, Any], fault: str) -> None:
    """A key that is private, symmetric, weak, broken or says one thing and is another stops the start."""
    algorithms = ("RS256", "ES256", "EdDSA")
    assert wrong_with(jwks(entry, jwk("RSA")), *algorithms) == problems("keys.jwks", f"keys[0]: {fault}")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "it is no strict JSON object: it is empty"),
        ("[]", "it is no strict JSON object: it is not an object"),
        ('{"keys": [], "keys": []}', "it is no strict JSON object: a member is named twice"),
        ("-----BEGIN PUBLIC KEY-----", 'a JWK Set `{"keys": [...]}` is expected: it is not JSON at character 0'),
        ('{"keys": [],}', 'a JWK Set `{"keys": [...]}` is expected: it is not JSON at character 12'),
        (json.dumps(jwk("RSA")), 'it is a single key: wrap it in `{"keys": [...]}`'),
        (json.dumps({"kty": 7}), 'it is a single key: wrap it in `{"keys": [...]}`'),
        (json.dumps({**jwk("RSA"), "keys": {}}), "it has no `keys` that are a list of objects"),
        ("{}", "it has no `keys` that are a list of objects"),
        ('{"keys": {}}', "it has no `keys` that are a list of objects"),
        ('{"keys": ["x"]}', "it has no `keys` that are a list of objects"),
        ('{"keys": []}', "no key in it is for `RS256` or `ES256`"),
        ('{"keys": "\ud800"}', "it is no strict JSON object: it is not UTF-8"),
    ],
)
def test_a_faulty_set_is_refused(text: str, fault: str) -> None:
    """A JWK Set is read as strictly as a token."""
    assert wrong_with(KeySource(jwks=text), "RS256", "ES256") == problems("keys.jwks", fault)


def test_two_keys_of_one_name_are_refused() -> None:
    """Two keys that one algorithm could use must not share a `kid`; for two algorithms they may."""
    source = jwks(jwk("P-256", kid="a"), jwk("P-256", 1, kid="a"), jwk("P-384", kid="a"))
    assert wrong_with(source, "ES256", "ES384") == problems("keys.jwks", 'two keys have the `kid` "a"')
    both = issuer(algorithms=("ES256", "ES384"), keys=jwks(jwk("P-256", kid="a"), jwk("P-384", kid="a")))
    for kind in ("P-256", "P-384"):
        token = sign(claims(), key=pem(kind), algorithm=makers.ALGORITHM[kind], kid="a")
        assert verifier(both).verify(token, now=NOW).claims == claims()


def test_keys_may_stand_in_a_file(tmp_path: Path) -> None:
    """A `jwks_file` is read as an inline set is; one that is not there stops a start."""
    path = tmp_path / "id.jwks.json"
    path.write_text(json.dumps({"keys": [jwk("P-256")]}))
    by = verifier(issuer(algorithms=("ES256",), keys=KeySource(jwks_file=str(path))))
    assert by.verify(sign(claims(), key=pem("P-256"), algorithm="ES256"), now=NOW).claims == claims()
    path.write_text('{"keys": [')
    assert wrong_with(KeySource(jwks_file=str(path)), "ES256") == problems(
        "keys.jwks_file", 'a JWK Set `{"keys": [...]}` is expected: it is not JSON at character 10'
    )
    path.unlink()
    missing = f"`{path}` cannot be read: No such file or directory"
    gone = {NAME: issuer(keys=KeySource(jwks_file=str(path)), algorithms=("ES256",))}
    assert TokenVerifier.problems(gone) == ((), problems("keys.jwks_file", missing))
    with pytest.raises(PolicyError, match="cannot be read: No such file or directory"):
        TokenVerifier(gone)


@pytest.mark.parametrize(("end", "name"), [("", "a"), ("\n", "b"), ("\r\n", "c")])
def test_a_secret_may_stand_in_a_file(tmp_path: Path, end: str, name: str) -> None:
    """The line end that an editor leaves after a secret is not part of it."""
    path = tmp_path / name
    path.write_bytes((SECRET + end).encode())
    assert verifier(issuer(keys=KeySource(file=str(path)))).verify(signed(), now=NOW).claims == claims()


def test_a_binary_secret_is_taken_whole(tmp_path: Path) -> None:
    """Bytes that are no text keep their last byte, even if it is a line end."""
    path, secret = tmp_path / "secret", bytes(range(31)) + b"\n"
    path.write_bytes(secret)
    by = verifier(issuer(keys=KeySource(file=str(path))))
    assert by.verify(signed(key=secret), now=NOW).claims == claims()


@pytest.mark.parametrize(("algorithm", "least"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_secret_shorter_than_its_hash_is_refused(monkeypatch: pytest.MonkeyPatch, algorithm: str, least: int) -> None:
    """A secret has at least as many bytes as the hash (RFC 7518 section 3.2)."""
    monkeypatch.setenv(VARIABLE, "s" * least)
    assert TokenVerifier.problems({NAME: issuer(algorithms=(algorithm,))}) == KeyProblems((), ())
    monkeypatch.setenv(VARIABLE, "s" * (least - 1))
    fault = f"`{algorithm}` needs a secret of at least {least} bytes, this one has {least - 1}"
    assert wrong_with(KeySource(env=VARIABLE), algorithm) == problems("keys.env", fault)


def test_what_cannot_be_seen_is_told_from_what_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A secret that is not here is no fault of the policy, but no start either; one that is a folder likewise."""
    monkeypatch.delenv(VARIABLE, raising=False)
    absent = issuer(), issuer(keys=KeySource(file=str(tmp_path / "no"))), issuer(keys=KeySource(file=str(tmp_path)))
    faults = (
        ("keys.env", f"the variable `{VARIABLE}` is not set"),
        ("keys.file", f"`{tmp_path / 'no'}` cannot be read: No such file or directory"),
        ("keys.file", f"`{tmp_path}` cannot be read: Is a directory"),
    )
    for known, (where, fault) in zip(absent, faults, strict=True):
        assert TokenVerifier.problems({NAME: known}) == KeyProblems((), problems(where, fault))
        with pytest.raises(PolicyError) as caught:
            TokenVerifier({NAME: known})
        assert caught.value.problems == problems(where, fault)


@pytest.mark.parametrize(
    ("source", "algorithms", "where", "fault"),
    [
        (KeySource(env="X"), (), "algorithms", "no algorithm is given"),
        (KeySource(env="X"), ("none",), "algorithms", 'unknown algorithm "none"'),
        (KeySource(env="X"), ("hs256",), "algorithms", 'unknown algorithm "hs256"'),
        (jwks(jwk("secp256k1")), ("ES256K",), "algorithms", 'unknown algorithm "ES256K"'),
        (KeySource(env="X"), ("HS256", "RS256"), "algorithms",
         "symmetric and asymmetric algorithms cannot stand in one issuer"),
        (jwks(jwk("RSA")), ("HS256",), "keys", "symmetric algorithms need a secret named by `env` or `file`"),
        (KeySource(env="X"), ("RS256",), "keys",
         "asymmetric algorithms need public keys given by `jwks`, `jwks_file`, `jwks_uri` or `discovery`"),
        (KeySource(), ("RS256",), "keys",
         "asymmetric algorithms need public keys given by `jwks`, `jwks_file`, `jwks_uri` or `discovery`"),
    ],
)  # fmt: skip
def test_keys_and_algorithms_have_to_go_together(
    source: KeySource, algorithms: tuple[str, ...], where: str, fault: str
) -> None:
    """Secrets serve HMAC, public keys serve the rest, and one issuer has one kind."""
    assert wrong_with(source, *algorithms) == problems(where, fault)


def test_all_problems_of_all_issuers_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that fails names everything that has to be mended, not the first thing."""
    monkeypatch.setenv(VARIABLE, "short")
    weak = issuer(algorithms=("HS256", "HS512"))
    broken = issuer(name="b", algorithms=("RS256",), keys=jwks(jwk("RSA-1024"), makers.private_jwk("RSA")))
    gone = issuer(name="c", keys=KeySource(env="POLICY_TEST_NOT_SET"))
    with pytest.raises(PolicyError) as caught:
        TokenVerifier({each.name: each for each in (weak, broken, gone)})
    assert str(caught.value).splitlines() == [
        f'issuers["{NAME}"].keys.env: `HS256` needs a secret of at least 32 bytes, this one has 5',
        f'issuers["{NAME}"].keys.env: `HS512` needs a secret of at least 64 bytes, this one has 5',
        'issuers["b"].keys.jwks: keys[0]: an RSA key needs at least 2048 bits, this one has 1024',
        'issuers["b"].keys.jwks: keys[1]: it is a private key (it has `d`); only its public members belong here',
        'issuers["c"].keys.env: the variable `POLICY_TEST_NOT_SET` is not set',
    ]
    assert "short" not in str(caught.value)
