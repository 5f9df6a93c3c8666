"""The page of ``mailhub report quota``: self-contained, charts as inline SVG, nothing fetched."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from html import escape
from typing import Any

from mailhub.bench.style import page
from mailhub.cli.output import size

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _BOTTOM, _TOP = 320, 170, 58, 12, 24, 14
STYLE = """<style>
.area { fill: var(--one); opacity: .18; } .over { stroke: var(--one); fill: none; stroke-width: 2; }
.limit { stroke: var(--two); stroke-width: 1.5; stroke-dasharray: 5 4; }
.full { display: inline-block; width: 7rem; height: .6rem; background: var(--rule);
  border-radius: 3px; overflow: hidden; vertical-align: middle; margin-right: .4rem; }
.full i { display: block; height: 100%; background: var(--one); }
.full.near i { background: var(--two); }
</style>
"""
NEAR_PERCENT = 80


def quota_page(document: dict[str, Any]) -> str:
    """A whole HTML document."""
    shown, everybody = len(document["accounts"]), document["of_accounts"]
    body = [
        STYLE,
        "<h1>Quotas</h1>\n",
        f'<p class="about">As of {escape(document["at"])}; {everybody:,} accounts in'
        f" {len(document['domains']):,} domains.</p>\n",
        _cards(document),
        "<h2>Domains</h2>\n",
        f'<div class="small">{"".join(_figure(each) for each in document["domains"])}</div>\n',
        "<h2>Accounts that keep most</h2>\n",
        f'<p class="soft">{shown:,} of {everybody:,}.  Growth is that of the last 30 days.</p>\n',
        _table(document["accounts"]),
    ]
    return page("Quotas", "".join(body))


def _cards(document: dict[str, Any]) -> str:
    near = [a for a in document["accounts"] if (a["percent"] or 0) >= NEAR_PERCENT]
    dated = sorted(
        (entry["full_on"], entry["name"])
        for entry in (*document["domains"], *document["accounts"])
        if entry["full_on"]
    )
    octets = sum(entry["octets"] for entry in document["domains"])
    cards = [
        (size(octets), "kept altogether"),
        (f"{len(near):,}", f"of those below are {NEAR_PERCENT} % full or more"),
        (dated[0][0] if dated else "none", f"is the next to be full: {dated[0][1]}" if dated
         else "will be full at the rate of today"),
    ]  # fmt: skip
    return '<div class="cards">{}</div>\n'.format(
        "".join(
            f'<div class="card"><b>{escape(b)}</b><span>{escape(s)}</span></div>' for b, s in cards
        )
    )


def _figure(entry: dict[str, Any]) -> str:
    about = [size(entry["octets"])]
    if entry["octet_limit"]:
        about.append(f"of {size(entry['octet_limit'])}")
    if entry["full_on"]:
        about.append(f"full on {entry['full_on']}")
    return (
        f"<figure>{_chart(entry)}<figcaption>{escape(entry['name'])}"
        f' <span class="soft">{escape(", ".join(about))}</span></figcaption></figure>'
    )


def _chart(entry: dict[str, Any]) -> str:
    """What was kept over time, and the limit if it is near enough to be shown."""
    points = [(datetime.date.fromisoformat(day).toordinal(), n) for day, n in entry["history"]]
    first, last = points[0][0], max(points[-1][0], points[0][0] + 1)
    highest = max(n for _, n in points)
    limit = entry["octet_limit"]
    near = bool(limit) and limit <= 4 * max(highest, 1)
    top: float = max((max(highest, limit) if near else highest) * 1.05, 1)

    def x(day: int) -> float:
        return _LEFT + (day - first) / (last - first) * (_WIDTH - _LEFT - _RIGHT)

    def y(octets: float) -> float:
        return _HEIGHT - _BOTTOM - octets / top * (_HEIGHT - _BOTTOM - _TOP)

    path = _steps([(x(day), y(octets)) for day, octets in points])
    bottom = y(0)
    parts = [_tick(y(top * share), size(int(top * share))) for share in (0, 0.5, 1)]
    parts.append(
        f'<path class="area" d="{path} V{bottom:.1f} H{_LEFT} Z"/><path class="over" d="{path}"/>'
    )
    if limit and limit <= top:
        level = f"{y(limit):.1f}"
        parts.append(
            f'<line class="limit" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{level}" y2="{level}"/>'
        )
    ends = (
        (entry["history"][0][0], "start", _LEFT),
        (entry["history"][-1][0], "end", _WIDTH - _RIGHT),
    )
    for text, anchor, place in ends:
        parts.append(
            f'<text class="axis" x="{place}" y="{_HEIGHT - 6}" text-anchor="{anchor}">{text}</text>'
        )
    label = f"{entry['name']}: {size(entry['octets'])} kept"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def _steps(points: Sequence[tuple[float, float]]) -> str:
    """A usage stays until the next sample."""
    (x, y), *rest = points
    path = [f"M{x:.1f},{y:.1f}"]
    for to_x, to_y in rest:
        path.append(f"H{to_x:.1f} V{to_y:.1f}")
    return " ".join(path)


def _tick(y: float, text: str) -> str:
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="axis" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
        f"{escape(text)}</text>"
    )


def _table(entries: Sequence[dict[str, Any]]) -> str:
    head = "".join(
        f"<th>{title}</th>"
        for title in ("", "kept", "limit", "full", "messages", "growth a day", "full on")
    )
    rows = "".join(f"<tr>{''.join(_cells(entry))}</tr>" for entry in entries)
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>\n"
    )


def _cells(entry: dict[str, Any]) -> list[str]:
    rate = entry["octets_per_day"]
    percent = entry["percent"]
    bar = "-"
    if percent is not None:
        near = " near" if percent >= NEAR_PERCENT else ""
        width = min(percent, 100)
        bar = f'<span class="full{near}"><i style="width:{width}%"></i></span>{percent} %'
    cells = [
        escape(entry["name"]),
        size(entry["octets"]),
        size(entry["octet_limit"]) if entry["octet_limit"] else "-",
        bar,
        f"{entry['messages']:,}",
        "-" if rate is None else f"{'&minus;' if rate < 0 else '+'}{size(abs(rate))}",
        entry["full_on"] or "-",
    ]
    return [f"<td>{cell}</td>" for cell in cells]
