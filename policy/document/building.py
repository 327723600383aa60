"""The checked document as values of the model. Nothing here can fail any more."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from types import MappingProxyType
from typing import Final, TypeVar, cast

from policy.document.issuer_names import claims_in
from policy.document.issuer_shapes import (
    AssertsShape,
    ClaimSourceShape,
    ClaimTestShape,
    IssuerShape,
    KeysShape,
    ProfileTestShape,
)
from policy.document.merging import Merged, Placed
from policy.document.profiles import NO_PROFILE, applied, media_type, profiles
from policy.document.shapes import ConstraintShape, PermissionShape, RoleShape, RuleShape, ScopeShape
from policy.model import (
    STALE_UNLESS_SAID,
    Asserts,
    ClaimSource,
    ClaimTest,
    Constraint,
    Document,
    Issuer,
    KeySource,
    Kind,
    Permission,
    Role,
    Rule,
    Scope,
    StepUp,
    Target,
)

V = TypeVar("V")

EVERYTHING: Final = Asserts()


def built(merged: Merged, folders: Sequence[str], digest: str) -> Document:
    """The model of a merged document in which nothing is wrong, without warnings."""
    return Document(
        permissions=_frozen((name, _permission(name, each.value)) for name, each in merged.permissions.items()),
        roles=_frozen((name, _role(name, each.value)) for name, each in merged.roles.items()),
        scopes=_frozen((name, _scope(name, each.value)) for name, each in merged.scopes.items()),
        rules=tuple(_rule(each.value) for each in merged.rules),
        assignments=tuple(chain.from_iterable(each.columns.built() for each in merged.assignments)),
        constraints=tuple(_constraint(each.value) for each in merged.constraints),
        issuers=_frozen((name, _issuer(name, each, folders)) for name, each in merged.issuers.items()),
        tenancy="required" if merged.tenancy is not None and merged.tenancy.value == "required" else "optional",
        digest=digest,
    )


def _frozen(items: Iterable[tuple[str, V]]) -> Mapping[str, V]:
    return MappingProxyType(dict(items))


def _permission(name: str, shape: PermissionShape) -> Permission:
    asked = shape.get("step_up")
    step_up = StepUp(acr=tuple(asked.get("acr", ())), max_age=asked.get("max_age")) if asked else None
    return Permission(name=name, description=shape.get("description", ""), step_up=step_up)


def _role(name: str, shape: RoleShape) -> Role:
    return Role(
        name=name,
        description=shape.get("description", ""),
        inherits=tuple(shape.get("inherits", ())),
        grants=tuple(shape.get("grants", ())),
    )


def _scope(name: str, shape: ScopeShape) -> Scope:
    return Scope(name=name, description=shape.get("description", ""), grants=tuple(shape["grants"]))


def _rule(shape: RuleShape) -> Rule:
    return Rule(
        id=shape["id"],
        effect=shape["effect"],
        permissions=tuple(shape["permissions"]),
        roles=tuple(shape.get("roles", ())),
        everyone=shape.get("everyone", False),
        description=shape.get("description", ""),
        message=shape.get("message", ""),
    )


def _constraint(shape: ConstraintShape) -> Constraint:
    return Constraint(
        id=shape["id"],
        roles=tuple(shape["roles"]),
        limit=shape["limit"],
        description=shape.get("description", ""),
    )


def _issuer(name: str, placed: Placed[IssuerShape], folders: Sequence[str]) -> Issuer:
    shape = applied(placed.value)
    profile = profiles().get(shape.get("profile", ""), NO_PROFILE)
    kinds = cast("Mapping[Kind, Sequence[ProfileTestShape]]", shape["kinds"])
    return Issuer(
        name=name,
        profile=shape.get("profile", ""),
        audience=tuple(shape["audience"]),
        audience_claim=tuple(shape.get("audience_claim", ("aud",))),
        algorithms=tuple(shape["algorithms"]),
        keys=_keys(shape["keys"], folders[placed.place.source]),
        authority=MappingProxyType(cast("dict[Kind, str]", dict(shape["authority"]))),  # type: ignore[arg-type]
        claims=MappingProxyType(_claims(shape["claims"])),
        kinds=MappingProxyType({kind: tuple(map(_profile_test, tests)) for kind, tests in kinds.items() if tests}),
        otherwise=next((kind for kind, tests in kinds.items() if not tests), None),
        types=frozenset(map(media_type, shape["typ"])) if "typ" in shape else None,
        required=tuple(profile.get("required", ())),
        rejected=tuple(map(_profile_test, profile.get("rejected", ()))),
        in_name=tuple((claims_in(name, profile.get("issuer", ())) or {}).items()),
        overage=tuple(map(_profile_test, profile.get("overage", ()))),
        asserts=_asserts(shape["asserts"]) if "asserts" in shape else EVERYTHING,
        id_prefix=shape.get("id_prefix", ""),
        leeway=shape.get("leeway", 30),
        proof=tuple(sorted(shape.get("proof", ()))),
    )


def _keys(shape: KeysShape, folder: str) -> KeySource:
    return KeySource(
        jwks=json.dumps(shape["jwks"], sort_keys=True, separators=(",", ":")) if "jwks" in shape else None,
        jwks_file=_absolute(shape.get("jwks_file"), folder),
        env=shape.get("env"),
        file=_absolute(shape.get("file"), folder),
        jwks_uri=shape.get("jwks_uri"),
        discovery=shape.get("discovery", False),
        ca_file=_absolute(shape.get("ca_file"), folder),
        max_stale=shape.get("max_stale", STALE_UNLESS_SAID),
        loopback_http=shape.get("loopback_http", False),
    )


def _absolute(path: str | None, folder: str) -> str | None:
    return None if path is None else os.path.normpath(os.path.join(folder, path))  # noqa: PTH118 - touches no file


def _claims(shape: Mapping[Target, Sequence[ClaimSourceShape]]) -> dict[Target, tuple[ClaimSource, ...]]:
    return {
        target: tuple(ClaimSource(path=tuple(each["path"]), format=each.get("format", "number")) for each in sources)
        for target, sources in shape.items()
    }


def _test(shape: ClaimTestShape) -> ClaimTest:
    return ClaimTest(
        path=tuple(shape["path"]),
        equals=shape.get("equals"),
        exists=shape.get("exists"),
        same_as=tuple(shape["same_as"]) if "same_as" in shape else None,
        suffix=shape.get("suffix", ""),
    )


def _profile_test(shape: ProfileTestShape) -> ClaimTest:
    alternatives = tuple(map(_test, shape.get("alternatives", ())))
    return replace(_test(shape), alternatives=alternatives, negated=not shape.get("holds", True))


def _asserts(shape: AssertsShape) -> Asserts:
    return Asserts(
        roles=tuple(shape.get("roles", ())),
        scopes=tuple(shape.get("scopes", ())),
        permissions=tuple(shape.get("permissions", ())),
        tenants=tuple(shape.get("tenants", ())),
    )
