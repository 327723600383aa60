"""Checks of issuers, with their profiles applied: each by itself, and all of them together."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from policy.document.findings import Findings
from policy.document.issuer_names import claims_in
from policy.document.issuer_shapes import KEY_SOURCES, ClaimSourceShape, ClaimTestShape, IssuerShape, KindsShape
from policy.document.key_sources import key_faults
from policy.document.merging import Merged, Placed
from policy.document.names import References
from policy.document.profiles import NO_PROFILE, applied, media_type, profiles
from policy.document.wording import JsonPath, one_of, quoted
from policy.nearest import nearest

Fault = tuple[JsonPath, str]

DEMANDED: Final = ("audience", "authority", "algorithms", "keys", "claims", "kinds")
SYMMETRIC: Final = ("HS256", "HS384", "HS512")

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
        for path, message in _faults(name, placed.value, several=several):
            findings.add(placed.place.to(*path), message)
        _check_profile(name, placed, findings)
        _check_lists(placed, references, findings)
        _check_asserts(placed, references, findings)
    for first, second in _clashes(merged):
        prefixes = quoted(first.value.get("id_prefix", "")), quoted(second.value.get("id_prefix", ""))
        begins = f"begins with the `id_prefix` {prefixes[0]}" if first.value.get("id_prefix") else "is empty like that"
        message = f"{prefixes[1]} {begins} of another issuer in"
        findings.add(second.place.to("id_prefix"), message, other=first.place.to("id_prefix"))


def _faults(name: str, issuer: IssuerShape, *, several: bool) -> Iterator[Fault]:
    whole = applied(issuer)
    if issuer.get("profile") is None or issuer["profile"] in profiles():
        yield from _missing(whole)
    if several:
        for key in ("asserts", "id_prefix"):
            if key not in issuer:
                yield (), f"`{key}` is missing, which several issuers need"
    yield from _algorithms(whole)
    yield from _keys(name, whole)
    yield from _kinds(issuer.get("kinds", {}))
    yield from _authority(whole)
    for target, sources in issuer.get("claims", {}).items():
        for index, source in enumerate(sources):
            yield from _format(target, source, (index,) if len(sources) > 1 else ())


def _missing(whole: IssuerShape) -> Iterator[Fault]:
    for key in DEMANDED:
        if key not in whole:
            from_profile = "and the profile does not supply it" if "profile" in whole else "and there is no `profile`"
            forms = f": give it one of {one_of(KEY_SOURCES)}" if key == "keys" else ""
            yield (), f"`{key}` is missing, {from_profile}{forms}"


def _algorithms(whole: IssuerShape) -> Iterator[Fault]:
    symmetric = [each in SYMMETRIC for each in whole.get("algorithms", ())]
    if any(symmetric) and not all(symmetric):
        yield ("algorithms",), "symmetric and asymmetric algorithms must not be mixed"


def _keys(name: str, whole: IssuerShape) -> Iterator[Fault]:
    if "keys" in whole:
        clear = "algorithms" in whole and not any(_algorithms(whole))
        symmetric = any(each in SYMMETRIC for each in whole.get("algorithms", ())) if clear else None
        for path, message in key_faults(name, whole["keys"], symmetric=symmetric):
            yield ("keys", *path), message


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
        if able is not None and regime not in able and "scopes" not in whole.get("claims", {}):
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


def _check_profile(issuer: str, placed: Placed[IssuerShape], findings: Findings) -> None:
    name = placed.value.get("profile")
    if name is None:
        return
    if name not in profiles():
        near = nearest(name, profiles())
        there_are = "" if near else f": there are {one_of(profiles(), 'and')}"
        findings.add(
            placed.place.to("profile"), f"unknown profile {quoted(name)}{there_are}", near=name, among=profiles().keys()
        )
    elif not _reads_like(issuer, name):
        others = [other for other in profiles() if "issuer" in profiles()[other] and _reads_like(issuer, other)]
        hint = f"; the profile for this one is {one_of(others)}" if others else ""
        wanted = one_of(profiles()[name]["issuer"])
        findings.add(placed.place, f"the profile {quoted(name)} is for issuers whose names read {wanted}{hint}")


def _reads_like(issuer: str, profile: str) -> bool:
    """Whether the name of the issuer is one that the profile knows."""
    templates = profiles()[profile].get("issuer")
    return templates is None or claims_in(issuer, templates) is not None


def _check_lists(placed: Placed[IssuerShape], references: References, findings: Findings) -> None:
    for key in ("audience", "algorithms", "typ", "proof"):
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
