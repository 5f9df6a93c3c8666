"""The workloads of one server or several as a page with charts, of what results.as_json gives."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from mailhub.bench.charts import bars
from mailhub.bench.style import page
from mailhub.bench.tables import number, octets

Document = Mapping[str, Any]
CLASSES = ("first", "second")


def micro_page(document: Document) -> str:
    """A self-contained HTML document."""
    names = [server["name"] for server in document["servers"]]
    title = " beside ".join(escape(name) for name in names)
    rows = "".join(_row(workload, names) for workload in document["workloads"])
    body = (
        f"<h1>{title}</h1>\n{_about(document)}{_key(names)}"
        '<p>Medians. Longer is better where a rate is shown ("/s"), shorter where it is a time or'
        " memory; a ratio above 1 means that the first is better.</p>\n"
        f'<div class="matrix two" style="--columns:1">{rows}</div>\n'
    )
    return page(title, body)


def _about(document: Document) -> str:
    machine, settings = document["machine"], document["settings"]
    servers = "; ".join(
        f"{server['version'] or server['name']}, TLS: {server['tls']}"
        for server in document["servers"]
    )
    text = (
        f"{servers}. Rounds: {settings['rounds']}. {settings['messages']:,} messages. Clients on"
        f" {machine['cores']} cores ({machine['processor']},"
        f" {octets(machine['memory_octets'])}), {machine['system']}. {document['time'][:10]}"
    )
    return f'<p class="about">{escape(text)}</p>\n'


def _key(names: list[str]) -> str:
    if len(names) < 2:
        return ""
    spans = [
        f'<span><i class="{colour}"></i>{escape(name)}</span>'
        for colour, name in zip("ab", names, strict=False)
    ]
    return f'<div class="key">{"".join(spans)}</div>\n'


def _row(workload: Document, names: list[str]) -> str:
    results = [workload["servers"][name] for name in names]
    values = {name: workload["servers"][name].get("median") for name in names}
    unit = workload["unit"]
    chart = bars(
        values, lambda value: f"{number(value)} {unit}" if value is not None else "-", CLASSES
    )
    notes = [
        f"{name}: {result['skipped']}"
        for name, result in zip(names, results, strict=True)
        if "skipped" in result
    ]
    notes += [_percentiles(name, result) for name, result in zip(names, results, strict=True)]
    if workload["limited_by_client"]:
        notes.append("limited by the client")
    ratio = "" if workload["ratio"] is None else f" <b>{workload['ratio']:.2f}</b>"
    soft = "".join(f'<br><span class="soft note">{escape(note)}</span>' for note in notes if note)
    return (
        f'<div class="row"><div class="what">{escape(workload["title"])}{ratio}{soft}</div>'
        f"<div>{chart}</div></div>"
    )


def _percentiles(name: str, result: Document) -> str:
    detail = result.get("detail", {})
    if "p50_ms" not in detail:
        return ""
    return f"{name}: p50 {number(detail['p50_ms'])} ms, p99 {number(detail['p99_ms'])} ms"
