"""From the regions of all processes to Prometheus' text: sums, and whose gauge is the greatest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import isnan
from operator import itemgetter

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from mailhub.metrics.cells import Labels, figures
from mailhub.metrics.families import FAMILIES, SECONDS, Family

_IS_GAUGE = tuple(family.kind == "gauge" for family in FAMILIES)
_BOUNDS = (*map(str, SECONDS), "+Inf")

Totals = dict[Labels, list[float]]


class Exposition(Collector):
    """Everything, for a ``CollectorRegistry``; *regions* gives those that count now."""

    def __init__(self, regions: Callable[[], Sequence[memoryview]]) -> None:
        self._regions = regions

    def collect(self) -> Iterator[Metric]:
        totals = add_up(self._regions())
        for number, family in enumerate(FAMILIES):
            if not family.labels:  # its one series is there from the start
                totals[number].setdefault((), [0.0] * family.cells)
            yield _metric(family, totals[number])


def add_up(regions: Iterable[memoryview]) -> list[Totals]:
    """By family and labels."""
    totals: list[Totals] = [{} for _ in FAMILIES]
    for region in regions:
        for figure in figures(region, _IS_GAUGE):
            family, before = FAMILIES[figure.family], totals[figure.family].get(figure.labels)
            if before is None:
                after = figure.cells
            elif family.shown == "greatest":
                after = max(before, figure.cells)
            elif family.shown == "latest":
                after = max(before, figure.cells, key=itemgetter(-1))
            else:
                after = [a + b for a, b in zip(before, figure.cells, strict=True)]
            totals[figure.family][figure.labels] = after
    return totals


def _metric(family: Family, totals: Totals) -> Metric:
    name = f"mailhub_{family.name}"
    if family.kind == "histogram":
        histogram = HistogramMetricFamily(name, family.about, labels=family.labels)
        for labels, cells in totals.items():
            histogram.add_metric(labels, _cumulated(cells[:-1]), cells[-1])
        return histogram
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(name, family.about, labels=family.labels)
    for labels, cells in totals.items():
        if not isnan(cells[0]):  # of something that is gone
            metric.add_metric(labels, cells[0])
    return metric


def _cumulated(counts: Sequence[float]) -> list[tuple[str, float]]:
    seen = 0.0
    buckets = []
    for bound, count in zip(_BOUNDS, counts, strict=True):
        seen += count
        buckets.append((bound, seen))
    return buckets
