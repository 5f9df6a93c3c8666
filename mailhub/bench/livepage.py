"""IMAP beside POP3 in real use as a page with charts, of the document that live.Report gives."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from mailhub.bench.charts import Show, bars
from mailhub.bench.style import KEY, page
from mailhub.bench.tables import number, octets

MEASURES: tuple[tuple[str, str, Show], ...] = (
    ("users", "users", number),
    ("sessions", "sessions", number),
    ("sessions in which no mail was taken", "sessions_without_mail", number),
    ("hours connected", "hours_connected", number),
    ("to clients", "octets_out", octets),
    ("from clients", "octets_in", octets),
    ("messages taken whole", "messages", number),
    ("messages taken again", "messages_again", number),
    ("octets taken again", "octets_again", octets),
)
PER_USER: tuple[tuple[str, str, Show], ...] = (
    ("sessions", "sessions", number),
    ("to clients", "octets_out", octets),
    ("messages taken again", "messages_again", number),
)


def live_page(document: Mapping[str, Any]) -> str:
    """A self-contained HTML document."""
    totals = document["protocols"]
    body = [
        "<h1>IMAP beside POP3 in use</h1>\n",
        f'<p class="about">Sessions that ended from {_moment(document["from"])} to'
        f" {_moment(document['to'])} (UTC).</p>\n",
        f"{KEY}<h2>All together</h2>\n",
        _matrix(MEASURES, {name.upper(): totals[name] for name in totals}),
        "<h2>For each user</h2>\n",
        _matrix(PER_USER, {name.upper(): _per_user(totals[name]) for name in totals}),
        _better_off(document),
    ]
    return page("IMAP beside POP3 in use", "".join(body))


def _moment(text: str) -> str:
    """To the minute."""
    return escape(text[:16].replace("T", " "))


def _per_user(totals: Mapping[str, float]) -> dict[str, float]:
    return {key: value / (totals["users"] or 1) for key, value in totals.items()}


def _matrix(
    measures: tuple[tuple[str, str, Show], ...], totals: Mapping[str, Mapping[str, float]]
) -> str:
    rows = [
        f'<div class="row"><div class="what">{escape(title)}</div>'
        f"<div>{bars({name: each[key] for name, each in totals.items()}, show)}</div></div>"
        for title, key, show in measures
    ]
    return f'<div class="matrix two" style="--columns:1">{"".join(rows)}</div>\n'


def _better_off(document: Mapping[str, Any]) -> str:
    people = document["better_off_with_imap"]
    if not people:
        return "<h2>Better off with IMAP</h2>\n<p>Nobody, as far as the events tell.</p>\n"
    head = "".join(f"<th>{t}</th>" for t in ("", "why", "sessions", "taken", "again", "octets"))
    rows = "".join(_person(row) for row in people)
    return (
        "<h2>Better off with IMAP</h2>\n<p>Users of POP3, those first whose downloads are most"
        " often in vain.</p>\n"
        f'<div class="scroll"><table class="people"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>\n"
    )


def _person(row: Mapping[str, Any]) -> str:
    reasons = "<br>".join(escape(reason) for reason in row["reasons"])
    figures = (
        f"{row['sessions']:,}",
        f"{row['messages']:,}",
        f"{row['messages_again']:,}",
        octets(row["octets_again"]),
    )
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in figures)
    return f'<tr><td>{escape(row["account"])}</td><td class="text">{reasons}</td>{cells}</tr>'
