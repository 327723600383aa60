"""Checks of issuers, with their profiles applied: each by itself, and all of them together."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from policy.document.findings import Findings
from policy.document.issuer_shapes import ClaimSourceShape, ClaimTestShape, IssuerShape, KindsShape
from policy.document.merging import Merged, Placed
from policy.document.names import References
from policy.document.profiles import NO_PROFILE, applied, media_type, profiles
from policy.document.wording import JsonPath, one_of, quoted
from policy.nearest import nearest

Fault = tuple[JsonPath, str]

DEMANDED: Final = ("audience", "authority", "algorithms", "keys", "claims", "kinds")
SYMMETRIC: Final = ("HS256", "HS384", "HS512")
WAYS: Final = ("jwks", "jwks_file", "env", "file")
SECRET_KEYS: Final = ("env", "file")
PRIVATE_MEMBERS: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
PUBLIC_TYPES: Final = ("RSA", "EC", "OKP")
VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

SETS: Final = ("space-delimited", "list", "object-keys", "string")
FORMATS: Final[Mapping[str, Sequence[str]]] = {
    "roles": (*SETS, "object-tenants"),
    "scopes": SETS,
    "permissions": SETS,
    "groups": SETS,
    "tenant": ("string",),
    "client": ("string",),
    "acr": ("string",),
}


def check_issuers(merged: Merged, references: References, findings: Findings) -> None:
    """Add to the findings everything that is wrong with the issuers."""
    several = len(merged.declared["issuers"]) > 1
    for name, placed in merged.issuers.items():
        if not name:
            findings.add(placed.place, "an issuer needs a name: the exact `iss` of its tokens")
        for path, message in _faults(placed.value, several=several):
            findings.add(placed.place.to(*path), message)
        _check_profile(placed, findings)
        _check_lists(placed, references, findings)
        _check_asserts(placed, references, findings)
    for first, second in _clashes(merged):
        prefixes = quoted(first.value.get("id_prefix", "")), quoted(second.value.get("id_prefix", ""))
        begins = f"begins with the `id_prefix` {prefixes[0]}" if first.value.get("id_prefix") else "is empty like that"
        message = f"{prefixes[1]} {begins} of another issuer in"
        findings.add(second.place.to("id_prefix"), message, other=first.place.to("id_prefix"))


def _faults(issuer: IssuerShape, *, several: bool) -> Iterator[Fault]:
    whole = applied(issuer)
    if issuer.get("profile") is None or issuer["profile"] in profiles():
        yield from _missing(whole)
    if several:
        for key in ("asserts", "id_prefix"):
            if key not in issuer:
                yield (), f"`{key}` is missing, which several issuers need"
    yield from _algorithms(whole)
    yield from _keys(whole)
    yield from _kinds(issuer.get("kinds", {}))
    yield from _authority(whole)
    for target, sources in issuer.get("claims", {}).items():
        for index, source in enumerate(sources):
            yield from _format(target, source, (index,) if len(sources) > 1 else ())


def _missing(whole: IssuerShape) -> Iterator[Fault]:
    for key in DEMANDED:
        if key not in whole:
            from_profile = "and the profile does not supply it" if "profile" in whole else "and there is no `profile`"
            forms = f": give it one of {one_of(WAYS)}" if key == "keys" else ""
            yield (), f"`{key}` is missing, {from_profile}{forms}"


def _algorithms(whole: IssuerShape) -> Iterator[Fault]:
    symmetric = [each in SYMMETRIC for each in whole.get("algorithms", ())]
    if any(symmetric) and not all(symmetric):
        yield ("algorithms",), "symmetric and asymmetric algorithms must not be mixed"


def _keys(whole: IssuerShape) -> Iterator[Fault]:
    if "keys" not in whole:
        return
    given = tuple(whole["keys"])
    if len(given) != 1:
        yield ("keys",), f"must have exactly one of {one_of(WAYS)}"
        return
    (way,) = given
    symmetric = any(each in SYMMETRIC for each in whole.get("algorithms", ()))
    if "algorithms" in whole and not any(_algorithms(whole)) and symmetric != (way in SECRET_KEYS):
        wanted = "a symmetric key, from `env` or `file`" if symmetric else "public keys, from `jwks` or `jwks_file`"
        yield ("keys", way), f"does not go with the issuer's algorithms, which need {wanted}"
    if way == "env" and not VARIABLE.fullmatch(whole["keys"]["env"]):
        yield ("keys", "env"), f"{quoted(whole['keys']['env'])} is no name of an environment variable"
    if way == "jwks":
        for index, key in enumerate(whole["keys"]["jwks"]["keys"]):
            yield from (((("keys", "jwks", "keys", index, *path)), message) for path, message in _key(key))


def _key(key: Mapping[str, Any]) -> Iterator[Fault]:
    private = [member for member in PRIVATE_MEMBERS if member in key]
    if private or key.get("kty") == "oct":
        yield (), "is a secret key, and secrets never stand in a document: take out the key and replace it everywhere"
    elif key.get("kty") not in PUBLIC_TYPES:
        yield (), f"is no public key: its `kty` must be {one_of(PUBLIC_TYPES)}"


def _kinds(kinds: KindsShape) -> Iterator[Fault]:
    tests_of: Mapping[str, list[ClaimTestShape]] = kinds  # type: ignore[assignment]
    if tests_of and not any(tests_of.values()):
        yield ("kinds",), "at least one kind needs tests: `otherwise` is whoever is not of the other kind"
    for kind, tests in tests_of.items():
        for index, test in enumerate(tests):
            yield from (((("kinds", kind, index, *path)), message) for path, message in _test(test))


def _test(test: ClaimTestShape) -> Iterator[Fault]:
    if sum(key in test for key in ("equals", "exists", "same_as")) != 1:
        yield (), f"must have exactly one of {one_of(('equals', 'exists', 'same_as'))}"
    elif "suffix" in test and "same_as" not in test:
        yield ("suffix",), "goes with `same_as` only"


def _authority(whole: IssuerShape) -> Iterator[Fault]:
    authority: Mapping[str, str] = whole.get("authority", {})  # type: ignore[assignment]
    if "authority" in whole and not authority:
        yield ("authority",), "must not be empty"
    able = profiles().get(whole.get("profile", ""), NO_PROFILE).get("regimes")
    for kind, regime in authority.items():
        if able is not None and regime not in able:
            yield ("authority", kind), f"the profile works with {one_of(able)} only, not with {quoted(regime)}"
        if "kinds" in whole and kind not in whole["kinds"]:
            yield ("authority", kind), f"can never apply: nothing in `kinds` makes a subject a {kind}"


def _format(target: str, source: ClaimSourceShape, index: JsonPath) -> Iterator[Fault]:
    path = ("claims", target, *index)
    allowed = FORMATS.get(target, ())
    if not allowed and "format" in source:
        yield (*path, "format"), f"`{target}` is always a number and takes no `format`"
    elif allowed and "format" not in source:
        yield path, f"`format` is missing: one of {one_of(allowed)}"
    elif allowed and source["format"] not in allowed:
        yield (*path, "format"), f"must be {one_of(allowed)} for `{target}`, not {quoted(source['format'])}"


def _check_profile(placed: Placed[IssuerShape], findings: Findings) -> None:
    name = placed.value.get("profile")
    if name is not None and name not in profiles():
        near = nearest(name, profiles())
        there_are = "" if near else f": there are {one_of(profiles(), 'and')}"
        findings.add(
            placed.place.to("profile"), f"unknown profile {quoted(name)}{there_are}", near=name, among=profiles().keys()
        )


def _check_lists(placed: Placed[IssuerShape], references: References, findings: Findings) -> None:
    for key in ("audience", "algorithms", "typ"):
        names: Sequence[str] = placed.value.get(key, ())  # type: ignore[assignment]
        references.once(names, placed.place.to(key))
    for index, typ in enumerate(placed.value.get("typ", ())):
        if typ and not media_type(typ):
            message = f"{quoted(typ)} names no media type; an empty text accepts an absent `typ`"
            findings.add(placed.place.to("typ", index), message)


def _check_asserts(placed: Placed[IssuerShape], references: References, findings: Findings) -> None:
    asserts, place = placed.value.get("asserts", {}), placed.place.to("asserts")
    references.patterns_match(asserts.get("permissions", ()), place.to("permissions"))
    for kind in ("roles", "scopes", "tenants"):
        names: Sequence[str] = asserts.get(kind, ())  # type: ignore[assignment]
        references.once(names, place.to(kind))
        for index, name in enumerate(names):
            if "*" in name[:-1]:
                findings.add(place.to(kind, index), f"{quoted(name)} may have `*` only as its last character")
    for index, name in enumerate(asserts.get("roles", ())):
        if "*" not in name:
            references.role_known(name, place.to("roles", index))


def _clashes(merged: Merged) -> Iterator[tuple[Placed[IssuerShape], Placed[IssuerShape]]]:
    """Issuers of which one's prefix begins another's, or is empty like another's."""
    given = [each for each in merged.issuers.values() if "id_prefix" in each.value]
    in_order = sorted(given, key=lambda each: each.value.get("id_prefix", ""))
    shortest: Placed[IssuerShape] | None = None
    for each in in_order:
        prefix = each.value.get("id_prefix", "")
        before = None if shortest is None else shortest.value.get("id_prefix", "")
        if shortest is not None and before is not None and prefix.startswith(before) and (before or not prefix):
            yield shortest, each
        else:
            shortest = each
