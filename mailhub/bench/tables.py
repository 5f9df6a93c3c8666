"""Results as people read them in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from mailhub.bench.results import Row, Series
from mailhub.bench.target import Target


def micro_table(targets: Sequence[Target], rows: Sequence[Row], rounds: int) -> Table:
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
    return who + ", ".join(f"{k.removesuffix('_ms')} {number(v)} ms" for k, v in shown.items())


def number(value: float | None) -> str:
    """Three or so significant digits, thousands apart."""
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"
