"""Decisions to lines of the log: every input of a decision, in one fixed order, as ASCII JSON."""

from collections.abc import Collection, Container, Iterable, Mapping
from json.encoder import encode_basestring_ascii
from typing import Any, Final, NamedTuple

from policy.compile import Compiled
from policy.decision import Decision
from policy.demand import Outcome
from policy.explain import applying_rules
from policy.reasons import Reason
from policy.record import (
    LONGEST_REQUEST_ID,
    LONGEST_TEXT,
    UNKNOWN_AT_MOST,
    VERSION,
    About,
    Kind,
    kind_without_decision,
    line,
    moment,
)
from policy.subject import Subject
from policy.treating import Treatment, Untreated

REMEMBERED: Final = 4096
_text: Final = encode_basestring_ascii
_NO_IDS: Final = '"request_id":"","trace_id":"",'


class _Known(NamedTuple):
    """What stands of a subject in every record of it."""

    subject: Subject
    epoch: int
    text: str
    token: str
    capped: tuple[str, ...]


class Recorder:
    """Makes the lines of one policy's decisions. Safe to share between threads.

    The members stand in a fixed order: first what differs from record to record, then everything that the decision
    depends on, and at last who asked. So the inputs of many records can be compared as texts, without parsing any.
    What a subject, a verdict and a route look like in a line is remembered.
    """

    def __init__(self, policy: Compiled, *, treatment: Treatment | None = None, remark: str = "") -> None:
        self._policy: Final = policy
        self._treatment: Final = treatment or Untreated()
        self._before: Final = f'"standing":{_text(remark)},' if remark else ""
        self._after: Final = _treated(self._treatment.treated)
        self._always: Final = self._before + self._after
        self._treats: Final = treatment is not None
        self._digest: Final = policy.digest
        self._ruled: Final = frozenset(name for name, entry in policy.entries.items() if entry.rules)
        self._subjects: Final[dict[int, _Known]] = {}
        self._verdicts: Final[dict[tuple[str, Reason], str]] = {}
        self._ruled_verdicts: Final[dict[tuple[str, Reason, frozenset[str]], str]] = {}
        self._routes: Final[dict[tuple[str, str], tuple[str, tuple[str, ...]]]] = {}
        self._second = (-1, "")

    def decided(
        self,
        given: str,
        kind: Kind,
        subject: Subject,
        found: Outcome,
        *,
        now: float,
        tenant: str | None,
        about: About,
        duration: float,
        stale_keys: bool = False,
        old_revocations: bool = False,
        shadow: str = "",
    ) -> str:
        """The line of an enforced request or a checked token, under the id `given`.

        `duration` is in seconds. `shadow` is what another policy would have answered, as JSON.
        """
        known = self._subjects.get(id(subject))
        if known is None or known[0] is not subject or (self._treats and known[1] != self._treatment.epoch):
            known = self._write_subject(subject)
        asked, capped = self._routes.get((about.method, about.route)) or self._write_route(about)
        ids = _NO_IDS
        if about.request_id or about.trace_id:
            ids, capped = self._write_ids(about.request_id, about.trace_id, capped)
        optional = self._always
        if stale_keys or old_revocations or shadow or capped or known[4]:
            optional = self._optional(stale_keys, old_revocations, shadow, (*capped, *known[4]))
        second, decisions = int(now), found.decisions
        began = self._second
        if began[0] != second or now < 0:
            began = self._begin_second(second)
        allowed = found.refused is None and found.narrowed is None
        return (
            f'{{"v":2,"kind":"{kind}","id":"{given}","time":"{began[1]}{int((now - second) * 1e6):06d}Z",'
            f'"now":{now!r},"duration_us":{int(duration * 1e6)},"token":{known[3]},{ids}{asked}'
            f'"outcome":"{"allow" if allowed else "deny"}","reason":"{"allowed" if allowed else found.reason._value_}",'
            f'"permissions":[{self._verdict(decisions[0]) if len(decisions) == 1 else self._verdicts_of(decisions)}],'
            f'"tenant":{"null" if tenant is None else _text(tenant)},"policy":"{self._digest}",'
            f'{optional}"subject":{known[2]}}}'
        )

    def undecided(self, given: str, reason: Reason, detail: str, *, now: float, about: About) -> str:
        """The line of a request on which nothing was decided: no good token, or a fault of the application's."""
        capped: list[str] = []
        treat, treated = self._treatment.apply_to_unknown, self._treatment.treated_unknown
        record = {
            "v": VERSION,
            "kind": kind_without_decision(reason),
            "id": given,
            "time": moment(now),
            "now": now,
            "request_id": treat("request_id", _cut("request_id", about.request_id, capped, LONGEST_REQUEST_ID)),
            "trace_id": treat("trace_id", _cut("trace_id", about.trace_id, capped)),
            "method": _cut("method", about.method, capped),
            "route": _cut("route", about.route, capped),
            "outcome": "deny",
            "reason": reason,
            "detail": treat("detail", _cut("detail", detail, capped)),
            **({"capped": capped} if capped else {}),
            **({"treated": dict(treated)} if treated else {}),
        }
        return line(record)

    def _begin_second(self, second: int) -> tuple[int, str]:
        """The time to the second, which many records share."""
        found = self._second = second, moment(second)[:20]
        return found

    def _verdict(self, decision: Decision) -> str:
        found = self._verdicts.get((decision.permission, decision.reason))
        if found is None:
            found = self._by_rules(decision) if decision.permission in self._ruled else self._write_verdict(decision)
        return found

    def _verdicts_of(self, decisions: Iterable[Decision]) -> str:
        return ",".join(map(self._verdict, decisions))

    def _by_rules(self, decision: Decision) -> str:
        """A verdict on a permission that rules name: which of them apply depends on the roles in force."""
        held = decision.subject.held_in(decision.tenant)
        found = self._ruled_verdicts.get((decision.permission, decision.reason, held))
        if found is None:
            found = self._verdict_of(decision)
            _remember(self._ruled_verdicts, (decision.permission, decision.reason, held), found)
        return found

    def _write_verdict(self, decision: Decision) -> str:
        """A verdict that is always the same; only those on permissions of the catalogue are remembered."""
        text = self._verdict_of(decision)
        if decision.permission in self._policy.entries:
            _remember(self._verdicts, (decision.permission, decision.reason), text)
        return text

    def _verdict_of(self, decision: Decision) -> str:
        rules = applying_rules(decision.policy, decision.subject, decision.permission, decision.tenant)
        verdict = {"permission": decision.permission, "allowed": decision.allowed, "reason": decision.reason}
        return line({**verdict, "rules": [rule.id for rule in rules]})

    def _write_route(self, about: About) -> tuple[str, tuple[str, ...]]:
        capped: list[str] = []
        method, route = _cut("method", about.method, capped), _cut("route", about.route, capped)
        found = f'"method":{_text(method)},"route":{_text(route)},', tuple(capped)
        if not capped:
            _remember(self._routes, (about.method, about.route), found)
        return found

    def _write_ids(self, request_id: str, trace_id: str, others: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        if not self._treats and len(request_id) <= LONGEST_REQUEST_ID and len(trace_id) <= LONGEST_TEXT:
            return f'"request_id":{_text(request_id)},"trace_id":{_text(trace_id)},', others
        capped = list(others)
        own = self._treat("request_id", _cut("request_id", request_id, capped, LONGEST_REQUEST_ID))
        trace = self._treat("trace_id", _cut("trace_id", trace_id, capped))
        return f'"request_id":{own},"trace_id":{trace},', tuple(capped)

    def _optional(self, stale_keys: bool, old_revocations: bool, shadow: str, capped: tuple[str, ...]) -> str:
        parts = (
            self._before,
            '"keys":"stale",' if stale_keys else "",
            '"revocations":"last-good",' if old_revocations else "",
            f'"shadow":{shadow},' if shadow else "",
            f'"capped":{line_of_names(sorted(set(capped)))},' if capped else "",
            self._after,
        )
        return "".join(parts)

    def _write_subject(self, subject: Subject) -> _Known:
        capped: list[str] = []
        epoch = self._treatment.epoch  # before anything is made: what is erased meanwhile is made anew
        text = line(self._subject(subject, capped))
        token = self._treat("token", _cut("token", subject.token_id, capped))
        known = _Known(subject, epoch, text, token, tuple(capped))
        _remember(self._subjects, id(subject), known)
        return known

    def _treat(self, field: str, value: str | None) -> str:
        treated = self._treatment.apply(field, value) if value else value
        return "null" if treated is None else _text(treated)

    def _named(self, field: str, value: str | None, capped: list[str]) -> str | None:
        value = _cut(field, value, capped)
        return self._treatment.apply(field, value) if value else value

    def _subject(self, subject: Subject, capped: list[str]) -> dict[str, Any]:
        rules = self._policy
        return {
            "issuer": subject.issuer,
            "kind": subject.kind,
            "tenant": subject.tenant,
            **({"authority": subject.authority} if subject.authority else {}),
            "roles": _names("subject.roles", subject.roles, rules.closures, capped),
            "bound_roles": sorted(map(list, subject.bound_roles)),
            "scopes": _names("subject.scopes", subject.scopes, rules.scope_names, capped),
            "permissions": _names("subject.permissions", subject.permissions, rules.entries, capped),
            "groups": sorted(subject.groups),
            **({"without_groups": True} if subject.without_groups else {}),
            "assigned": sorted(map(list, subject.assigned), key=str),
            "unasserted": _unasserted(subject, capped),
            **({"acr": subject.acr} if subject.acr is not None else {}),
            **({"auth_time": subject.auth_time} if subject.auth_time is not None else {}),
            "client": self._named("subject.client", subject.client, capped),
            "id": self._named("subject.id", subject.id, capped),
        }


def line_of_names(names: Iterable[str]) -> str:
    """Names as a JSON list."""
    return f"[{','.join(map(_text, names))}]"


def _treated(fields: Mapping[str, str]) -> str:
    return f'"treated":{line(dict(fields))},' if fields else ""


def _remember(known: dict[Any, Any], key: Any, value: Any) -> None:
    """Bounded: where there is no more room, all is forgotten, and what is needed is soon there again."""
    if len(known) >= REMEMBERED:
        known.clear()
    known[key] = value


def _unasserted(subject: Subject, capped: list[str]) -> list[list[str]]:
    if len(subject.unasserted) > UNKNOWN_AT_MOST:
        capped.append("subject.unasserted")
    return [list(pair) for pair in subject.unasserted[:UNKNOWN_AT_MOST]]


def _cut(field: str, text: Any, capped: list[str], longest: int = LONGEST_TEXT) -> Any:
    if text is None or len(text) <= longest:
        return text
    capped.append(field)
    return text[:longest]


def _names(field: str, names: Collection[str], known: Container[str], capped: list[str]) -> list[str]:
    """All names the policy knows, and as many of the others as fit: those grant nothing, and there may be thousands."""
    if len(names) <= UNKNOWN_AT_MOST and sum(map(len, names)) <= LONGEST_TEXT:
        return sorted(names)
    kept = sorted(name for name in names if name in known)
    unknown = sorted(name for name in names if name not in known)
    if len(unknown) > UNKNOWN_AT_MOST or any(len(name) > LONGEST_TEXT for name in unknown):
        capped.append(field)
    return sorted(kept + [name for name in unknown[:UNKNOWN_AT_MOST] if len(name) <= LONGEST_TEXT])
