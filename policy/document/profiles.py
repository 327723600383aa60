"""The shipped profiles: providers described as data, and what an issuer is once its profile is applied."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from policy.document.issuer_shapes import IssuerShape, ProfileShape
from policy.document.schema import profile

NO_PROFILE: Final[ProfileShape] = {}
FROM_PROFILE: Final = ("algorithms", "audience_claim", "keys", "kinds", "typ")


@cache
def profiles() -> Mapping[str, ProfileShape]:
    """Every shipped profile, by name."""
    found = (file for file in files("policy").joinpath("profiles").iterdir() if file.name.endswith(".json"))
    return MappingProxyType(
        {
            file.name.removesuffix(".json"): profile(json.loads(file.read_text("utf-8")))
            for file in sorted(found, key=str)
        }
    )


def applied(issuer: IssuerShape) -> IssuerShape:
    """The issuer with what it leaves out taken from its profile; claims are filled in one by one."""
    given = profiles().get(issuer.get("profile", ""), NO_PROFILE)
    filled: IssuerShape = {**{key: given[key] for key in FROM_PROFILE if key in given}, **issuer}  # type: ignore[typeddict-item]
    if "claims" in given or "claims" in issuer:
        filled["claims"] = {**given.get("claims", {}), **issuer.get("claims", {})}
    return filled


def media_type(typ: str) -> str:
    """A `typ` as it is compared: in lower case, without `application/` (RFC 7515 section 4.1.9)."""
    return typ.lower().removeprefix("application/")
