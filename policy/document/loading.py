"""The way from texts to a document: read, merged, checked, built."""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Final

from policy.document.building import built
from policy.document.checking import check
from policy.document.digest import digest
from policy.document.doubts import warnings
from policy.document.findings import Findings
from policy.document.merging import Merged, merged
from policy.document.reading import MIB, Source, object_in
from policy.errors import PolicyError
from policy.model import Document

MAX_BYTES: Final = 32 * MIB


def read(sources: Iterable[Source], *, max_bytes: int = MAX_BYTES) -> Document:
    """The document that these sources make together, whatever their order.

    `max_bytes` is what one source may have at most. Raises `PolicyError` with every problem of every source.
    """
    with _without_collections():
        return _read(sorted(sources, key=lambda source: source.name), max_bytes)


@contextmanager
def _without_collections() -> Iterator[None]:
    # Parsing makes hundreds of thousands of values and no cycles; looking for some would take a third of the time.
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _read(sources: Sequence[Source], max_bytes: int) -> Document:
    if not sources:
        raise PolicyError("there are no policy documents")
    findings = Findings()
    whole = merged((object_in(each, number, findings, max_bytes) for number, each in enumerate(sources)), findings)
    check(whole, findings)
    if findings.found:
        raise PolicyError(findings.problems([each.name for each in sources], [each.text for each in sources]))
    return _document(whole, sources)


def _document(whole: Merged, sources: Sequence[Source]) -> Document:
    sha256 = digest(whole.raw, chain.from_iterable(each.columns.lines() for each in whole.assignments))
    document = built(whole, [each.folder for each in sources], sha256)
    return replace(document, warnings=warnings(whole, [each.name for each in sources]))
