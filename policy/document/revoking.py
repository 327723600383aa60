"""The document of revocations: read by itself, with the same strictness as a policy and in the same words."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Required

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict  # the standard library's does not tell pydantic enough before Python 3.12

from policy.claims import LATEST
from policy.document.findings import Findings, Place
from policy.document.merging import report
from policy.document.reading import MIB, Source, object_in
from policy.document.schema import checked
from policy.document.shorthand import STRICT, Text
from policy.document.wording import JsonPath, one_of, quoted
from policy.errors import PolicyError
from policy.revoked import WHATS, Revocation, What

MAX_BYTES: Final = 32 * MIB
NAMED: Final = WHATS[:-1]
TOKEN_IDS: Final = ("jti:", "sha256:")
TOKEN_ID: Final = re.compile(r"jti:.+|sha256:[0-9a-f]{16}", re.DOTALL)


@with_config(STRICT)
class RevocationShape(TypedDict, total=False):
    """Tokens of one issuer that are refused: one token, or those of a subject, a client, a tenant, or all."""

    issuer: Required[Annotated[Text, Field(description="One of the policy's issuers.")]]
    token: Annotated[Text, Field(description="A token as records name it: `jti:…` or `sha256:…`.")]
    subject: Annotated[Text, Field(description="The raw `sub` of tokens.")]
    client: Annotated[Text, Field(description="The client of tokens.")]
    tenant: Annotated[Text, Field(description="The tenant of tokens, or one that a role in them is bound to.")]
    issued_before: Annotated[Text, Field(description="Only tokens issued up to this time: `2027-01-15T08:00:00Z`.")]
    until: Annotated[Text, Field(description="The time after which the entry may be struck out.")]
    note: Annotated[str, Field(description="Why, for people.")]


Revocations = TypedDict(
    "Revocations",
    {
        "$schema": Annotated[str, Field(description="Where an editor finds this schema; never fetched.")],
        "revocations": Required[Annotated[list[RevocationShape], Field(description="What is revoked; may be empty.")]],
    },
    total=False,
)
Revocations.__doc__ = "Revoked tokens, in a document of their own that is read apart from the policy."
with_config(ConfigDict(extra="forbid", strict=True, title="Revocations"))(Revocations)
SHAPES: Final[Mapping[JsonPath, Any]] = {(): Revocations, ("revocations", "*"): RevocationShape}
_DOCUMENT: Final[TypeAdapter[Revocations]] = TypeAdapter(Revocations)


def read_revocations(sources: Sequence[Source], issuers: Collection[str] | None) -> tuple[Revocation, ...]:
    """What these documents revoke, of these issuers; `PolicyError` with every problem of every document.

    Where the issuers are not known (`None`), none is called unknown.
    """
    findings = Findings()
    found = [entry for number, each in enumerate(sources) for entry in _entries(each, number, issuers, findings)]
    if findings.found:
        raise PolicyError(findings.problems([each.name for each in sources], [each.text for each in sources]))
    return tuple(found)


def revocations_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a document of revocations, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_DOCUMENT.json_schema()}


def _entries(source: Source, number: int, issuers: Collection[str] | None, findings: Findings) -> Iterator[Revocation]:
    parsed = object_in(source, number, findings, MAX_BYTES)
    if parsed is None:
        return
    # well-formed assignments were taken out of the value, for in a policy they may be many
    value = parsed.value if parsed.assignments is None else {**parsed.value, "assignments": []}
    shaped = checked(_DOCUMENT, value)
    wrong = shaped if isinstance(shaped, list) else []
    report(wrong, number, findings, SHAPES)
    bad = {each.path[:2] for each in wrong}
    items = value.get("revocations") if ("revocations",) not in bad else None
    for index, entry in enumerate(items if isinstance(items, list) else ()):
        path = ("revocations", index)
        made = None if path in bad else _entry(entry, Place(number, path), issuers, findings)
        if made is not None:
            yield made


def _entry(
    shape: RevocationShape, place: Place, issuers: Collection[str] | None, findings: Findings
) -> Revocation | None:
    before = len(findings.found)
    if issuers is not None and shape["issuer"] not in issuers:
        message = f"unknown issuer {quoted(shape['issuer'])}"
        findings.add(place.to("issuer"), message, near=shape["issuer"], among=issuers)
    given: list[What] = [what for what in NAMED if what in shape]
    what: What = given[0] if given else "issuer"
    if len(given) > 1:
        findings.add(place, f"must have only one of {one_of(NAMED)}")
    if what in ("tenant", "issuer") and "issued_before" not in shape:
        named = "a tenant" if what == "tenant" else "a whole issuer"
        findings.add(place, f"`issued_before` is missing, which the revocation of {named} needs")
    if what == "token":
        _check_token(shape, place, findings)
    elif what != "issuer" and (fault := name_fault(what, shape[what])):
        findings.add(place.to(what), f"{quoted(shape[what])} {fault}")
    times = {name: _time(shape, name, place, findings) for name in ("issued_before", "until") if name in shape}
    if len(findings.found) > before:
        return None
    return Revocation(
        issuer=shape["issuer"],
        what=what,
        value="" if what == "issuer" else shape[what],
        issued_before=times.get("issued_before"),
        until=times.get("until"),
        note=shape.get("note", ""),
    )


def _check_token(shape: RevocationShape, place: Place, findings: Findings) -> None:
    if fault := name_fault("token", shape["token"]):
        findings.add(place.to("token"), f"{quoted(shape['token'])} {fault}")
    if "issued_before" in shape:
        findings.add(place.to("issued_before"), "does not go with `token`, which is one token whenever it was issued")


def name_fault(what: What, value: str) -> str:
    """Why a revocation cannot name this, which no token could ever meet; empty where it can."""
    if what == "token" and not value.startswith(TOKEN_IDS):
        return f"names no token: it begins with {one_of(TOKEN_IDS)}, as in records"
    if what == "token" and not TOKEN_ID.fullmatch(value):
        return "names no token: after `jti:` stands the claim, after `sha256:` stand 16 hexadecimal digits"
    if what in ("subject", "client", "tenant") and "*" in value:
        return f"must not have a `*`: a revocation names one {what}"
    return ""


def _time(shape: RevocationShape, name: str, place: Place, findings: Findings) -> float | None:
    """A time of RFC 3339, in seconds since 1970."""
    written: str = shape[name]  # type: ignore[literal-required]
    found = instant(written)
    if found is None:
        findings.add(place.to(name), f"{quoted(written)} is no time such as `2027-01-15T08:00:00Z`")
    return found


def instant(written: str) -> float | None:
    """The seconds since 1970 of a time with a date and an offset (RFC 3339 section 5.6); `None` where it is none."""
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        return None
    if found.tzinfo is None or "T" not in written.upper():
        return None
    seconds = found.timestamp()
    return seconds if 0 <= seconds <= LATEST else None
