"""Charts as inline SVG: no style of their own, only classes, so that the page's policy and its colours hold."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from policy.document.wording import printable
from policy.review.periods import Period, Periods, in_words

_WIDTH: Final = 960
_LEFT: Final = 56
_TOP: Final = 10
_BOTTOM: Final = 24
_TICKS_AT_MOST: Final = 7
_ROW: Final = 46
_BAR_HEIGHT: Final = 13


def text(value: str) -> str:
    """The text as HTML, with what is not printed escaped."""
    return escape(printable(value), quote=True)


def stacked(time: Periods, outcomes: Sequence[str], *, name: str, title: str, height: int) -> str:
    """Bars over time, one a period, of these outcomes on top of each other; `name` is unique on the page."""
    most = max((sum(_of(part, outcomes)) for part in time.parts), default=0)
    top, plot = _nice(most), height - _TOP - _BOTTOM
    wide = (_WIDTH - _LEFT) / max(1, len(time.parts))
    bars = [
        bar
        for at, part in enumerate(time.parts)
        for bar in _pile(part, outcomes, left=_LEFT + at * wide, wide=wide, plot=plot, top=top)
    ]
    words = f"{title}: {len(time.parts)} bars of {in_words(time.seconds)} each, at most {most:,}"
    inner = [*_scale(top, plot), *bars, *_dates(time, wide, height)]
    return _svg(name, words, _WIDTH, height, inner)


def _of(part: Period, outcomes: Sequence[str]) -> list[int]:
    return [part.counts.get(outcome, 0) for outcome in outcomes]


def _pile(part: Period, outcomes: Sequence[str], *, left: float, wide: float, plot: float, top: float) -> Iterator[str]:
    base = _TOP + plot
    gap = 1 if wide > 4 else 0
    for outcome, count in zip(outcomes, _of(part, outcomes), strict=True):
        if count:
            high = count / top * plot
            base -= high
            yield (
                f'<rect class="{outcome}" x="{left:.1f}" y="{base:.2f}" width="{wide - gap:.2f}" height="{high:.2f}">'
                f"<title>{part.time}: {count:,} {outcome}</title></rect>"
            )


def _nice(most: int) -> int:
    """A round number that is not below, so that the scale reads well."""
    if most <= 0:
        return 1
    size: int = 10 ** math.floor(math.log10(most))
    return next(step * size // 2 for step in (2, 3, 4, 5, 6, 8, 10, 12, 16, 20) if step * size >= 2 * most) or 1


def _scale(top: int, plot: float) -> Iterator[str]:
    steps = (0, top / 2, top) if top > 1 else (0, top)
    for value in steps:
        y = _TOP + plot - value / top * plot
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="axis end" x="{_LEFT - 8}" y="{y + 4:.1f}">{value:,.10g}</text>'


def _dates(time: Periods, wide: float, height: int) -> Iterator[str]:
    """Some starts below the bars, not so many that they touch."""
    if not time.parts:
        return
    days = (time.parts[-1].start - time.parts[0].start).days
    every = max(1, math.ceil(len(time.parts) / _TICKS_AT_MOST))
    for at in range(0, len(time.parts), every):
        start = time.parts[at].start
        shown = start.strftime("%Y-%m-%d" if days > 7 else "%m-%d %H:%M")
        x = _LEFT + at * wide
        if x < _WIDTH - 60:
            yield f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{height - _BOTTOM}" y2="{height - _BOTTOM + 5}"/>'
            yield f'<text class="axis" x="{x:.1f}" y="{height - 6}">{shown}</text>'


def ranking(rows: Sequence[tuple[str, Sequence[tuple[str, int]]]], *, name: str, title: str) -> str:
    """Bars from left to right, one a row, of some outcomes behind each other; the names stand above them."""
    most = max((sum(count for _, count in counts) for _, counts in rows), default=0) or 1
    wide, high = _WIDTH // 2, len(rows) * _ROW - 8
    inner = []
    for at, (label, counts) in enumerate(rows):
        y, x = at * _ROW, 0.0
        total = sum(count for _, count in counts)
        inner.append(f'<text class="label" x="0" y="{y + 14}">{text(label)}</text>')
        inner.append(f'<text class="axis end" x="{wide}" y="{y + 14}">{total:,}</text>')
        for outcome, count in counts:
            long = count / most * wide
            if count:
                inner.append(
                    f'<rect class="{outcome}" x="{x:.1f}" y="{y + 19}" width="{max(long, 1.5):.1f}" '
                    f'height="{_BAR_HEIGHT}"><title>{text(label)}: {count:,} {outcome}</title></rect>'
                )
            x += long
    return _svg(name, title, wide, high, inner)


def _svg(name: str, words: str, width: int, height: int, inner: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-labelledby="{name}-title">'
        f'<title id="{name}-title">{text(words)}</title>{"".join(inner)}</svg>'
    )
