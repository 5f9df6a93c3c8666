"""Results as people read them in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from mailhub.bench.results import Row, Series
from mailhub.bench.target import Target

Show = Callable[[float | None], str]


def micro_table(targets: Sequence[Target], rows: Sequence[Row]) -> Table:
    """A row for each workload, medians and the best of the rounds in columns."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("workload")
    table.add_column("unit")
    for target in targets:
        table.add_column(target.name, justify="right")
        table.add_column("best", justify="right")
    if len(targets) == 2:
        table.add_column("ratio", justify="right")
    table.add_column("")
    for row in rows:
        table.add_row(*_cells(targets, row))
    return table


def _cells(targets: Sequence[Target], row: Row) -> list[Text]:
    cells = [row.workload.title, row.workload.unit]
    for series in row.servers:
        less = row.workload.less_is_better
        cells += [number(series.median()), number(series.best(less=less))]
    if len(targets) == 2:
        ratio = row.ratio()
        cells.append("-" if ratio is None else f"{ratio:.2f}")
    cells.append("; ".join(filter(None, _notes(targets, row))))
    return [Text(cell) for cell in cells]


def _notes(targets: Sequence[Target], row: Row) -> list[str]:
    notes = []
    for target, series in zip(targets, row.servers, strict=True):
        who = f"{target.name}: " if len(targets) > 1 else ""
        if series.skipped:
            notes.append(f"{who}skipped, {series.skipped}")
        else:
            notes.append(_detail(who, series))
    if row.limited_by_client():
        notes.append("limited by the client")
    return notes


def _detail(who: str, series: Series) -> str:
    shown = {k: v for k, v in series.detail().items() if k in ("p50_ms", "p99_ms")}
    if not shown:
        return ""
    if missed := series.detail().get("missed"):
        who = f"{who}{missed:.0f} pushes never came, "
    return who + ", ".join(f"{k.removesuffix('_ms')} {number(v)} ms" for k, v in shown.items())


def number(value: float | None) -> str:
    """Three or so significant digits, thousands apart."""
    if value is None:
        return "-"
    if value >= 1e5:
        return f"{value / 1e6:.3g} M" if value >= 1e6 else f"{value / 1e3:.0f} k"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def habits_tables(document: Mapping[str, Any], columns: int) -> list[Table]:
    """IMAP beside POP3, for a terminal of so many *columns*."""
    if columns >= WIDE:
        return [_habits(document, HABIT_MEASURES)]
    return [_habits(document, HABIT_MEASURES[:3]), _habits(document, HABIT_MEASURES[3:])]


def _habits(document: Mapping[str, Any], measures: Sequence[tuple[str, str, Show]]) -> Table:
    """A row for each habit and number of clients."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("per client")
    table.add_column("clients", justify="right")
    for measure, *_ in measures:
        table.add_column(f"{measure}\nIMAP", justify="right")
        table.add_column("\nPOP3", justify="right")
    for habit in document["habits"]:
        for place, row in enumerate(habit["results"]):
            cells = ["" if place else habit["title"], str(row["clients"])]
            for _, key, show in measures:
                cells += [_marked(row[name], key, show) for name in ("imap", "pop3")]
            table.add_row(*map(Text, cells))
    return table


def _marked(costs: Mapping[str, Any], key: str, show: Show) -> str:
    """With an asterisk where the clients were what was measured."""
    mark = "*" if key == "median_ms" and costs["limited_by_client"] else ""
    return show(costs[key]) + mark


def limited(document: Mapping[str, Any]) -> bool:
    """Whether there is such a mark."""
    rows = [row for habit in document["habits"] for row in habit["results"]]
    return any(row[name]["limited_by_client"] for row in rows for name in ("imap", "pop3"))


def waiting_table(document: Mapping[str, Any]) -> Table:
    """What waiting costs, and how late one knows."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"waiting, a look every {document['interval']:g} s")
    table.add_column("clients", justify="right")
    for measure, *_ in WAITING_MEASURES:
        table.add_column(measure, justify="right")
    for way in document["waiting"]:
        for place, row in enumerate(way["results"]):
            cells = ["" if place else way["title"], str(row["clients"])]
            cells += [show(row[key]) for _, key, show in WAITING_MEASURES]
            table.add_row(*map(Text, cells))
    return table


def octets(value: float | None) -> str:
    """Octets in the unit that suits them."""
    if value is None:
        return "-"
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= size:
            return f"{number(value / size)} {unit}"
    return f"{value:.0f} B"


def milliseconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{number(value / 1e3)} s" if value >= 1000 else f"{number(value)} ms"


WIDE = 150
HABIT_MEASURES: tuple[tuple[str, str, Show], ...] = (
    ("time", "median_ms", milliseconds),
    ("received", "received_octets", octets),
    ("round trips", "round_trips", number),
    ("sent", "sent_octets", octets),
    ("server CPU", "server_cpu_ms", milliseconds),
    ("server memory", "server_memory_octets", octets),
)
WAITING_MEASURES: tuple[tuple[str, str, Show], ...] = (
    ("known after", "delay_median_ms", milliseconds),
    ("p99", "delay_p99_ms", milliseconds),
    ("never", "missed", number),
    ("looks", "looks", number),
    ("received", "received_octets", octets),
    ("sent", "sent_octets", octets),
    ("round trips", "round_trips", number),
    ("server CPU", "server_cpu_ms", milliseconds),
    ("server memory", "server_memory_octets", octets),
)
