"""Keys that seal a log."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from policy.audit.chain import Chain
from policy.audit.seals import checker, sealer
from policy.errors import PolicyError
from tests.audit.chained import KEY, OTHER_KEY

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CURVE = ec.derive_private_key(7, ec.SECP256R1())
RAW_PUBLIC = PRIVATE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    lock: KeySerializationEncryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)


def public_pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_a_secret_makes_hmac_codes_and_is_named_by_one() -> None:
    """HS256 of RFC 7518; the name tells nothing of the secret."""
    seal = sealer(KEY)
    expected = hmac.new(KEY, b"data", hashlib.sha256).digest()
    assert (seal.algorithm, seal.key) == ("HS256", hmac.new(KEY, b"key name", hashlib.sha256).hexdigest()[:8])
    assert seal.mac(b"data") == urlsafe_b64encode(expected).rstrip(b"=").decode()


def test_a_private_key_signs_and_is_named_by_its_public_one() -> None:
    """EdDSA of RFC 8037."""
    seal = sealer(pem(PRIVATE))
    assert (seal.algorithm, seal.key) == ("EdDSA", hashlib.sha256(RAW_PUBLIC).hexdigest()[:8])
    assert checker([public_pem(PRIVATE)]).check("EdDSA", seal.key, b"data", seal.mac(b"data")) is True


@pytest.mark.parametrize("key", [KEY, pem(PRIVATE)], ids=["secret", "signature"])
def test_what_seals_also_checks(key: bytes) -> None:
    """Other bytes, another code and another spelling of the same code are not good."""
    seal, check = sealer(key), checker([key]).check
    mac = seal.mac(b"data")
    answers = [
        check(seal.algorithm, seal.key, data, text)
        for data, text in [
            (b"data", mac),
            (b"date", mac),
            (b"data", f"{mac}="),
            (b"data", ""),
            (b"data", "A" * len(mac)),
        ]
    ]
    assert answers == [True, False, False, False, False]


def test_another_spelling_of_a_signature_is_not_good() -> None:
    """The last character of 86 has four bits that mean nothing."""
    seal = sealer(pem(PRIVATE))
    mac = seal.mac(b"data")
    other = mac[:-1] + chr(ord(mac[-1]) + 1)
    assert checker([pem(PRIVATE)]).check("EdDSA", seal.key, b"data", other) is False


def test_a_key_that_is_not_at_hand_is_neither_good_nor_bad() -> None:
    """Nor is a key of that name for another algorithm."""
    seal, check = sealer(KEY), checker([OTHER_KEY, pem(PRIVATE)]).check
    assert check(seal.algorithm, seal.key, b"data", seal.mac(b"data")) is None
    assert check("EdDSA", sealer(OTHER_KEY).key, b"data", sealer(OTHER_KEY).mac(b"data")) is None
    assert check("HS256", sealer(pem(PRIVATE)).key, b"data", "") is None


def test_keys_come_from_variables_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line end that an editor leaves in a file is no part of a secret."""
    (tmp_path / "key").write_bytes(KEY + b"\n")
    (tmp_path / "key.pem").write_bytes(pem(PRIVATE))
    monkeypatch.setenv("LOG_KEY", KEY.decode())
    names = {sealer(KEY).key, sealer({"file": str(tmp_path / "key")}).key, sealer({"env": "LOG_KEY"}).key}
    assert (names, sealer({"file": str(tmp_path / "key.pem")}).key) == ({sealer(KEY).key}, sealer(pem(PRIVATE)).key)


def test_a_secret_of_raw_bytes_keeps_its_last_one(tmp_path: Path) -> None:
    """Random bytes may end like a line."""
    raw = bytes(range(200, 240)) + b"\n"
    (tmp_path / "key").write_bytes(raw)
    assert sealer({"file": str(tmp_path / "key")}).key == sealer(raw).key


SECRET = "make one with `openssl rand -hex 32`"
SIGNING = "make one with `openssl genpkey -algorithm ed25519`"
ANOTHER = f"the key of the log is a key of another kind, and a log is signed with Ed25519; {SIGNING}"
UNREADABLE = "the key of the log is no PEM that can be read; make a key with `openssl genpkey -algorithm ed25519`"
UNKNOWN = f"the key of the log is a key in a form that is not known here; a secret is random bytes, {SECRET}"
PUBLIC = "the key of the log is no private key, so it cannot seal a log; give the private key it is of"
LOCKED = "the key of the log is locked by a password; give it without one, readable by the application only"
UNSET = "the environment has no variable `NO_SUCH` with the key of the log; set it, or name another"
FORMS = 'the key of a log is given as `{"env": "NAME"}`, as `{"file": "path"}`, or as bytes'


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (b"short", f"the key of the log has 5 bytes, and a secret that seals a log needs 32; {SECRET}"),
        (b"", f"the key of the log has 0 bytes, and a secret that seals a log needs 32; {SECRET}"),
        (public_pem(PRIVATE), PUBLIC),
        (pem(CURVE), ANOTHER),
        (pem(PRIVATE, b"pass"), LOCKED),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", UNREADABLE),
        (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFi a@b and more", UNKNOWN),
        (b'{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg"}', UNKNOWN),
        (public_pem(PRIVATE).split(b"\n")[1], UNKNOWN),
        (PRIVATE.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), UNKNOWN),
        ({"env": "NO_SUCH"}, UNSET),
        ({"file": "/no/such"}, "the key of the log cannot be read from `/no/such`: no such file or directory"),
        ({"file": "a", "env": "b"}, FORMS),
        ({}, FORMS),
    ],
)
def test_what_cannot_seal_says_what_to_do(key: dict[str, str] | bytes, message: str) -> None:
    """Public keys above all: as a secret, everybody would have it."""
    with pytest.raises(PolicyError) as caught:
        sealer(key)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (public_pem(CURVE), ANOTHER),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", UNREADABLE),
        (b"short", f"the key of the log has 5 bytes, and a secret that seals a log needs 32; {SECRET}"),
    ],
)
def test_what_cannot_check_says_what_to_do(key: bytes, message: str) -> None:
    """As for sealing."""
    with pytest.raises(PolicyError) as caught:
        checker([key])
    assert str(caught.value) == message


def test_a_public_key_is_never_a_secret() -> None:
    """A line sealed with its bytes as HMAC secret is of a key that nobody has."""
    forged = hmac.digest(public_pem(PRIVATE), b"data", "sha256").hex()
    check = checker([public_pem(PRIVATE)])
    assert check.keys == (("EdDSA", sealer(pem(PRIVATE)).key),)
    assert check.check("HS256", check.keys[0][1], b"data", forged) is None


def test_a_sealed_line_covers_all_before_its_code() -> None:
    """As the chain writes it."""
    seal = sealer(pem(PRIVATE))
    line = Chain().seal(b'{"v":2,"kind":"end"}', seal)
    data, _, rest = line.rpartition(b',"mac":"')
    assert data.endswith(f'"kind":"end","alg":"EdDSA","key":"{seal.key}"'.encode())
    assert checker([public_pem(PRIVATE)]).check("EdDSA", seal.key, data, rest[:-3].decode()) is True
