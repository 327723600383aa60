"""What is revoked, as values: each of one issuer, and of its tokens one, or those of a subject, client or tenant."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

What = Literal["token", "subject", "client", "tenant", "issuer"]
WHATS: Final[tuple[What, ...]] = ("token", "subject", "client", "tenant", "issuer")
Key = tuple[str, What, str]
FOREVER: Final = math.inf


class Facts(NamedTuple):
    """What a token can be revoked by. `subject` is the raw `sub`, `issued` the `iat` in seconds since 1970.

    `tenants` are that of the tenant claim and those that its roles are bound to, whether the issuer may assert them or
    not.
    """

    issuer: str
    token_id: str
    subject: str
    client: str | None
    tenants: frozenset[str]
    issued: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Revocation:
    """Tokens of one issuer that are refused.

    `what` says whose: the one `token` with the id `value` (`jti:…` or `sha256:…`, as records name it), or those of a
    `subject` (the raw `sub`), a `client`, a `tenant`, or of the whole `issuer` (`value` is empty). With
    `issued_before`, in seconds since 1970, only tokens whose `iat` is that time or earlier. After `until` the entry may
    be forgotten: what it refuses has expired.
    """

    issuer: str
    what: What
    value: str = ""
    issued_before: float | None = None
    until: float | None = None
    note: str = ""

    @property
    def key(self) -> Key:
        """What there is at most one entry of."""
        return self.issuer, self.what, self.value

    @property
    def before(self) -> float:
        """The last `iat` that is refused."""
        return FOREVER if self.issued_before is None else self.issued_before

    def with_former(self, former: "Revocation | None") -> "Revocation":
        """This entry, widened by one of the same key: what was refused stays refused."""
        if former is None:
            return self
        return Revocation(
            issuer=self.issuer,
            what=self.what,
            value=self.value,
            issued_before=self.issued_before if self.before >= former.before else former.issued_before,
            until=None if former.until is None or self.until is None else max(former.until, self.until),
            note=self.note or former.note,
        )

    def as_dict(self) -> dict[str, Any]:
        """The entry as JSON values."""
        return {
            "issuer": self.issuer,
            **({} if self.what == "issuer" else {self.what: self.value}),
            **({} if self.issued_before is None else {"issued_before": self.issued_before}),
            **({} if self.until is None else {"until": self.until}),
            **({"note": self.note} if self.note else {}),
        }


def keys_of(facts: Facts) -> Iterator[Key]:
    """Every key under which a token could be revoked, in the order in which they are named."""
    yield facts.issuer, "token", facts.token_id
    yield facts.issuer, "subject", facts.subject
    if facts.client is not None:
        yield facts.issuer, "client", facts.client
    for tenant in sorted(facts.tenants):
        yield facts.issuer, "tenant", tenant
    yield facts.issuer, "issuer", ""


def in_words(key: Key, before: float) -> str:
    """Why a token is refused, for the log."""
    _, what, value = key
    named = "every token of the issuer is" if what == "issuer" else f"the {what} `{value[:200]}` is"
    return f"{named} revoked" + ("" if before == FOREVER else f" for what was issued up to {before:.15g}")


class RevocationList:
    """Revocations that are at hand, as a function of facts. Immutable."""

    def __init__(self, entries: Iterable[Revocation]) -> None:
        found: dict[Key, Revocation] = {}
        for entry in entries:
            found[entry.key] = entry.with_former(found.get(entry.key))
        self._before: Final[Mapping[Key, float]] = {key: entry.before for key, entry in found.items()}
        self.entries: Final = tuple(found.values())

    def find(self, facts: Facts) -> str | None:
        """Why the token is revoked, or `None`."""
        if not self._before:
            return None
        for key in keys_of(facts):
            before = self._before.get(key)
            if before is not None and facts.issued <= before:
                return in_words(key, before)
        return None
