"""IMAP beside POP3 as a page with charts, of the document that protocols.compare gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mailhub.bench.charts import Show, bars, lines
from mailhub.bench.style import KEY, page
from mailhub.bench.tables import milliseconds, number, octets

Document = Mapping[str, Any]

MEASURES: tuple[tuple[str, str, Show], ...] = (
    ("time", "median_ms", milliseconds),
    ("octets, both ways", "octets", octets),
    ("round trips", "round_trips", number),
    ("server CPU", "server_cpu_ms", milliseconds),
)
WAYS = {"idle": "IDLE", "imap-poll": "IMAP", "pop3-poll": "POP3"}
_LINE_MS = 50.0
_LINE_OCTETS_PER_MS = 2_500.0  # 20 Mbit/s


def protocols_page(document: Document) -> str:
    """A self-contained HTML document."""
    server = document["server"]
    clients = max(document["clients"])
    parts = [
        f"<h1>IMAP beside POP3 on {escape(server['name'])}</h1>\n",
        _about(document),
        _cards(document),
        f"<h2>What one client's visit costs</h2>\n<p>{_people(clients)} doing the same with the"
        " same mail. The bars of each pair share a scale; shorter is better.</p>\n",
        KEY,
        _matrix(document, clients),
        _over_a_line(document),
        _more_clients(document),
        _waiting(document),
        _tables(document),
    ]
    return page(f"IMAP beside POP3: {escape(server['name'])}", "".join(parts))


def _people(clients: int) -> str:
    return "One client" if clients == 1 else f"{clients:,} clients at once, each"


def _about(document: Document) -> str:
    server, machine = document["server"], document["machine"]
    when = document["time"][:16].replace("T", " ")
    name = f"{server['version'] or server['name']} at {server['host']}, TLS: {server['tls']}"
    large = octets(document["large_octets"])
    mail = (
        f"Rounds: {document['rounds']}. {document['messages']} messages in every INBOX; a large"
        f" message has {large}"
    )
    where = f"Clients on {machine['cores']} cores ({machine['processor']}), {machine['system']}"
    return (
        f'<p class="about">{escape(name)}. {escape(mail)}. {escape(where)}.'
        f" {escape(when)} UTC.</p>\n"
    )


def _both(costs: Mapping[str, Any]) -> dict[str, Any]:
    return {**costs, "octets": costs["sent_octets"] + costs["received_octets"]}


def _at(results: Sequence[Mapping[str, Any]], clients: int) -> Mapping[str, Any]:
    return next(row for row in results if row["clients"] == clients)


def _pair(habit: Document, clients: int, key: str) -> dict[str, float | None]:
    row = _at(habit["results"], clients)
    return {"IMAP": _both(row["imap"])[key], "POP3": _both(row["pop3"])[key]}


# --- the first look -------------------------------------------------------------------------

_CARDS = (
    ("poll", "octets", "octets of a look when nothing is new"),
    ("poll", "round_trips", "round trips of that look"),
    ("read-text", "octets", "octets to read the text of a large message"),
    ("first-all", "round_trips", "round trips of a first synchronisation"),
)


def _cards(document: Document) -> str:
    clients = max(document["clients"])
    habits = {habit["name"]: habit for habit in document["habits"]}
    cards = [_card(_pair(habits[name], clients, key), sentence) for name, key, sentence in _CARDS]
    return f'<div class="cards">{"".join(cards)}</div>\n'


def _card(pair: Mapping[str, float | None], sentence: str) -> str:
    imap, pop3 = pair["IMAP"] or 0.0, pair["POP3"] or 0.0
    if not imap or not pop3:
        return ""
    winner, times = ("IMAP", pop3 / imap) if pop3 >= imap else ("POP3", imap / pop3)
    times_said = "as many" if times < 1.05 else f"{number(times)} times fewer"
    what = "both" if times < 1.05 else winner
    return f'<div class="card"><b>{times_said}</b><span>{what}: {escape(sentence)}</span></div>'


def _matrix(document: Document, clients: int) -> str:
    head = "".join(f"<div>{escape(title)}</div>" for title, *_ in MEASURES)
    rows = [f'<div class="row head"><div></div>{head}</div>']
    for habit in document["habits"]:
        cells = "".join(
            f"<div><small>{escape(title)}</small>{bars(_pair(habit, clients, key), show)}</div>"
            for title, key, show in MEASURES
        )
        rows.append(
            f'<div class="row"><div class="what">{escape(habit["title"])}</div>{cells}</div>'
        )
    return f'<div class="matrix" style="--columns:{len(MEASURES)}">{"".join(rows)}</div>\n'


def _over_a_line(document: Document) -> str:
    """Measured on a short way; what a long one adds follows from round trips and octets."""
    rows = []
    for habit in document["habits"]:
        row = _at(habit["results"], min(document["clients"]))
        times = {name.upper(): _line_time(_both(row[name])) for name in ("imap", "pop3")}
        rows.append(
            f'<div class="row"><div class="what">{escape(habit["title"])}</div>'
            f"<div>{bars(times, milliseconds)}</div></div>"
        )
    return (
        "<h2>The same, from home</h2>\n<p>Computed, not measured: one client's time with 50 ms"
        " added for each round trip and 20 Mbit/s. Programs that send several commands at once"
        " wait less often; the clients here wait for each reply.</p>\n"
        f'{KEY}<div class="matrix two" style="--columns:1">{"".join(rows)}</div>\n'
    )


def _line_time(costs: Mapping[str, Any]) -> float:
    moving = costs["octets"] / _LINE_OCTETS_PER_MS
    return float(costs["median_ms"] + costs["round_trips"] * _LINE_MS + moving)


# --- more and more clients ------------------------------------------------------------------


def _more_clients(document: Document) -> str:
    if len(document["clients"]) < 2:
        return ""
    figures = []
    for habit in document["habits"]:
        series = {
            name.upper(): [(row["clients"], row[name]["median_ms"]) for row in habit["results"]]
            for name in ("imap", "pop3")
        }
        chart = lines(series, milliseconds, "clients at once")
        figures.append(f"<figure><figcaption>{escape(habit['title'])}</figcaption>{chart}</figure>")
    return (
        "<h2>More clients</h2>\n<p>The median client's time. Both axes are logarithmic.</p>\n"
        f'{KEY}<div class="small">{"".join(figures)}</div>\n'
    )


# --- waiting --------------------------------------------------------------------------------

_WAITING: tuple[tuple[str, str, Show], ...] = (
    ("known after, median", "delay_median_ms", milliseconds),
    ("octets, both ways", "octets", octets),
    ("round trips", "round_trips", number),
    ("server CPU", "server_cpu_ms", milliseconds),
)


def _waiting(document: Document) -> str:
    clients, ways = max(document["clients"]), document["waiting"]
    rows = []
    for title, key, show in _WAITING:
        values = {WAYS[w["name"]]: _both(_at(w["results"], clients))[key] for w in ways}
        rows.append(
            f'<div class="row"><div class="what">{escape(title)}</div>'
            f"<div>{bars(values, show)}</div></div>"
        )
    interval = document["interval"]
    return (
        f"<h2>Waiting for mail</h2>\n<p>{_people(clients)} waiting {5 * interval:g} s for one"
        f" message: by IDLE, or by a look every {interval:g} s. Looks less frequent cost less and"
        " make people wait longer; IDLE costs the same whatever the time.</p>\n"
        '<div class="key"><span><i class="c"></i>IMAP, IDLE</span>'
        '<span><i class="a"></i>IMAP, NOOP on a kept connection</span>'
        '<span><i class="b"></i>POP3, a new connection each time</span></div>'
        f'<div class="matrix two" style="--columns:1">{"".join(rows)}</div>\n'
    )


# --- all figures ----------------------------------------------------------------------------

_COLUMNS: tuple[tuple[str, str, Show], ...] = (
    ("median", "median_ms", milliseconds),
    ("p99", "p99_ms", milliseconds),
    ("received", "received_octets", octets),
    ("sent", "sent_octets", octets),
    ("round trips", "round_trips", number),
    ("server CPU", "server_cpu_ms", milliseconds),
    ("server memory", "server_memory_octets", octets),
)


def _tables(document: Document) -> str:
    rows = []
    for habit in document["habits"]:
        for row in habit["results"]:
            for name in ("imap", "pop3"):
                cells = [habit["title"], f"{row['clients']:,}", name.upper()]
                cells += [show(row[name][key]) for _, key, show in _COLUMNS]
                rows.append("".join(f"<td>{escape(cell)}</td>" for cell in cells))
    titles = ("", "clients", "", *(title for title, *_ in _COLUMNS))
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        "<details><summary>All figures, per client</summary>"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></details>\n"
    )
