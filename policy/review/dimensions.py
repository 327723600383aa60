"""By what a log can be divided up: for each word the column that has it, and how its text reads."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from policy.review.columns import Column, between

#: Methods of HTTP; a caller can send any other word, and is not given a row for it.
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY"})
_DECODER: Final = json.JSONDecoder()
_CLIENT, _ID = ',"client":', ',"id":'

_ISSUER: Final = between("issuer", '"issuer":', ',"kind":')
#: `POST /data/<int:id>` as the record has it, over two members.
ASKED: Final = between("asked", '"method":', ',"outcome":')
#: The verdicts.
PERMISSIONS: Final = between("permissions", '"permissions":', ',"tenant":')
#: How many refused tokens were not kept, by reason.
COUNTS: Final = between("counts", '"counts":', "}}")


def _at_the_end(line: bytes) -> tuple[bytes | None, bytes]:
    """The client and the id."""
    _, mark, end = line.partition(_CLIENT.encode())
    client, _, id_ = end.partition(_ID.encode())
    return (client, id_) if mark else (None, b"")


def _subject(line: bytes) -> bytes | None:
    issuer, (client, id_) = _ISSUER.read(line), _at_the_end(line)
    return None if issuer is None or client is None else b"[" + issuer + b"," + id_


_END_SQL: Final = f"split_part(line, '{_CLIENT}', 2)"
_CLIENT_COLUMN: Final = Column(
    "client",
    f"case when contains(line, '{_CLIENT}') then split_part({_END_SQL}, '{_ID}', 1) end",
    lambda line: _at_the_end(line)[0],
)
_SUBJECT_COLUMN: Final = Column(
    "subject",
    f"case when contains(line, '{_CLIENT}') then '[' || {_ISSUER.sql} || ',' || split_part({_END_SQL}, '{_ID}', 2) end",
    _subject,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dimension:
    """Something that a decided record has one of. `mark` makes of a value a text that stands in its lines."""

    name: str
    column: Column
    mark: Callable[[str], str]
    shown: Callable[[Collection[str]], Mapping[str, str]]


def asked(text: str | None) -> str:
    """The method and the route, as one word each."""
    found = _parsed(f'{{"method":{text}}}') if text is not None else None
    if not isinstance(found, dict):
        return "-"
    method = str(found.get("method", ""))
    shown = method if method in METHODS or not method else "?"
    return f"{shown} {found.get('route', '')}".strip() or "-"


def verdicts(text: str | None) -> tuple[tuple[str, bool, str], ...]:
    """Each permission with its verdict and its reason."""
    found = _parsed(text) if text is not None else None
    listed = found if isinstance(found, list) else []
    return tuple(
        (str(each.get("permission")), each.get("allowed") is True, str(each.get("reason")))
        for each in listed
        if isinstance(each, dict)
    )


def counts(text: str | None) -> dict[str, int]:
    """What a record of kind `surplus` counts."""
    found = _parsed(f"{text}}}") if text is not None else None
    return {reason: n for reason, n in found.items() if type(n) is int} if isinstance(found, dict) else {}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _plain(texts: Collection[str]) -> dict[str, str]:
    return {text: "-" if (found := _parsed(text)) is None else str(found) for text in texts}


def _as_it_is(texts: Collection[str]) -> dict[str, str]:
    return {text: text for text in texts}


def _people(texts: Collection[str]) -> dict[str, str]:
    """Their ids, and whose they are where there are several issuers."""
    found = {text: _parsed(text.removesuffix("}}") + "]") for text in texts}
    pairs = {text: each if isinstance(each, list) and len(each) == 2 else ["", "-"] for text, each in found.items()}
    several = len({issuer for issuer, _ in pairs.values()}) > 1
    return {text: _person(issuer, id_, several) for text, (issuer, id_) in pairs.items()}


def _person(issuer: Any, id_: Any, several: bool) -> str:
    name = "(dropped)" if id_ is None else str(id_)
    return f"{name} of {issuer or 'no issuer'}" if several else name


def _id_mark(text: str) -> str:
    """The issuer stands elsewhere in the line, so this is of every subject with that id."""
    _, end = _DECODER.raw_decode(text, 1)
    return f"{_ID}{text[end + 1 :]}"


DIMENSIONS: Final[Mapping[str, Dimension]] = {
    each.name: each
    for each in (
        Dimension(name="subject", column=_SUBJECT_COLUMN, mark=_id_mark, shown=_people),
        Dimension(name="client", column=_CLIENT_COLUMN, mark=lambda text: f"{_CLIENT}{text}{_ID}", shown=_plain),
        Dimension(name="issuer", column=_ISSUER, mark=lambda text: f'"issuer":{text},"kind":', shown=_plain),
        Dimension(
            name="tenant",
            column=between("tenant", '"tenant":', ',"policy":'),
            mark=lambda text: f'"tenant":{text},"policy":',
            shown=_plain,
        ),
        Dimension(
            name="policy",
            column=between("policy", '"policy":"', '"'),
            mark=lambda text: f'"policy":"{text}"',
            shown=_as_it_is,
        ),
    )
}
