"""The signature algorithms this library knows, and what a key must be for each (RFC 7518 section 3, RFC 8037)."""

from types import MappingProxyType
from typing import Any, Final, NamedTuple

RSA_BITS_AT_LEAST: Final = 2048

#: HMAC algorithms, and the bytes a secret has at least: as many as the hash (RFC 7518 section 3.2).
SECRET_BYTES_AT_LEAST: Final = MappingProxyType({"HS256": 32, "HS384": 48, "HS512": 64})


class Shape(NamedTuple):
    """The `kty` of the keys of an asymmetric algorithm and, unless any will do, their `crv`."""

    kty: str
    curves: tuple[str, ...] = ()


RSA: Final = Shape("RSA")
SHAPES: Final = MappingProxyType(
    {
        **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), RSA),
        "ES256": Shape("EC", ("P-256",)),
        "ES384": Shape("EC", ("P-384",)),
        "ES512": Shape("EC", ("P-521",)),
        "EdDSA": Shape("OKP", ("Ed25519", "Ed448")),
    }
)


def misfit(algorithm: str, jwk: dict[str, Any]) -> str:
    """Why a public JWK is no key for an asymmetric algorithm, by its `kty` and `crv` alone; empty where it is one."""
    shape, kty, crv = SHAPES[algorithm], jwk.get("kty"), jwk.get("crv")
    if kty != shape.kty:
        return f"`{algorithm}` needs a key of `kty` `{shape.kty}`"
    if shape.curves and crv not in shape.curves:
        return f"`{algorithm}` needs a key of `crv` " + " or ".join(f"`{curve}`" for curve in shape.curves)
    return ""
