"""Charts as inline SVG: no script, nothing fetched; colours are the page's, by class."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

Show = Callable[[float | None], str]

_BAR, _GAP, _LONGEST, _LABEL = 14, 5, 130, 90
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 320, 190, 52, 26, 12


def bars(values: Mapping[str, float | None], show: Show, classes: Sequence[str] = ()) -> str:
    """A horizontal bar for each name; its class is the name, or that of *classes*."""
    largest = max((value or 0.0 for value in values.values()), default=0.0)
    parts = []
    for place, (name, value) in enumerate(values.items()):
        y = place * (_BAR + _GAP)
        share = (value or 0.0) / largest if largest else 0.0
        # A sliver for what is small, so that it is seen to be there.
        width = max(1.5 if value else 0.0, _LONGEST * share)
        parts.append(
            f'<rect class="{escape(classes[place] if classes else name)}" x="0" y="{y}"'
            f' width="{width:.1f}" height="{_BAR}" rx="2"/>'
            f'<text x="{width + 6:.1f}" y="{y + _BAR - 3}">{escape(show(value))}</text>'
        )
    height = len(values) * (_BAR + _GAP) - _GAP
    label = ", ".join(f"{name} {show(value)}" for name, value in values.items())
    return (
        f'<svg class="bars" viewBox="0 0 {_LONGEST + _LABEL} {height}" role="img"'
        f' aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def lines(
    series: Mapping[str, Sequence[tuple[float, float | None]]], show: Show, across: str
) -> str:
    """A line for each name over logarithmic axes; *across* says what runs from left to right."""
    points = {n: [(x, y) for x, y in line if y] for n, line in series.items()}
    every = [(x, y) for line in points.values() for x, y in line if y]
    if not every:
        return ""
    xs, ys = (
        sorted({x for x, _ in every}),
        _decades(min(y for _, y in every), max(y for _, y in every)),
    )
    plot = _Plot(xs[0], xs[-1], ys[0], ys[-1])
    grid = "".join(_tick_y(plot, y, show) for y in ys) + "".join(_tick_x(plot, x) for x in xs)
    drawn = "".join(_line(plot, name, line) for name, line in points.items())
    label = f"{', '.join(series)} by {across}"
    return (
        f'<svg class="lines" viewBox="0 0 {_WIDTH} {_HEIGHT + 16}" role="img"'
        f' aria-label="{escape(label)}">{grid}{drawn}'
        f'<text class="axis" x="{(_WIDTH + _LEFT) / 2:.0f}" y="{_HEIGHT + 12}"'
        f' text-anchor="middle">{escape(across)}</text></svg>'
    )


class _Plot:
    """Where a value lies."""

    def __init__(self, left: float, right: float, low: float, high: float) -> None:
        self._x = (math.log10(left), math.log10(right))
        self._y = (math.log10(low), math.log10(high))

    def x(self, value: float) -> float:
        return _LEFT + _between(self._x, value) * (_WIDTH - _LEFT - 12)

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - _between(self._y, value) * (_HEIGHT - _BOTTOM - _TOP)


def _between(ends: tuple[float, float], value: float) -> float:
    low, high = ends
    return 0.5 if high == low else (math.log10(value) - low) / (high - low)


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten round both, at most five of them."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    last = max(last, first + 1)
    step = max(1, math.ceil((last - first) / 4))
    return [10.0**n for n in range(first, last + step, step)]


def _tick_y(plot: _Plot, value: float, show: Show) -> str:
    y = plot.y(value)
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - 12}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="axis" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
        f"{escape(show(value))}</text>"
    )


def _tick_x(plot: _Plot, value: float) -> str:
    return (
        f'<text class="axis" x="{plot.x(value):.1f}" y="{_HEIGHT - _BOTTOM + 16}"'
        f' text-anchor="middle">{value:,.0f}</text>'
    )


def _line(plot: _Plot, name: str, line: Sequence[tuple[float, float | None]]) -> str:
    places = [(plot.x(x), plot.y(y)) for x, y in line if y]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places)
    return f'<g class="{escape(name)}"><polyline points="{path}"/>{dots}</g>'
